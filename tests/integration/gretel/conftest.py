"""A real Gretel service behind a proxy that can break, a project per test, and Airflow connections to both."""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import logging
import random
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import structlog

from hooks.gretel import GretelHook
from local.components.gretel import Gretel
from tests.conftest import S3
from tests.support.fault_proxy import FaultProxy

CONN_ID = "gretel_test"
READ_TIMEOUT = 20
HASTY_TIMEOUT = 2
CART = {"schema_version": "1.0", "models": [{"cart": {}}]}
_numbers = itertools.count(1)


def csv_bytes(rows: int, columns: int = 3) -> bytes:
    """Numbers that belong together loosely, as the engine is made for."""
    rng = random.Random(1)
    lines = [",".join(f"c{index}" for index in range(columns))]
    for _ in range(rows):
        size = rng.gauss(0, 1)
        lines.append(",".join(f"{size + rng.gauss(0, index + 1):.3f}" for index in range(columns)))
    return "\n".join(lines).encode() + b"\n"


SMALL = csv_bytes(200)
SLOW = csv_bytes(60_000, 12)  # trains for far longer than any test looks at it


@pytest.fixture
def proxy(gretel: Gretel) -> Iterator[FaultProxy]:
    with FaultProxy(gretel.endpoint) as proxy:
        yield proxy


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch, gretel: Gretel) -> Callable[..., str]:
    """Define an Airflow connection; returns its id."""

    def define(endpoint: str, conn_id: str = CONN_ID, *, api_key: str | None = None, **extra: Any) -> str:
        connection = {
            "conn_type": "gretel",
            "host": endpoint,
            "password": gretel.api_key if api_key is None else api_key,
            "extra": {"read_timeout": READ_TIMEOUT, **extra},
        }
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(connection))
        return conn_id

    return define


@pytest.fixture
def direct(connect: Callable[..., str], gretel: Gretel) -> Iterator[GretelHook]:
    """A hook past the proxy, for looking at what is really there; its project is deleted after the test."""
    name = f"test-project-{next(_numbers)}"
    hook = GretelHook(connect(gretel.endpoint, "gretel_direct", project=name))
    project = hook.create_project(name)
    yield hook
    project.delete()  # with all its jobs


@pytest.fixture
def hook(connect: Callable[..., str], direct: GretelHook, proxy: FaultProxy) -> GretelHook:
    """A hook through the proxy, for the same project."""
    return GretelHook(connect(proxy.endpoint, project=direct.settings.project))


@pytest.fixture
def hasty(connect: Callable[..., str], direct: GretelHook, proxy: FaultProxy) -> GretelHook:
    """The same, and not patient with answers that do not come."""
    return GretelHook(
        connect(proxy.endpoint, "gretel_hasty", project=direct.settings.project, read_timeout=HASTY_TIMEOUT)
    )


@pytest.fixture
def upload(direct: GretelHook) -> Callable[..., str]:
    """Upload training data past the proxy; returns its artifact key."""

    def send(data: bytes = SMALL, name: str = "data.csv") -> str:
        return direct.upload_training_data(
            direct.default_project, name, lambda: contextlib.closing(io.BytesIO(data)), len(data)
        )

    return send


@pytest.fixture
def statuses(direct: GretelHook) -> Callable[[], list[str]]:
    """Statuses of all models that there really are in the project, oldest first."""

    def look() -> list[str]:
        found = direct.default_project.search_models(factory=dict, sort_field="status_history.created")
        return [entry["status"] for entry in found]

    return look


@pytest.fixture
def bucket(s3: S3, monkeypatch: pytest.MonkeyPatch) -> str:
    """A fresh bucket, reached through the connection aws_default."""
    connection = {
        "conn_type": "aws",
        "login": s3.access_key,
        "password": s3.secret_key,
        "extra": {"endpoint_url": s3.endpoint_url, "region_name": "us-east-1"},
    }
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(connection))
    return s3.fresh_bucket("gretel")


@pytest.fixture
def store(s3: S3, bucket: str) -> Callable[..., str]:
    """Put training data on S3; returns its URI."""

    def put(data: bytes = SMALL, key: str = "raw/features.csv") -> str:
        s3.client().put_object(Bucket=bucket, Key=key, Body=data)
        return f"s3://{bucket}/{key}"

    return put


@pytest.fixture
def task_log(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], str]]:
    """Everything logged so far: by Airflow's classes, which use structlog, and by libraries, which use logging."""
    caplog.set_level(logging.DEBUG)
    with structlog.testing.capture_logs() as entries:
        yield lambda: "\n".join([*(f"{entry['event']} {entry}" for entry in entries), caplog.text])


class TaskInstance(SimpleNamespace):
    """What the operator asks of Airflow's task instance; the real one needs a running Airflow."""

    def xcom_push(self, key: str, value: Any) -> None:
        self.xcoms[key] = value


@pytest.fixture
def context() -> dict[str, Any]:
    ti = TaskInstance(dag_id="bookings", run_id="manual__2026-11-20T09:00", task_id="generate", map_index=-1, xcoms={})
    return {"ti": ti}
