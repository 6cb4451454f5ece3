"""A table in MariaDB, a bucket, a database behind the Redshift endpoint, and the whole way between them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import MySQLdb
import pytest
import redshift_connector
from mypy_boto3_s3 import S3Client

from tests.conftest import S3, MariaDB, Redshift
from warehouse.config import TableConfig
from warehouse.extract import Destination, Written, extract_table
from warehouse.load import Authorization, Loaded, load
from warehouse.load_plan import Relation, plan_manifests
from warehouse.target import Layout

AUDIT = Relation("audit", "loads")


class Source:
    """A MariaDB database."""

    def __init__(self, arguments: dict[str, Any]) -> None:
        self.arguments = arguments
        self.database = str(arguments["database"])

    def connect(self) -> Any:
        return MySQLdb.connect(**self.arguments, charset="utf8mb4")

    def execute(self, *statements: str) -> list[tuple[Any, ...]]:
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
        self.arguments = {
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
        return redshift_connector.connect(**self.arguments)

    def execute(self, *statements: str) -> list[tuple[Any, ...]]:
        with closing(self.connect()) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            for statement in statements:
                cursor.execute(statement)
            return [tuple(row) for row in cursor.fetchall()] if cursor.description else []

    @property
    def connection_json(self) -> str:
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
                "extra": {"ssl": False, "role_arn": self.iam_role},
            }
        )


@pytest.fixture(scope="session")
def source(mariadb: MariaDB) -> Source:
    return Source(mariadb.fresh_database("load"))


@pytest.fixture(scope="session")
def warehouse(redshift: Redshift) -> Warehouse:
    return Warehouse(redshift.fresh_database("load"), redshift.iam_role)


@pytest.fixture(scope="session")
def client(s3: S3) -> S3Client:
    return s3.client()


@pytest.fixture(scope="session")
def bucket(s3: S3) -> str:
    return s3.fresh_bucket("load")
