"""One endpoint, reached by two drivers, with a place on S3 for files."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg2
import redshift_connector
import zstandard
from mypy_boto3_s3 import S3Client
from psycopg2.extensions import parse_dsn

DRIVERS = ("psycopg2", "redshift_connector")


class SqlFailedError(Exception):
    """A statement failed, whichever the driver.

    :param fields: of the ErrorResponse: C SQLSTATE, M message, D detail
    """

    def __init__(self, fields: dict[str, str]) -> None:
        super().__init__(f"{fields.get('C')}: {fields.get('M')} {fields.get('D', '')}")
        self.fields = fields

    @property
    def sqlstate(self) -> str:
        return self.fields["C"]

    @property
    def message(self) -> str:
        return self.fields["M"]

    @property
    def detail(self) -> str:
        return self.fields.get("D", "")


class Session:
    """A connection, the same for both drivers.

    :param autocommit: each statement is a transaction of its own
    """

    def __init__(self, connection: Any, *, autocommit: bool = True) -> None:
        self.connection = connection
        self.connection.autocommit = autocommit
        self.rowcount = -1

    def run(self, sql: str, parameters: Sequence[object] | None = None) -> list[tuple[Any, ...]]:
        """Run one statement and return its rows.

        :raises SqlFailedError: it failed
        """
        cursor = self.connection.cursor()
        try:
            cursor.execute(sql, tuple(parameters) if parameters is not None else None)
            rows = [tuple(row) for row in cursor.fetchall()] if cursor.description else []
            self.rowcount = cursor.rowcount
        except psycopg2.Error as error:
            raise SqlFailedError(
                {
                    "C": error.pgcode or "",
                    "M": error.diag.message_primary or str(error),
                    "D": error.diag.message_detail or "",
                }
            ) from error
        except redshift_connector.Error as error:
            fields = error.args[0] if error.args and isinstance(error.args[0], dict) else {"C": "", "M": str(error)}
            raise SqlFailedError(fields) from error
        return rows

    def value(self, sql: str, parameters: Sequence[object] | None = None) -> Any:
        """The only value of a query."""
        ((value,),) = self.run(sql, parameters)
        return value

    def fails(self, sql: str, parameters: Sequence[object] | None = None) -> SqlFailedError:
        """Run a statement that must fail, and return how it did."""
        try:
            self.run(sql, parameters)
        except SqlFailedError as error:
            return error
        raise AssertionError(f"did not fail: {sql}")

    def commit(self) -> None:
        self.connection.commit()

    def rollback(self) -> None:
        self.connection.rollback()

    def close(self) -> None:
        self.connection.close()


@dataclass(frozen=True)
class Warehouse:
    """The endpoint under test.

    :param schema: of the tests' own
    :param bucket: for files, below ``prefix``
    :param authorization: COPY's clause
    """

    dsn: str
    ssl: bool
    schema: str
    s3: S3Client
    bucket: str
    prefix: str
    authorization: str

    def connect(self, driver: str = "psycopg2", *, autocommit: bool = True) -> Session:
        """Open a session whose search_path is the tests' schema."""
        parts = parse_dsn(self.dsn)
        if driver == "psycopg2":
            session = Session(psycopg2.connect(self.dsn, sslmode="require" if self.ssl else "disable"))
        else:
            connection = redshift_connector.connect(
                host=parts["host"],
                port=int(parts["port"]),
                user=parts["user"],
                password=parts["password"],
                database=parts["dbname"],
                ssl=self.ssl,
            )
            session = Session(connection)
        session.run(f"SET search_path TO {self.schema}, public")
        session.connection.autocommit = autocommit
        return session

    def put(self, name: str, data: str | bytes, compression: str | None = None) -> str:
        """Upload one file and return its URL."""
        raw = data.encode() if isinstance(data, str) else data
        body = gzip.compress(raw) if compression == "gzip" else zstandard.compress(raw) if compression else raw
        self.s3.put_object(Bucket=self.bucket, Key=f"{self.prefix}/{name}", Body=body)
        return self.url(name)

    def put_manifest(self, name: str, *urls: str, mandatory: bool = True, **lengths: int) -> str:
        """Upload a manifest of some files."""
        entries: list[dict[str, Any]] = [{"url": url, "mandatory": mandatory} for url in urls]
        for entry, length in zip(entries, lengths.values(), strict=False):
            entry["meta"] = {"content_length": length}
        return self.put(name, json.dumps({"entries": entries}))

    def url(self, name: str) -> str:
        return f"s3://{self.bucket}/{self.prefix}/{name}"

    def copy(self, table: str, url: str, options: str = "") -> str:
        """The COPY statement for a file."""
        return f"COPY {table} FROM '{url}' {self.authorization} {options}"
