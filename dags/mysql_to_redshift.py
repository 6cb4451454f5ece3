"""### MySQL to Redshift, incrementally.

Carries the tables of `dags/warehouse/tables.yml` from MySQL over S3 to Redshift, one data interval at a time: each
table is extracted in one consistent snapshot and upserted by its primary key. Any interval, in any order, any number of
times, gives the same table; deleted rows stay as tombstones, and `<table>_live` shows the others.

**First load:** trigger with *full_refresh*; it replaces whole tables without a gap.

**Backfill:** `airflow dags backfill -s 2021-09-16 -e 2021-09-17 mysql_to_redshift`, or the *Backfill* button.

**Data tests:** each load ends with the files of `sql/checks` about its table. Offending rows of a test of level *fail*
fail the task and keep the asset's event back, so no summary is built from them; of level *warn* they stand in the log.

**When it fails:** the failing task's log ends with what to do. The target is untouched unless a data test failed, and
clearing the task is safe.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pendulum
from airflow.sdk import Asset, Param, TaskGroup, dag, task
from airflow.timetables.interval import CronDataIntervalTimetable

from operators.mysql_to_s3 import MySQLToS3Operator
from operators.s3_to_redshift import S3ToRedshiftOperator
from warehouse.config import TableConfig
from warehouse.config_file import load_tables

TABLES = load_tables(Path(__file__).parent / "warehouse" / "tables.yml")
NAMES = [table.name for table in TABLES]
HASH_KEY = "pii_hash_key"  # a connection; its password is the key of hashed columns, if any table has such
# A plain cron string would give intervals of no width.
DAILY = CronDataIntervalTimetable("0 0 * * *", timezone="UTC")


def check_and_announce(table: TableConfig, context: Any, result: dict[str, Any]) -> None:
    """Run the data tests of a table that was loaded; put the load's counts on the event of its asset."""
    from warehouse.steps import check_data

    check_data(table)
    for asset in context["task"].outlets:
        context["outlet_events"][asset].extra = result


@task
def plan_extracts(name: str, **context: Any) -> list[dict[str, Any]]:
    """Decide the table's window, and into how many extracts a full refresh is split; none if it was not asked for."""
    from warehouse.steps import plan

    [table] = [table for table in TABLES if table.name == name]
    return plan(table, context, DAILY)


@dag(
    dag_id="mysql_to_redshift",
    doc_md=__doc__,
    schedule=DAILY,
    start_date=pendulum.datetime(2021, 8, 1, tz="UTC"),
    catchup=False,
    max_active_runs=4,
    default_args={"owner": "data-engineering", "retries": 2, "retry_delay": timedelta(seconds=30)},
    tags=["warehouse"],
    params={
        "tables": Param(NAMES, type="array", items={"type": "string", "enum": NAMES}, title="Tables"),
        "window_start": Param(None, type=["null", "string"], format="date-time", title="Window start (else the run's)"),
        "window_end": Param(None, type=["null", "string"], format="date-time", title="Window end"),
        "full_refresh": Param(False, type="boolean", title="Replace whole tables"),
    },
)
def mysql_to_redshift() -> None:
    """One task group per table: decide what to extract, extract it, load it and run its data tests."""
    for table in TABLES:
        with TaskGroup(table.name):
            extract = MySQLToS3Operator.partial(
                task_id="extract", table=table.to_dict(), hash_key_conn_id=HASH_KEY
            ).expand_kwargs(plan_extracts(table.name))
            S3ToRedshiftOperator(
                task_id="load",
                manifest=extract.output.map(lambda extracted: extracted["manifest"]),
                method="{{ 'REPLACE' if params.full_refresh else 'UPSERT' }}",
                distkey=table.distkey,
                sortkey=table.sortkey,
                grants=table.grants,
                outlets=[Asset(f"warehouse/{table.name}")],
                post_execute=partial(check_and_announce, table),
            )


mysql_to_redshift()
