"""Filling the production MySQL of the demo, and changing it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import MySQLdb

from local.nps import answers, type_tables

SQL_DIR = Path(__file__).resolve().parent

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Table:
    """A table of the demo; its DDL is in <name>.sql.

    :param rows: seed → its rows at first.
    :param changes: seed → rows that are new or different after the changes.
    """

    name: str
    columns: tuple[str, ...]
    rows: Callable[[int], list[Row]]
    changes: Callable[[int], list[Row]]


TABLES = (
    Table("nps", answers.COLUMNS, answers.answers, answers.changes),
    *(
        Table(name, kind.names, kind.rows, kind.changes)
        for name, kind in (
            ("numbers_and_times", type_tables.NUMBERS_AND_TIMES),
            ("texts_and_bytes", type_tables.TEXTS_AND_BYTES),
        )
    ),
)


def replace_tables(arguments: Mapping[str, Any], *, seed: int) -> dict[str, int]:
    """Create the tables where they are missing and replace all their rows.

    One transaction: an error or an interruption leaves the rows that were there before.

    :param arguments: host, port, user, password and database, as MySQLdb takes them.
    :returns: rows per table.
    """
    with _transaction(arguments) as cursor:
        for table in TABLES:  # DDL commits by itself, so it comes first
            cursor.execute((SQL_DIR / f"{table.name}.sql").read_text(encoding="utf-8"))
        for table in TABLES:
            cursor.execute(f"DELETE FROM {table.name}")  # noqa: S608 - a name of ours
        return {table.name: _write(cursor, table, table.rows(seed)) for table in TABLES}


def apply_changes(arguments: Mapping[str, Any], *, seed: int) -> dict[str, int]:
    """Bring three more days to the tables: new, edited, deleted and late rows. A second time changes nothing.

    :returns: rows that are new or different, per table.
    """
    with _transaction(arguments) as cursor:
        return {table.name: _write(cursor, table, table.changes(seed)) for table in TABLES}


@contextmanager
def _transaction(arguments: Mapping[str, Any]) -> Iterator[Any]:
    with closing(MySQLdb.connect(**arguments, charset="utf8mb4")) as connection, connection.cursor() as cursor:
        # An empty sql_mode lets zero dates in, as old production data have them.
        cursor.execute("SET SESSION sql_mode = '', time_zone = '+00:00'")
        yield cursor
        connection.commit()


def _write(cursor: Any, table: Table, rows: list[Row]) -> int:
    marks = ", ".join(["%s"] * len(table.columns))
    statement = f"REPLACE INTO {table.name} ({', '.join(table.columns)}) VALUES ({marks})"  # noqa: S608 - names of ours
    cursor.executemany(statement, rows)
    return len(rows)
