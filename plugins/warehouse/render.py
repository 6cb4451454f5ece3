"""Prints the exact SQL of one table's load, for review: `python -m warehouse.render TABLE`.

Asks MySQL for the table's columns, and Redshift for nothing. What only a run knows stands in angle brackets.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from warehouse import merge, stage, target_sql
from warehouse.config import TableConfig
from warehouse.config_file import load_tables
from warehouse.errors import ConfigError, WarehouseError
from warehouse.grants import render_grants_of_load
from warehouse.load_plan import AUDIT, LoadPlan, Method
from warehouse.manifest import ColumnBlock, Counts, Dialect, Entry, Extract, Manifest, PartMeta, Source, WindowBlock
from warehouse.plan_manifests import plan_manifests

if TYPE_CHECKING:
    from warehouse.type_map import Column

TABLES = Path(__file__).resolve().parents[2] / "dags" / "warehouse" / "tables.yml"
BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
HEADER = "-- What only a run knows stands in <angle brackets>; {moment} stands for its moments.\n\n"


def render_load(
    plan: LoadPlan, authorization: str, *, distkey: str | None = None, sortkey: Sequence[str] = (), loaded_by: str = ""
) -> list[str]:
    """All statements of a first load in their order; later ones find target, view and audit table there.

    :param authorization: clause of COPY that lets Redshift read S3.
    """
    statements = []
    for number, files in enumerate(plan.files):
        statements += stage.render_stage(plan.columns, number)
        statements += stage.render_copy(plan.columns, files, number, authorization)
        statements += stage.render_measure_stage(plan, number)
        if plan.key and not files.counts:
            statements += stage.render_repeated_keys(plan, number)
    statements += target_sql.render_create_audit(plan.audit)
    if plan.stamped:
        statements += target_sql.render_create_target(plan, distkey, sortkey)
        statements += target_sql.render_live_view(plan, plan.shown(column.name for column in plan.columns))
    statements += merge.render_begin(plan)
    if plan.method is Method.APPEND:
        statements += merge.render_already_loaded(plan)
    statements += [*merge.render_batch(plan), *merge.render_move(plan)]
    if plan.key:
        statements += merge.render_check_target(plan)
    return [
        *statements,
        *render_grants_of_load(plan),
        *merge.render_audit(plan, loaded_by),
        *merge.render_read_counts(),
        *merge.render_commit(),
    ]


def example_manifest(config: TableConfig, columns: Sequence[Column], *, window: bool) -> Manifest:
    """The manifest that an extract of these columns would write, with stand-ins for what only a run knows.

    :param window: whether it holds an interval of time; else the whole table.
    """
    names = [column.name for column in columns]
    summed = [column.name for column in columns if column.target.summed and not column.hashed]
    interval = WindowBlock(start=BEGINNING, end=BEGINNING, lookback_minutes=0, cursor_timezone=config.cursor_timezone)
    extract = Extract(
        manifest_id="<manifest_id>",
        extracted_at=BEGINNING,
        source=Source(database=config.database, table=config.table, server=""),
        target=config.target,
        mode=config.mode,
        primary_key=config.primary_key,
        order_key=config.cursor,
        deleted_flag=config.deleted_flag,
        window=interval if window else None,
        columns=tuple(
            ColumnBlock(
                name=column.name,
                source_type=column.source.column_type,
                type=column.target.type,
                nullable=column.nullable,
                pii=column.pii,
            )
            for column in columns
        ),
        dialect=Dialect(
            format=config.format,
            compression=config.compression if config.format == "csv" else None,
            null_as="<null_as>",
        ),
        counts=Counts(rows=0, non_null=dict.fromkeys(names, 0), sums=dict.fromkeys(summed)),
    )
    part = Entry(url="s3://<bucket>/<part>", meta=PartMeta(content_length=0, record_count=0))
    return Manifest(entries=(part,), extract=extract)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the SQL of one table's load."""
    parser = argparse.ArgumentParser(prog="python -m warehouse.render", description=__doc__)
    parser.add_argument("table", help="the table's name in the config, such as nps")
    parser.add_argument("--config", default=TABLES, type=Path, help="the table config (default: %(default)s)")
    parser.add_argument("--full-refresh", action="store_true", help="show a full refresh instead of an interval's load")
    parser.add_argument("--mysql-conn-id", default="mysql_prod", help="connection of the source (default: %(default)s)")
    options = parser.parse_args(arguments)
    try:
        config = find_table(options.config, options.table)
        columns = _describe(config, options.mysql_conn_id)
        manifest = example_manifest(config, columns, window=not options.full_refresh)
        plan = plan_manifests(
            {"s3://<bucket>/<prefix>/manifest.json": manifest},
            audit=AUDIT,
            method=Method.REPLACE if options.full_refresh else Method.UPSERT,
            grants=config.grants,
        )
    except WarehouseError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    statements = render_load(
        plan, "IAM_ROLE '<role_arn>'", distkey=config.distkey, sortkey=config.sortkey, loaded_by="<run>"
    )
    sys.stdout.write(HEADER.format(moment=BEGINNING.date()) + ";\n\n".join(statements) + ";\n")
    return 0


def find_table(path: Path, name: str) -> TableConfig:
    """A table's block.

    :raises ConfigError: there is none.
    """
    tables = {table.name: table for table in load_tables(path)}
    if name not in tables:
        raise ConfigError(f"{path}: there is no table {name!r}; there are {', '.join(tables)}")
    return tables[name]


def _describe(config: TableConfig, conn_id: str) -> tuple[Column, ...]:
    from airflow.providers.mysql.hooks.mysql import MySqlHook

    from warehouse.snapshot import open_snapshot
    from warehouse.source_table import describe_columns

    with open_snapshot(MySqlHook(conn_id).get_conn, config, conn_id) as snapshot:
        return describe_columns(snapshot, config)


if __name__ == "__main__":
    sys.exit(main())
