"""A MariaDB database and a bucket per module, and the extract between them."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from typing import Any

import MySQLdb
import pytest
from mypy_boto3_s3 import S3Client
from MySQLdb.connections import Connection

from tests.support.extracts import read_manifest, read_rows
from warehouse.config import TableConfig
from warehouse.extract import Destination, Written, extract_table


class Source:
    """A MariaDB database of a module's own."""

    def __init__(self, arguments: dict[str, Any]) -> None:
        self.arguments = arguments
        self.database = str(arguments["database"])

    def connect(self) -> Connection:
        return MySQLdb.connect(**self.arguments, charset="utf8mb4")

    def execute(self, *statements: str | tuple[str, Any]) -> list[tuple[Any, ...]]:
        """Execute statements (or one with many rows of parameters), commit, and return the last one's rows."""
        with closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("SET SESSION sql_mode = '', time_zone = '+00:00'")
            for statement in statements:
                if isinstance(statement, tuple):
                    cursor.executemany(*statement)
                else:
                    cursor.execute(statement)
            connection.commit()
            return list(cursor.fetchall())


class Lake:
    """A bucket and what extracts have left in it."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self.client = client
        self.bucket = bucket
        self.destination = Destination(client, bucket, "mysql")

    def names(self) -> list[str]:
        return [item["Key"] for item in self.client.list_objects_v2(Bucket=self.bucket).get("Contents", [])]

    def manifest(self, written: Written) -> dict[str, Any]:
        return read_manifest(self.client, written.url)

    def rows(self, written: Written) -> list[tuple[Any, ...]]:
        return read_rows(self.client, self.manifest(written))


@pytest.fixture(scope="module")
def source(mariadb: Any) -> Source:
    return Source(mariadb.fresh_database("warehouse"))


@pytest.fixture
def lake(s3: Any) -> Lake:
    return Lake(s3.client(), s3.fresh_bucket("lake"))


@pytest.fixture
def configure(source: Source) -> Callable[..., TableConfig]:
    """Makes a table's config: `configure("nps", pii={…})`."""

    def make(table: str, **keys: Any) -> TableConfig:
        defaults: dict[str, Any] = {
            "name": table,
            "source": f"{source.database}.{table}",
            "target": f"analytics.{table}",
            "primary_key": ["id"],
            "mode": "mutable",
            "cursor": "updated_at",
        }
        return TableConfig(**(defaults | keys))

    return make


@pytest.fixture
def extract(source: Source, lake: Lake) -> Callable[..., Written]:
    """Runs an extract from the module's database into the test's bucket."""

    def run(config: TableConfig, **options: Any) -> Written:
        return extract_table(source.connect, lake.destination, config, **options)

    return run


@pytest.fixture
def airflow_connections(source: Source, s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connections that operators ask for, in the environment."""
    access = source.arguments
    mysql = {
        "conn_type": "mysql",
        "host": access["host"],
        "port": access["port"],
        "login": access["user"],
        "password": access["password"],
        "schema": access["database"],
        "extra": {"charset": "utf8mb4"},
    }
    aws = {
        "conn_type": "aws",
        "login": s3.access_key,
        "password": s3.secret_key,
        "extra": {"endpoint_url": s3.endpoint_url, "region_name": "us-east-1"},
    }
    monkeypatch.setenv("AIRFLOW_CONN_MYSQL_PROD", json.dumps(mysql))
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(aws))
    monkeypatch.setenv("AIRFLOW_CONN_PII_KEY", json.dumps({"conn_type": "generic", "password": "0123456789abcdef"}))
