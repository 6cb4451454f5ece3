"""Renders the checksums of a table in MySQL and in Redshift: each value as a text that both servers write alike.

A value's digest is the SHA-256 of its text, a row's checksum 60 bits of that of its values' digests. Sums of checksums
do not depend on the rows' order. Floating-point numbers, JSON and hashed values have no common text; they are fetched.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Protocol

from warehouse import mysql_sql, redshift_sql
from warehouse.config import TableConfig
from warehouse.load_plan import Relation
from warehouse.redshift_sql import SQL_DIR, lines, relation, render
from warehouse.type_map import Column, Form

COMPARE_DIR = SQL_DIR.parent / "compare"
NUMBERS = ("SMALLINT", "INTEGER", "BIGINT", "DECIMAL")
FETCHED = ("REAL", "DOUBLE PRECISION", "SUPER")


def is_fetched(column: Column) -> bool:
    """Whether the two servers have no common text for a column's values."""
    return column.hashed or column.target.type in FETCHED


class Side(Protocol):
    """How one of the two servers writes things."""

    folder: Path

    def table(self, config: TableConfig) -> str:
        """The table's name."""

    def text(self, column: Column) -> str:
        """A value as the common text; NULL stays NULL."""

    def raw(self, column: Column) -> str:
        """A value that is fetched."""

    def number(self, digest: str) -> str:
        """60 bits of a digest, as a number."""

    def concat(self, parts: Sequence[str]) -> str:
        """Texts in a row."""

    def day(self, config: TableConfig) -> str:
        """The day of the cursor."""

    def live(self, column: Column) -> str:
        """Whether a row is no tombstone."""


class MySQLSide:
    """MySQL's way."""

    folder = COMPARE_DIR / "mysql"

    def table(self, config: TableConfig) -> str:
        return f"{mysql_sql.quote(config.database)}.{mysql_sql.quote(config.table)}"

    def text(self, column: Column) -> str:
        name, target = mysql_sql.quote(column.name), column.target
        if target.type.startswith(NUMBERS):
            return f"CAST({name} + 0 AS CHAR)"  # without ZEROFILL's zeros
        if target.form is Form.ZEROABLE_DATE:
            shown = "%Y-%m-%d" if target.type == "DATE" else "%Y-%m-%d %H:%i:%s.%f"
            zero = mysql_sql.ZERO_DATE.format(name=name)
            return f"IF({zero}, NULL, DATE_FORMAT({name}, '{shown}'))"
        return f"IF({name} IS NULL, NULL, {mysql_sql.text_of(column)})"

    def raw(self, column: Column) -> str:
        # CONCAT makes a text of it, with ZEROFILL's zeros, which are part of what is hashed.
        return f"IF({mysql_sql.quote(column.name)} IS NULL, NULL, CONCAT({mysql_sql.text_of(column)}))"

    def number(self, digest: str) -> str:
        return f"CAST(CONV(LEFT({digest}, 15), 16, 10) AS UNSIGNED)"

    def concat(self, parts: Sequence[str]) -> str:
        return f"CONCAT({', '.join(parts)})"

    def day(self, config: TableConfig) -> str:
        return f"DATE({mysql_sql.quote(config.cursor)})"

    def live(self, column: Column) -> str:
        return f"COALESCE({mysql_sql.quote(column.name)} + 0, 0) = 0"


class RedshiftSide:
    """Redshift's way."""

    folder = COMPARE_DIR / "redshift"

    def table(self, config: TableConfig) -> str:
        return relation(Relation.parse(config.target))

    def text(self, column: Column) -> str:
        name, kind = redshift_sql.quote(column.name), column.target.type
        if kind == "TIMESTAMP":
            return f"TO_CHAR({name}, 'YYYY-MM-DD HH24:MI:SS.US')"
        if kind == "DATE":
            return f"TO_CHAR({name}, 'YYYY-MM-DD')"
        if kind == "BOOLEAN":
            return f"CASE WHEN {name} THEN 'true' WHEN NOT {name} THEN 'false' END"
        if kind.startswith("VARBYTE"):
            return f"UPPER(TO_HEX({name}))"
        return f"{name}::VARCHAR(64)" if kind.startswith(NUMBERS) else name

    def raw(self, column: Column) -> str:
        name = redshift_sql.quote(column.name)
        if column.target.type == "SUPER":
            return f"JSON_SERIALIZE({name})"
        return name if column.hashed else f"{name}::DOUBLE PRECISION"

    def number(self, digest: str) -> str:
        return f"STRTOL(LEFT({digest}, 15), 16)::DECIMAL(38,0)"

    def concat(self, parts: Sequence[str]) -> str:
        return " || ".join(parts)

    def day(self, config: TableConfig) -> str:
        return f"TRUNC({redshift_sql.quote(config.cursor)})"

    def live(self, column: Column) -> str:
        name = redshift_sql.quote(column.name)
        return f"NOT NVL({name}, FALSE)" if column.target.type == "BOOLEAN" else f"NVL({name}, 0) = 0"


@dataclass(frozen=True)
class Comparison:
    """A table with its columns.

    :param columns: of the extract.
    """

    config: TableConfig
    columns: tuple[Column, ...]

    @property
    def common(self) -> list[Column]:
        """Columns whose values both servers write alike."""
        return [column for column in self.columns if not is_fetched(column)]

    @property
    def fetched(self) -> list[Column]:
        """Columns whose values are fetched."""
        return [column for column in self.columns if is_fetched(column)]


def render_days(comparison: Comparison, side: Side) -> list[str]:
    """For each day: the number of live rows, and the sum of their checksums."""
    return [_render_days(comparison, side, [_checksum(side, comparison.common)], [])]


def render_columns_of_days(comparison: Comparison, side: Side, days: Iterable[date]) -> list[str]:
    """For some days: the number of live rows, and for each common column a sum of its checksums with the key's."""
    key = _key(comparison)
    sums = [_checksum(side, [*key, column]) for column in comparison.common]
    return [_render_days(comparison, side, sums, days)]


def render_values_of_day(comparison: Comparison, side: Side, day: date) -> list[str]:
    """For one day: a digest of each key, and the values that are fetched."""
    values = [_digest(side, _key(comparison)), *(side.raw(column) for column in comparison.fetched)]
    where = [f"{side.day(comparison.config)} = '{day}'", *_live(comparison, side)]
    return [
        render(
            "values",
            folder=side.folder,
            values=lines(values),
            table=side.table(comparison.config),
            where=" AND ".join(where),
        )
    ]


def _render_days(comparison: Comparison, side: Side, sums: Sequence[str], days: Iterable[date]) -> str:
    day = side.day(comparison.config)
    some = ", ".join(f"'{item}'" for item in days)
    where = [*([f"{day} IN ({some})"] if some else []), *_live(comparison, side)]
    return render(
        "days",
        folder=side.folder,
        day=day,
        sums=lines(sums),
        table=side.table(comparison.config),
        where=" AND ".join(where) or "TRUE",
    )


def _checksum(side: Side, columns: Sequence[Column]) -> str:
    return f"SUM({side.number(_digest(side, columns))})"


def _digest(side: Side, columns: Sequence[Column]) -> str:
    """Each value's digest first (MySQL 9 has no MD5): a row's texts could be longer than a VARCHAR can be."""
    empty = "''"
    digests = [f"COALESCE(SHA2({side.text(column)}, 256), '-')" for column in columns]
    return f"SHA2({side.concat(digests) if digests else empty}, 256)"


def _key(comparison: Comparison) -> list[Column]:
    """The key's columns, as far as they have a common text."""
    return [column for column in comparison.common if column.name in comparison.config.primary_key]


def _live(comparison: Comparison, side: Side) -> list[str]:
    flag = comparison.config.deleted_flag
    return [side.live(column) for column in comparison.columns if column.name == flag]
