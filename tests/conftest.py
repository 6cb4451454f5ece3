"""The real engines that tests run against, started once per session from a stack of their own."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from mypy_boto3_s3 import S3Client
from xdist.scheduler import LoadScopeScheduling

from local.airflow_api import AirflowApi
from local.components.base import Component
from local.components.gretel import Gretel as GretelComponent
from local.components.mariadb import MariaDB as MariaDBComponent
from local.components.postgres import Postgres as PostgresComponent
from local.components.redshift import COPY_ROLE
from local.components.redshift import Redshift as RedshiftComponent
from local.components.s3 import S3Server
from local.settings import REPOSITORY
from local.stack import Stack

# Started in the background, a shell lets its children ignore Ctrl-C; tests of what Ctrl-C does need it.
signal.signal(signal.SIGINT, signal.default_int_handler)
# scikit-learn's threads spin while they wait, which starves everything else on a small machine.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

E2E_PIPELINES = Path(__file__).parent / "e2e" / "repository"

_numbers = itertools.count(1)


def _unique(name: str) -> str:
    return f"{name}_{next(_numbers)}"


class Postgres:
    """A PostgreSQL server; every test takes a database of its own."""

    def __init__(self, component: PostgresComponent) -> None:
        self._component = component

    def dsn(self, database: str) -> str:
        """The superuser's DSN of a database."""
        return self._component.dsn(database)

    def fresh_database(self, name: str) -> str:
        """Create an empty database and return its owner's DSN."""
        unique = _unique(name)
        return self._component.create_database(unique, owner="tester")


class MariaDB:
    """A MariaDB server; every test takes a database of its own."""

    def __init__(self, component: MariaDBComponent) -> None:
        self._component = component

    def fresh_database(self, name: str) -> dict[str, str | int]:
        """Create an empty database and return host, port, user, password and database."""
        unique = _unique(name)
        self._component.create_database(unique)
        return self._component.arguments(unique)


class S3:
    """An S3 server; every test takes a bucket of its own."""

    def __init__(self, component: S3Server) -> None:
        self.endpoint_url = component.endpoint_url
        self.access_key = component.access_key
        self.secret_key = component.secret_key
        self._component = component

    def client(self) -> S3Client:
        return self._component.client()

    def fresh_bucket(self, name: str) -> str:
        bucket = _unique(name).replace("_", "-")
        boto3.resource(
            "s3",
            endpoint_url=self.endpoint_url,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            region_name="us-east-1",
        ).create_bucket(Bucket=bucket)
        return bucket


class ByFile(LoadScopeScheduling):
    """How `make test` shares the tests out: file by file, and all that need Airflow to one worker, which starts one."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", 1)[0]
        return "airflow" if file.startswith(("tests/e2e/", "tests/ui/")) else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    return ByFile(config, log)


@pytest.fixture(scope="session")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack of the tests' own: each component is started when a test first asks for it."""
    root = tmp_path_factory.mktemp("stack")
    stack = Stack(root / "home", dags_folder=_repository(root) / "dags")
    stack.launch()
    yield stack
    stack.stop()


def _repository(root: Path) -> Path:
    """Copy dags/ and sql/, and add the pipelines that only the tests have, as a user would add theirs."""
    copy = root / "repository"
    for part in ("dags", "sql"):
        for source in (REPOSITORY, E2E_PIPELINES):
            shutil.copytree(source / part, copy / part, dirs_exist_ok=True)
    return copy


@pytest.fixture(scope="session")
def airflow(engines: Stack) -> AirflowApi:
    """The whole stack with Airflow's four processes, and its REST API."""
    engines.start()
    return AirflowApi(engines.airflow)


def _up(engines: Stack, component: Component) -> None:
    engines.start_component(component)


@pytest.fixture(scope="session")
def postgres(engines: Stack) -> Postgres:
    _up(engines, engines.postgres)
    return Postgres(engines.postgres)


@pytest.fixture(scope="session")
def mariadb(engines: Stack) -> MariaDB:
    _up(engines, engines.mariadb)
    return MariaDB(engines.mariadb)


@pytest.fixture(scope="session")
def s3(engines: Stack) -> S3:
    _up(engines, engines.s3)
    return S3(engines.s3)


class Redshift:
    """A Redshift endpoint; every test takes a database of its own."""

    def __init__(self, component: RedshiftComponent) -> None:
        self._component = component
        self.port = component.port
        self.iam_role = COPY_ROLE

    def fresh_database(self, name: str) -> str:
        """Create an empty database and return its DSN."""
        return self._component.create_database(_unique(name))


@pytest.fixture(scope="session")
def redshift(engines: Stack, postgres: Postgres, s3: S3) -> Redshift:
    _up(engines, engines.redshift)
    return Redshift(engines.redshift)


@pytest.fixture(scope="session")
def gretel(engines: Stack) -> GretelComponent:
    """A Gretel service: `.endpoint`, `.api_key`."""
    _up(engines, engines.gretel)
    return engines.gretel
