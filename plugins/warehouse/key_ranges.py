"""Splits a table by its primary key, so that an initial load can be extracted by several tasks at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from warehouse.config import Pii, TableConfig
from warehouse.manifest import KeyRange
from warehouse.mysql_sql import render_about_table
from warehouse.snapshot import open_snapshot
from warehouse.source_table import describe_columns
from warehouse.type_map import INTEGERS

if TYPE_CHECKING:
    from MySQLdb.connections import Connection


def plan_key_ranges(connect: Callable[[], Connection], config: TableConfig, name: str = "MySQL") -> list[KeyRange]:
    """Cut the key space into `config.key_ranges` ranges of equal width, open at both ends.

    Ranges share no snapshot: each extract has its own, and the next window must begin at the earliest of them, less the
    lookback.

    :param connect: opens a connection by mysqlclient, such as a MySqlHook's `get_conn`.
    :param name: what messages call the server.
    :returns: at most as many ranges as asked for, fewer where the keys lie closer; one for an empty table.
    :raises ConfigError: the primary key does not begin with an integer column.
    """
    key = config.primary_key[0]
    with open_snapshot(connect, config, name) as snapshot:
        columns = {column.name: column for column in describe_columns(snapshot, config)}
        if columns[key].source.data_type not in INTEGERS or columns[key].pii is Pii.HASH:
            kind = "hashed" if columns[key].hashed else columns[key].source.column_type
            config.fail(
                "key_ranges", f"ranges need a plain integer as first column of the key, and {key!r} is {kind}; use 1"
            )
        [(lowest, highest)] = snapshot.query(render_about_table("key_bounds", config))
    return split(key, lowest, highest, config.key_ranges)


def split(key: str, lowest: int | None, highest: int | None, ranges: int) -> list[KeyRange]:
    """Cut [lowest, highest] into ranges of equal width; the first has no lower end and the last no upper one."""
    if lowest is None or highest is None:
        return [KeyRange(column=key)]
    count = highest - lowest + 1
    ranges = min(ranges, count)
    cuts = [lowest + count * number // ranges for number in range(1, ranges)]
    return [
        KeyRange(column=key, lower=lower, upper=upper)
        for lower, upper in zip([None, *cuts], [*cuts, None], strict=True)
    ]
