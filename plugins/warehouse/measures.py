"""What the files must hold: rows, NULLs and sums, counted by MySQL within the extract's snapshot."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from warehouse.errors import SourceDataError
from warehouse.manifest import Counts
from warehouse.mysql_sql import MEASURES, Scope, measures_of, render_cursor_gaps, render_measure
from warehouse.snapshot import Snapshot
from warehouse.type_map import Column

log = logging.getLogger(__name__)


def measure(snapshot: Snapshot, columns: Sequence[Column], scope: Scope) -> Counts:
    """Count and sum the rows of an extract, and refuse what cannot be carried.

    :raises SourceDataError: a cursor is NULL or a zero date, a date of the primary key is a zero date, or a value is
        longer than Redshift takes.
    """
    config = scope.config
    [(gaps,)] = snapshot.query(render_cursor_gaps(scope))
    if gaps:
        raise SourceDataError(
            f"{config.source}: {gaps:,} rows have no time in their cursor {config.cursor!r} (NULL or a zero date), so "
            "no window would ever bring them; set it in MySQL and make the column NOT NULL"
        )
    [(rows, *values)] = snapshot.query(render_measure(columns, scope))
    found: dict[str, dict[str, Any]] = {kind: {} for kind in MEASURES}
    for (kind, column), value in zip(measures_of(columns), values, strict=True):
        found[kind][column.name] = value
    _refuse_long_values(scope, columns, found["longest"])
    zero_dates = {name: count for name, count in found["zero_dates"].items() if count}
    _refuse_zero_keys(scope, zero_dates)
    non_null = {
        column.name: found["non_null"].get(column.name, rows) - zero_dates.get(column.name, 0) for column in columns
    }
    return Counts(rows=rows, non_null=non_null, sums=found["sums"], zero_dates=zero_dates)


def _refuse_zero_keys(scope: Scope, zero_dates: dict[str, int]) -> None:
    config = scope.config
    for name, count in zero_dates.items():
        if name in {config.cursor, *config.primary_key}:
            role = "cursor" if name == config.cursor else "primary key"
            raise SourceDataError(
                f"{config.source}: {count:,} rows have a date in their {role} {name!r} that no calendar has (a zero "
                "year, month or day); correct them in MySQL"
            )
        log.warning("%s: %d dates of %r are in no calendar (zero dates) and become NULL", config.source, count, name)


def _refuse_long_values(scope: Scope, columns: Sequence[Column], longest: Mapping[str, int | None]) -> None:
    for column in columns:
        size, limit = longest.get(column.name), column.target.limit
        if size and limit and size > limit:
            raise SourceDataError(
                f"{scope.config.source}: column {column.name!r} ({column.source.column_type}) holds a value of "
                f"{size:,} bytes, and Redshift's {column.target.type} takes {limit:,}; shorten it in MySQL, or "
                f"leave the column out with pii: {{{column.name}: drop}}"
            )
