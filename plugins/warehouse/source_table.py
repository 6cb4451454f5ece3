"""What MySQL says about a table, held against its block: the columns of the extract, or why there can be none."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable
from difflib import get_close_matches

from warehouse.config import Pii, TableConfig
from warehouse.errors import ConfigError
from warehouse.mysql_sql import quote, render_about_table
from warehouse.snapshot import Snapshot
from warehouse.type_map import Column, SourceColumn, UnmappableError, map_column

RESERVED = ("_extracted_at", "_manifest_id")  # the load adds them to every target
CURSOR_TYPES = ("datetime", "timestamp")
FLAG_TYPES = ("tinyint", "smallint", "mediumint", "int", "bigint", "bit")

log = logging.getLogger(__name__)


def describe_columns(snapshot: Snapshot, config: TableConfig) -> tuple[Column, ...]:
    """Read the table's columns and check its block against them.

    :returns: the columns of the extract in the table's order, without dropped ones.
    :raises ConfigError: the block names what is not there, or the table cannot be carried; with file and line.
    """
    _check_engine(snapshot, config)
    found = _read_columns(snapshot, config)
    _check_names(config, list(found))
    _check_indexes(snapshot, config)
    _check_roles(config, found)
    return tuple(_map(config, source) for source in found.values() if config.pii.get(source.name) is not Pii.DROP)


def _read_columns(snapshot: Snapshot, config: TableConfig) -> dict[str, SourceColumn]:
    checks: set[str] = set()
    if "mariadb" in snapshot.server.lower():
        checks = {clause for (clause,) in snapshot.query(render_about_table("json_checks_mariadb", config))}
    return {
        name: SourceColumn(
            name=name,
            data_type=data_type.lower(),
            column_type=column_type,
            nullable=is_nullable == "YES",
            length=length,
            precision=precision,
            scale=scale,
            charset=charset,
            json=f"json_valid({quote(name)})" in checks,
        )
        for name, data_type, column_type, is_nullable, length, precision, scale, charset in snapshot.query(
            render_about_table("columns", config)
        )
    }


def _check_engine(snapshot: Snapshot, config: TableConfig) -> None:
    [(kind, engine, transactions)] = snapshot.query(render_about_table("engine", config))
    if kind != "BASE TABLE":
        config.fail("source", f"{config.source} is a {kind}; an extract needs a table with a primary key")
    if transactions != "YES":
        config.fail("source", f"{config.source} is kept by {engine}, which has no snapshots; convert it to InnoDB")


def _check_names(config: TableConfig, found: list[str]) -> None:
    if clash := sorted(set(RESERVED) & {name.lower() for name in found}):
        config.fail("source", f"{config.source} has a column {clash[0]!r}, a name that the load adds to every target")
    _check_known(config, "primary_key", config.primary_key, found)
    _check_known(config, "cursor", [config.cursor], found)
    _check_known(config, "deleted_flag", [config.deleted_flag], found)
    _check_known(config, "distkey", [config.distkey], found)
    _check_known(config, "sortkey", config.sortkey, found)
    for key in ("pii", "types"):
        for column in getattr(config, key):
            _check_known(config, f"{key}.{column}", [column], found)


def _check_known(config: TableConfig, key: str, columns: Iterable[str | None], found: list[str]) -> None:
    for column in columns:
        if column is not None and column not in found:
            near = get_close_matches(column, found, n=1, cutoff=0.5)
            hint = f"; did you mean {near[0]!r}?" if near else f"; it has {', '.join(found)}"
            config.fail(key, f"{config.source} has no column {column!r}{hint}")


def _check_indexes(snapshot: Snapshot, config: TableConfig) -> None:
    indexes: dict[str, list[str | None]] = defaultdict(list)
    unique: dict[str, bool] = {}
    for index, column, non_unique, nullable in snapshot.query(render_about_table("indexes", config)):
        indexes[index].append(column)
        unique[index] = unique.get(index, True) and not non_unique and nullable != "YES" and column is not None
    keys = {index: columns for index, columns in indexes.items() if unique[index]}
    if not any(set(columns) == set(config.primary_key) for columns in keys.values()):
        there = "; ".join(f"({', '.join(map(str, columns))})" for columns in keys.values())
        remedy = f"unique and NOT NULL there: {there}" if there else "it has no primary key; give it one"
        config.fail(
            "primary_key",
            f"MySQL does not keep ({', '.join(config.primary_key)}) unique and NOT NULL in {config.source}; {remedy}",
        )
    if not any(columns[0] == config.cursor for columns in indexes.values()):
        log.warning(
            "%s: %s.cursor: no index of %s begins with %r, so every window reads the whole table; add an index",
            *(config.where("cursor"), config.name, config.source, config.cursor),
        )


def _check_roles(config: TableConfig, found: dict[str, SourceColumn]) -> None:
    cursor = found[config.cursor]
    if cursor.data_type not in CURSOR_TYPES:
        config.fail("cursor", f"{config.cursor!r} is {cursor.column_type}; a cursor is DATETIME or TIMESTAMP")
    if cursor.data_type == "timestamp" and config.cursor_timezone != "UTC":
        config.fail(
            "cursor_timezone",
            f"{config.cursor!r} is a TIMESTAMP, which MySQL keeps in UTC, not {config.cursor_timezone}; remove the key",
        )
    if config.deleted_flag and found[config.deleted_flag].data_type not in FLAG_TYPES:
        kind = found[config.deleted_flag].column_type
        config.fail("deleted_flag", f"{config.deleted_flag!r} is {kind}; a deleted flag is an integer or BIT")


def _map(config: TableConfig, source: SourceColumn) -> Column:
    pii = config.pii.get(source.name)
    try:
        column = map_column(source, choice=config.types.get(source.name), pii=pii)
        if config.format == "parquet" and column.target.type == "SUPER":
            raise UnmappableError(
                f"JSON cannot be loaded from Parquet; use format: csv, or types: {{{source.name}: varchar}}"
            )
    except UnmappableError as error:
        key = f"types.{source.name}" if source.name in config.types else f"pii.{source.name}" if pii else "source"
        raise ConfigError(f"{config.where(key)}: {config.name}: column {source.name!r}: {error}") from None
    return column
