"""The server under test: a real MySQL if VERIFY_MYSQL_DSN names one, else the local stack's MariaDB.

VERIFY_MYSQL_DSN=mysql://user:password@host:3306 needs a user who may create databases and users; the tests make one of
each, and drop them in the end. The extracts go to the local stack's S3 server.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import MySQLdb
import pytest

from tests.integration.warehouse.conftest import Lake, Source
from warehouse.config import TableConfig
from warehouse.extract import Written, extract_table


@dataclass(frozen=True)
class Server:
    """Where the server is, and who may create databases and users there; arguments of mysqlclient."""

    address: dict[str, Any]
    administrator: dict[str, Any]


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest) -> Server:
    dsn = os.environ.get("VERIFY_MYSQL_DSN")
    if not dsn:
        request.getfixturevalue("mariadb")
        component = request.getfixturevalue("engines").mariadb
        address = {key: component.arguments("")[key] for key in ("host", "port")}
        socket = str(component.home.control_socket.with_suffix(".mariadb"))
        return Server(address, {"user": "root", "unix_socket": socket})
    url = urlsplit(dsn)
    if url.scheme != "mysql" or not url.hostname or not url.username:
        raise pytest.UsageError("VERIFY_MYSQL_DSN must look like mysql://user:password@host:3306")
    address = {"host": url.hostname, "port": url.port or 3306}
    return Server(address, address | {"user": unquote(url.username), "password": unquote(url.password or "")})


@pytest.fixture(scope="session")
def source(server: Server) -> Iterator[Source]:
    """A database of the tests' own, as the administrator sees it."""
    name = f"conformance_{uuid.uuid4().hex[:12]}"
    with closing(MySQLdb.connect(**server.administrator)) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        yield Source(server.administrator | {"database": name})
        cursor.execute(f"DROP DATABASE {name}")


@pytest.fixture(scope="session")
def reader(server: Server, source: Source) -> Iterator[Callable[[], Any]]:
    """Opens connections of a user with the one right that an extract needs: SELECT."""
    name, password = f"reader_{uuid.uuid4().hex[:12]}", "for-the-Test-1"
    how = "IDENTIFIED WITH caching_sha2_password BY" if is_mysql(source) else "IDENTIFIED BY"
    source.execute(f"CREATE USER {name} {how} '{password}'", f"GRANT SELECT ON {source.database}.* TO {name}")
    arguments = server.address | {"user": name, "password": password, "database": source.database}
    yield lambda: MySQLdb.connect(**arguments, charset="utf8mb4")
    source.execute(f"DROP USER {name}")


def is_mysql(source: Source) -> bool:
    """Whether it is MySQL, and not MariaDB."""
    [(version,)] = source.execute("SELECT VERSION()")
    return "mariadb" not in version.lower()


@pytest.fixture
def lake(s3: Any) -> Lake:
    return Lake(s3.client(), s3.fresh_bucket("lake"))


@pytest.fixture
def configure(source: Source) -> Callable[..., TableConfig]:
    """Makes a table's config: `configure("t", pii={…})`."""

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
def extract(reader: Callable[[], Any], lake: Lake) -> Callable[..., Written]:
    """Runs an extract, as the user who may only read, into the test's bucket."""

    def run(config: TableConfig, **options: Any) -> Written:
        return extract_table(reader, lake.destination, config, **options)

    return run
