"""Load errors: one per row that could not be loaded, kept in stl_load_errors and sys_load_error_detail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg2
from psycopg2.extras import execute_values

from services.redshift.copy.target import Column, Target

# Amazon Redshift Database Developer Guide, "Load error reference".
DELIMITER_NOT_FOUND = 1201
EXTRA_COLUMNS = 1202
OUT_OF_RANGE = 1204
BAD_DATE = 1205
BAD_TIMESTAMP = 1206
BAD_DIGIT = 1207
BAD_FLOAT = 1208
BAD_BOOLEAN = 1210
MISSING_NOT_NULL = 1213
MISSING_QUOTE = 1214
BAD_LINE = 1216
BAD_HEX = 1219
BAD_CHARACTER = 1220

_TYPE_NAMES = {"bpchar": "char", "bytea": "varbyte", "jsonb": "super"}


class FieldError(Exception):
    """A field that its column cannot take.

    :param code: from the load error reference
    :param reason: in the words of stl_load_errors.err_reason
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True)
class LoadError:
    """A row that could not be loaded.

    :param line: number in the file, from 1, the header included
    :param column: None if the row as a whole cannot be read
    """

    url: str
    line: int
    column: Column | None
    raw_line: str
    raw_value: str
    code: int
    reason: str


@dataclass(frozen=True)
class Origin:
    """Which COPY the errors belong to."""

    user: str
    database: str
    pid: int
    copy_id: int


def record(dsn: str, origin: Origin, target: Target, errors: Sequence[LoadError]) -> None:
    """Write load errors down, outside the session's transaction, so that its ROLLBACK keeps them.

    :param dsn: of the service's own user
    """
    rows = [_row(origin, target, error) for error in errors]
    connection = psycopg2.connect(dsn, dbname=origin.database)
    try:
        with connection, connection.cursor() as cursor:
            execute_values(
                cursor,
                "INSERT INTO pg_redshift.load_error VALUES %s",
                rows,
                template="(%s, %s, %s, now() AT TIME ZONE 'UTC'" + ", %s" * 12 + ")",
            )
    finally:
        connection.close()


def _row(origin: Origin, target: Target, error: LoadError) -> tuple[object, ...]:
    column = error.column or Column("", "")
    kind = _TYPE_NAMES.get(column.kind, column.kind)
    return (
        *(origin.user, origin.database, target.oid, origin.pid, origin.copy_id),
        *(error.url, error.line, column.name, kind, column.shown_length, 0),
        *(_text(error.raw_line)[:1024], _text(error.raw_value)[:1024], error.code, _text(error.reason)[:100]),
    )


def _text(value: str) -> str:
    """What PostgreSQL can keep: no NUL, no bytes that are not UTF-8."""
    return value.replace("\0", "").encode("utf-8", "replace").decode()
