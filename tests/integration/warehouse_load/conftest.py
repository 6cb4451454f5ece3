"""A database in MariaDB, one behind the Redshift endpoint, a bucket, and Airflow's connections to them."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import closing
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import MySQLdb
import pytest
import redshift_connector
import structlog

from tests.conftest import S3, MariaDB, Redshift
from tests.support.loads import Lake
from warehouse.load import Loaded, load
from warehouse.load_plan import LoadPlan, Relation
from warehouse.redshift import Session
from warehouse.stage import Authorization

AUDIT = Relation("audit", "loads")


class Source:
    """A MariaDB database."""

    def __init__(self, arguments: dict[str, Any]) -> None:
        self.arguments = arguments
        self.database = str(arguments["database"])

    def connect(self) -> Any:
        return MySQLdb.connect(**self.arguments, charset="utf8mb4")

    def execute(self, *statements: str) -> list[tuple[Any, ...]]:
        """Execute statements, commit, and return the last one's rows."""
        with closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("SET SESSION sql_mode = '', time_zone = '+00:00'")
            for statement in statements:
                cursor.execute(statement)
            connection.commit()
            return list(cursor.fetchall())


class Warehouse:
    """A database behind the Redshift endpoint."""

    def __init__(self, dsn: str, iam_role: str) -> None:
        parts = urlsplit(dsn)
        self.arguments: dict[str, Any] = {
            "host": parts.hostname,
            "port": parts.port,
            "user": parts.username,
            "password": parts.password,
            "database": parts.path.lstrip("/"),
            "ssl": False,
        }
        self.iam_role = iam_role
        self.authorization = Authorization(f"IAM_ROLE '{iam_role}'")

    def connect(self) -> Any:
        connection = redshift_connector.connect(**self.arguments)
        connection.autocommit = True
        return connection

    def execute(self, *statements: str) -> list[tuple[Any, ...]]:
        """Execute statements, each on its own, and return the last one's rows."""
        with closing(self.connect()) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return [tuple(row) for row in cursor.fetchall()] if cursor.description else []

    def load(self, make_plan: Callable[[Session], LoadPlan], **options: Any) -> Loaded:
        return load(self.connect, make_plan, self.authorization, **options)

    def airflow_connection(self, **extra: Any) -> str:
        """As Airflow keeps it."""
        access = self.arguments
        return json.dumps(
            {
                "conn_type": "redshift",
                "host": access["host"],
                "port": access["port"],
                "login": access["user"],
                "password": access["password"],
                "schema": access["database"],
                "extra": {"ssl": False, "role_arn": self.iam_role} | extra,
            }
        )


@pytest.fixture(scope="module")
def source(mariadb: MariaDB) -> Source:
    return Source(mariadb.fresh_database("load"))


@pytest.fixture(scope="module")
def warehouse(redshift: Redshift) -> Warehouse:
    return Warehouse(redshift.fresh_database("load"), redshift.iam_role)


@pytest.fixture
def lake(s3: S3) -> Lake:
    return Lake(s3.client(), s3.fresh_bucket("load"), "files")


def aws_connection(s3: S3, **extra: Any) -> str:
    connection = {
        "conn_type": "aws",
        "login": s3.access_key,
        "password": s3.secret_key,
        "extra": {"endpoint_url": s3.endpoint_url, "region_name": "us-east-1"} | extra,
    }
    return json.dumps(connection)


@pytest.fixture
def airflow_connections(warehouse: Warehouse, s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connections that operators ask for, in the environment."""
    monkeypatch.setenv("AIRFLOW_CONN_REDSHIFT_DEFAULT", warehouse.airflow_connection())
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", aws_connection(s3))


def run_context(run_id: str, task_id: str = "load") -> Any:
    """What the operator asks of Airflow's context."""
    return {"ti": SimpleNamespace(dag_id="dag", run_id=run_id, task_id=task_id, map_index=-1)}


@pytest.fixture
def task_log(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], str]]:
    """Everything logged so far: by Airflow's classes, which use structlog, and by libraries, which use logging."""
    caplog.set_level(logging.DEBUG)
    with structlog.testing.capture_logs() as entries:
        yield lambda: "\n".join([*(f"{entry['event']} {entry}" for entry in entries), caplog.text])
