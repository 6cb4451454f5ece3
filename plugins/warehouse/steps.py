"""What the tasks of mysql_to_redshift do that are no operators."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow.providers.amazon.aws.hooks.redshift_sql import RedshiftSQLHook
from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from airflow.providers.mysql.hooks.mysql import MySqlHook
from airflow.sdk.exceptions import AirflowFailException

from hooks.default_bucket import default_bucket
from warehouse import summary as summaries
from warehouse.config import TableConfig
from warehouse.data_tests import Subject, run_data_tests
from warehouse.errors import WarehouseError
from warehouse.interval import resolve_window
from warehouse.key_ranges import plan_key_ranges
from warehouse.redshift import may_pass, open_session

if TYPE_CHECKING:
    from airflow.timetables.base import Timetable

    from warehouse.summary import Summary

log = logging.getLogger(__name__)


def plan(
    table: TableConfig,
    context: Mapping[str, Any],
    timetable: Timetable,
    *,
    mysql_conn_id: str = "mysql_prod",
    aws_conn_id: str = "aws_default",
) -> list[dict[str, Any]]:
    """Decide what a table's extracts are: the arguments of one MySQLToS3Operator each.

    One extract; several by ranges of the key where the full refresh of a large table is split; none if the run was not
    asked for this table.
    """
    if table.name not in context["params"]["tables"]:
        log.info("%s is not among the run's tables", table.name)
        return []
    with _final_errors():
        window = resolve_window(context, timetable)
        log.info("%s: %s", table.name, window.slug if window else "the whole table")
        extract: dict[str, Any] = {"s3_bucket": default_bucket(S3Hook(aws_conn_id))}
        if window is not None:
            return [extract | {"window_start": window.start.isoformat(), "window_end": window.end.isoformat()}]
        if table.key_ranges == 1:
            return [extract]
        ranges = plan_key_ranges(MySqlHook(mysql_conn_id).get_conn, table, mysql_conn_id)
        return [extract | {"key_range": key_range.model_dump(mode="json")} for key_range in ranges]


def check_data(table: TableConfig, *, redshift_conn_id: str = "redshift_default") -> None:
    """Run the data tests of a table that has just been loaded; offending rows of a test that fails fail the task."""
    connect = RedshiftSQLHook(redshift_conn_id=redshift_conn_id).get_conn
    with _final_errors(), open_session(connect, redshift_conn_id) as session:
        run_data_tests(session, [Subject.of(table)])


def summarize(step: str, summary: Summary, *, redshift_conn_id: str = "redshift_default") -> None:
    """Run one step of :mod:`warehouse.summary`: check_inputs, build, check_output or publish."""
    connect = RedshiftSQLHook(redshift_conn_id=redshift_conn_id).get_conn
    with _final_errors():
        result = getattr(summaries, step)(summary, connect, redshift_conn_id)
    log.info("%s of %s: %s", step, summary.name, "done" if result is None else f"{result} rows")


@contextmanager
def _final_errors() -> Iterator[None]:
    """Fail the task at once by what a retry cannot cure."""
    try:
        yield
    except WarehouseError as error:
        if may_pass(error):
            raise
        raise AirflowFailException(str(error)) from error
