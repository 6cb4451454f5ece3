"""Compares whole tables in MySQL and Redshift, live rows, value for value: `python -m warehouse.compare [TABLE …]`.

For a quiet source: rows that change meanwhile, or have not been loaded yet, are differences.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from transfers.pseudonyms import Pseudonyms
from warehouse.compare_sql import (
    Comparison,
    MySQLSide,
    RedshiftSide,
    Side,
    render_columns_of_days,
    render_days,
    render_values_of_day,
)
from warehouse.config import TableConfig
from warehouse.config_file import load_tables
from warehouse.errors import WarehouseError
from warehouse.redshift import open_session
from warehouse.render import TABLES, find_table
from warehouse.snapshot import open_snapshot
from warehouse.source_table import describe_columns
from warehouse.type_map import Column

SHOWN_DAYS = 20  # in a message

Query = Callable[[Sequence[str]], list[tuple[Any, ...]]]


@dataclass(frozen=True)
class Difference:
    """A day of the cursor on which the two sides differ.

    :param source_rows: live rows in MySQL.
    :param target_rows: live rows in Redshift.
    :param columns: with other values, where both have as many rows.
    """

    day: date
    source_rows: int
    target_rows: int
    columns: tuple[str, ...] = ()

    def __str__(self) -> str:
        rows = f"{self.source_rows:,} live rows in MySQL, {self.target_rows:,} in Redshift"
        return f"{self.day}: {rows}" + (f"; other values in {', '.join(self.columns)}" if self.columns else "")


@dataclass(frozen=True)
class Verdict:
    """What a comparison found.

    :param rows: live rows in MySQL.
    :param skipped: hashed columns, for want of their key.
    """

    table: str
    rows: int
    columns: int
    skipped: tuple[str, ...]
    differences: tuple[Difference, ...]

    def __str__(self) -> str:
        left_out = f" (not compared without their key: {', '.join(self.skipped)})" if self.skipped else ""
        if not self.differences:
            return f"{self.table}: equal: {self.rows:,} live rows, {self.columns} columns{left_out}"
        days = "\n".join(f"  {difference}" for difference in self.differences[:SHOWN_DAYS])
        more = len(self.differences) - SHOWN_DAYS
        further = f"\n  and {more:,} further days" if more > 0 else ""
        return (
            f"{self.table}: different on {len(self.differences):,} days of its cursor{left_out}; backfill them, or run "
            f"a full refresh\n{days}{further}{self._surplus()}"
        )

    def _surplus(self) -> str:
        """Say what more rows than in the source can mean; moved between days, a row is as many on both sides."""
        surplus = sum(difference.target_rows - difference.source_rows for difference in self.differences)
        if surplus <= 0:
            return ""
        return (
            f"\n  {surplus:,} live rows more in Redshift than in MySQL. If a backfill leaves them, they were deleted "
            "in MySQL without the deleted flag: only a full refresh removes them"
        )


def compare_table(
    connect_source: Callable[[], Any],
    connect_target: Callable[[], Any],
    config: TableConfig,
    *,
    pseudonyms: Pseudonyms | None = None,
    names: tuple[str, str] = ("MySQL", "Redshift"),
) -> Verdict:
    """Compare one table.

    :param connect_source: opens a connection by mysqlclient.
    :param connect_target: opens a connection by redshift_connector.
    :param pseudonyms: hash the source's values of hashed columns; without them these columns are left out.
    :param names: what messages call the servers.
    :raises WarehouseError: one of its kinds, for everything foreseen.
    """
    with open_snapshot(connect_source, config, names[0]) as snapshot, open_session(connect_target, names[1]) as session:
        columns = describe_columns(snapshot, config)
        skipped = tuple(column.name for column in columns if column.hashed and pseudonyms is None)
        comparison = Comparison(config, tuple(column for column in columns if column.name not in skipped))
        session.run(["SET extra_float_digits TO 2"])  # else Redshift shows fewer digits than a DOUBLE has
        sides: tuple[tuple[Side, Query], ...] = (
            (MySQLSide(), lambda statements: snapshot.query(*statements)),
            (RedshiftSide(), session.run),
        )
        (source, target), rows = _days(comparison, sides), 0
        rows = sum(count for count, _ in source.values())
        wrong = {day for day in {*source, *target} if source.get(day) != target.get(day)}
        other_values = _columns_of_days(comparison, sides, wrong)
        for day in {*source, *target} if comparison.fetched else ():
            for name in _fetched_differences(comparison, sides, day, pseudonyms):
                other_values.setdefault(day, []).append(name)
                wrong.add(day)
    differences = tuple(
        Difference(day, source.get(day, (0,))[0], target.get(day, (0,))[0], tuple(other_values.get(day, ())))
        for day in sorted(wrong)
    )
    return Verdict(config.name, rows, len(comparison.columns), skipped, differences)


def _days(comparison: Comparison, sides: Iterable[tuple[Side, Query]]) -> list[dict[date, tuple[int, Any]]]:
    return [
        {day: (int(count), total) for day, count, total in query(render_days(comparison, side))}
        for side, query in sides
    ]


def _columns_of_days(
    comparison: Comparison, sides: Iterable[tuple[Side, Query]], days: set[date]
) -> dict[date, list[str]]:
    """Which columns have other values on days with as many rows on both sides."""
    if not days:
        return {}
    source, target = (
        {day: (int(count), sums) for day, count, *sums in query(render_columns_of_days(comparison, side, sorted(days)))}
        for side, query in sides
    )
    return {
        day: [
            column.name
            for column, left, right in zip(comparison.common, source[day][1], target[day][1], strict=True)
            if left != right
        ]
        for day in days
        if day in source and day in target and source[day][0] == target[day][0]
    }


def _fetched_differences(
    comparison: Comparison, sides: Iterable[tuple[Side, Query]], day: date, pseudonyms: Pseudonyms | None
) -> list[str]:
    """Which of the columns without a common text differ on a day."""
    sums = []
    for side, query in sides:
        totals = [0] * len(comparison.fetched)
        for key, *values in query(render_values_of_day(comparison, side, day)):
            for place, (column, value) in enumerate(zip(comparison.fetched, values, strict=True)):
                plain = isinstance(side, MySQLSide)
                text = _canonical(column, value, pseudonyms if plain else None)
                digest = hashlib.md5(f"{_text(key)}|{text}".encode(), usedforsecurity=False).hexdigest()
                totals[place] += int(digest[:15], 16)
        sums.append(totals)
    return [column.name for column, left, right in zip(comparison.fetched, *sums, strict=True) if left != right]


def _canonical(column: Column, value: Any, pseudonyms: Pseudonyms | None) -> str:
    """A text that equal values share, on whichever side they are."""
    if value is None:
        return "-"
    if column.hashed:
        return _text(pseudonyms.hash(_bytes(value)) if pseudonyms else value)
    if column.target.type == "SUPER":
        return repr(_sorted(json.loads(_text(value), parse_float=Decimal, parse_int=Decimal)))
    return repr(float(value))


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return sorted((name, _sorted(item)) for name, item in value.items())
    if isinstance(value, list):
        return [_sorted(item) for item in value]
    return value.normalize() if isinstance(value, Decimal) else value


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare some tables, or all; 0 if they are equal."""
    from airflow.providers.amazon.aws.hooks.redshift_sql import RedshiftSQLHook
    from airflow.providers.mysql.hooks.mysql import MySqlHook
    from airflow.sdk import BaseHook

    parser = argparse.ArgumentParser(prog="python -m warehouse.compare", description=__doc__)
    parser.add_argument("tables", nargs="*", help="names in the config; none for all")
    parser.add_argument("--config", default=TABLES, type=Path, help="the table config (default: %(default)s)")
    parser.add_argument("--mysql-conn-id", default="mysql_prod", help="(default: %(default)s)")
    parser.add_argument("--redshift-conn-id", default="redshift_default", help="(default: %(default)s)")
    parser.add_argument("--hash-key-conn-id", help="connection whose password is the key of hashed columns")
    options = parser.parse_args(arguments)
    source, target = MySqlHook(options.mysql_conn_id), RedshiftSQLHook(redshift_conn_id=options.redshift_conn_id)
    equal = True
    try:
        tables = [find_table(options.config, name) for name in options.tables] or load_tables(options.config)
        key = BaseHook.get_connection(options.hash_key_conn_id).password if options.hash_key_conn_id else None
        for config in tables:
            verdict = compare_table(
                source.get_conn,
                target.get_conn,
                config,
                pseudonyms=Pseudonyms(key) if key else None,
                names=(options.mysql_conn_id, options.redshift_conn_id),
            )
            sys.stdout.write(f"{verdict}\n")
            equal = equal and not verdict.differences
    except (WarehouseError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0 if equal else 1


if __name__ == "__main__":
    logging.getLogger("warehouse").setLevel(logging.WARNING)  # the verdicts, without the SQL
    sys.exit(main())
