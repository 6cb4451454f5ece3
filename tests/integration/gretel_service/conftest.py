"""Gretel services with settings of a test's own, each in a process and a data directory of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import pandas as pd
import psutil
import pytest
import requests
from gretel_client.config import ClientConfig
from gretel_client.projects import Project, get_project

from tests.support.gretel_jobs import bookings
from tests.support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[3]
ALICE, ALICE_AGAIN, BOB = "grtu" + "a" * 40, "grtu" + "c" * 40, "grtu" + "b" * 40
KEYS = f"{ALICE}=alice@example.org,{BOB}=bob@example.org,{ALICE_AGAIN}=alice@example.org"


class ServiceProcess:
    """One service that a test starts, kills and starts again on the same data."""

    def __init__(self, data_dir: Path, log: Path, settings: dict[str, str]) -> None:
        self.data_dir = data_dir
        self.log = log
        self._settings = {"GRETEL_SERVICE_API_KEYS": KEYS, **settings}
        self._process: subprocess.Popen[bytes] | None = None
        self._log_file: IO[bytes] = log.open("ab")
        self.port = 0

    def start(self, **settings: str) -> ServiceProcess:
        """Start it and wait until it answers; on the same port as before."""
        self._settings.update(settings)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GRETEL")}
        mark = self.log.stat().st_size
        self._process = subprocess.Popen(
            [sys.executable, "-m", "services.gretel", "serve", "--port", str(self.port), "--data-dir", self.data_dir],
            cwd=ROOT,
            env={**environment, **self._settings},
            stderr=self._log_file,
        )
        self.port = wait_until(lambda: self._find_port(mark), "the service to log its port")
        wait_until(self._answers, "the service to answer")
        return self

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def process(self) -> psutil.Process:
        assert self._process is not None
        return psutil.Process(self._process.pid)

    def workers(self) -> list[psutil.Process]:
        """The workers: those that run a job, and one that stands ready."""
        return self.process.children()

    def busy_worker(self) -> psutil.Process:
        """The worker that runs the only job: it stood ready before the one that now does."""
        return min(self.workers(), key=lambda worker: worker.create_time())

    def terminate(self) -> int:
        """End it as a process manager would; returns the exit code."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(timeout=30)

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(timeout=30)

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill()
        self._log_file.close()

    def session(self, key: str = ALICE) -> ClientConfig:
        return ClientConfig(endpoint=self.endpoint, api_key=key)

    def project(self, name: str = "bookings", key: str = ALICE) -> Project:
        return get_project(name=name, create=True, session=self.session(key))

    def call(self, method: str, path: str, *, key: str = ALICE, **arguments: object) -> requests.Response:
        """Make a request by hand, for what gretel-client would not send."""
        headers = {"Authorization": key}
        return requests.request(method, self.endpoint + path, headers=headers, timeout=30, **arguments)  # type: ignore[arg-type]

    def _find_port(self, mark: int) -> int | None:
        assert self._process is not None
        text = self.log.read_bytes()[mark:].decode()
        assert self._process.poll() is None, text
        _, found, rest = text.partition("running on http://127.0.0.1:")
        return int(rest.split()[0]) if found else None

    def _answers(self) -> bool:
        try:
            return requests.get(self.endpoint + "/health", timeout=5).ok
        except requests.ConnectionError:
            return False


class Services:
    """Makes services and ends them with the test."""

    def __init__(self, home: Path, stack: ExitStack) -> None:
        self._home = home
        self._stack = stack
        self._count = 0

    def prepare(self, *, data_dir: Path | None = None, **settings: str) -> ServiceProcess:
        """Make a service that is not yet started; settings by their names without prefix, in lower case."""
        self._count += 1
        data_dir = data_dir or self._home / f"service-{self._count}"
        environment = {f"GRETEL_SERVICE_{name.upper()}": value for name, value in settings.items()}
        service = ServiceProcess(data_dir, self._home / f"service-{self._count}.log", environment)
        self._stack.callback(service.close)
        return service

    def start(self, *, data_dir: Path | None = None, **settings: str) -> ServiceProcess:
        return self.prepare(data_dir=data_dir, **settings).start()


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    with ExitStack() as stack:
        yield Services(tmp_path, stack)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """One service with default settings, for tests that leave it as they found it."""
    with ExitStack() as stack:
        yield Services(tmp_path_factory.mktemp("gretel"), stack).start()


@pytest.fixture
def project(shared: ServiceProcess, request: pytest.FixtureRequest) -> Iterator[Project]:
    """A fresh project on the shared service."""
    fresh = get_project(create=True, session=shared.session())
    yield fresh
    if not fresh._deleted:
        fresh.delete()


@pytest.fixture(scope="session")
def frame() -> pd.DataFrame:
    return bookings(rows=400, seed=1)
