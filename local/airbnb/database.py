"""Replacing the tables' content, all or nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

SQL_DIR = Path(__file__).resolve().parents[2] / "sql" / "bookings"


NUMBER, DATE = "a number or nothing", "a date as YYYY-MM-DD"
EXPECTED = {
    "date_account_created": DATE,
    "timestamp_first_active": "14 digits, YYYYMMDDHHMMSS",
    "date_first_booking": f"{DATE} or nothing",
    "signup_flow": "a whole number",
    **dict.fromkeys(
        ("age", "secs_elapsed", "lat_destination", "lng_destination", "distance_km", "destination_km2"), NUMBER
    ),
    **dict.fromkeys(("language_levenshtein_distance", "population_in_thousands", "year"), NUMBER),
}
# CONTEXT of an error while copying: `COPY users, line 3, column age: "abc"`, or `COPY users, line 3: "a, whole, line"`.
COPY_CONTEXT = re.compile(r"^COPY \w+, line (?P<line>\d+)(?:, column (?P<column>\w+): (?P<value>.*))?", re.DOTALL)


class LoadError(Exception):
    """The data cannot be loaded; the message names file, line and column, and what to do. Nothing was changed."""


@dataclass(frozen=True)
class CsvStream:
    """A CSV on its way into a table.

    :param table: the table's name.
    :param columns: the columns in the order of the CSV; columns of the table that are not among them stay NULL.
    :param chunks: the CSV's bytes, a header line first; cut anywhere.
    :param label: what messages call it.
    """

    table: str
    columns: tuple[str, ...]
    chunks: Iterator[bytes]
    label: str


def replace_tables(dsn: str, streams: list[CsvStream]) -> dict[str, int]:
    """Create the tables where they are missing and replace all their rows with those of `streams`.

    One transaction: an error or an interruption leaves what was there before.

    :param dsn: libpq connection string or URI of the database.
    :returns: rows per table.
    :raises LoadError: a line does not fit its table.
    :raises psycopg.Error: the database cannot be reached or used.
    """
    rows: dict[str, int] = {}
    with psycopg.connect(dsn) as connection, connection.cursor() as cursor:
        cursor.execute("SET LOCAL client_min_messages = warning")
        for step in ("tables", "clear"):
            cursor.execute((SQL_DIR / f"{step}.sql").read_bytes())
        for stream in streams:
            rows[stream.table] = rows.get(stream.table, 0) + _copy(cursor, stream)
        cursor.execute((SQL_DIR / "finish.sql").read_bytes())
    return rows


def _copy(cursor: psycopg.Cursor, stream: CsvStream) -> int:
    statement = sql.SQL("COPY {} ({}) FROM STDIN WITH (FORMAT csv, HEADER, FREEZE, ENCODING 'UTF8')").format(
        sql.Identifier(stream.table), sql.SQL(", ").join(map(sql.Identifier, stream.columns))
    )
    try:
        with cursor.copy(statement) as copy:
            for chunk in stream.chunks:
                copy.write(chunk)
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        raise LoadError(_explain(stream, error)) from error
    return cursor.rowcount


def _explain(stream: CsvStream, error: psycopg.Error) -> str:
    """Say in one sentence which file, line and column PostgreSQL stumbled over, what it found and what was expected."""
    place = COPY_CONTEXT.match(error.diag.context or "")
    where = f"{stream.label}, line {place['line']}" if place else stream.label
    found = error.diag.message_primary
    if place and place["column"]:
        where += f", column {place['column']}"
        found = f"found {place['value']}, expected {EXPECTED.get(place['column'], 'text')}"
    elif error.diag.message_detail:
        found = f"{found} ({error.diag.message_detail})"
    return f"{where}: {found}. Nothing was loaded; correct the file, or download it again, and repeat."
