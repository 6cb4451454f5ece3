"""What the tasks of mysql_to_redshift do that are no operators."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from airflow.providers.mysql.hooks.mysql import MySqlHook
from airflow.sdk.exceptions import AirflowFailException

from hooks.default_bucket import default_bucket
from warehouse.config import TableConfig
from warehouse.errors import ConfigError, WindowError
from warehouse.interval import resolve_window
from warehouse.key_ranges import plan_key_ranges

if TYPE_CHECKING:
    from airflow.timetables.base import Timetable

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
    try:
        window = resolve_window(context, timetable)
        log.info("%s: %s", table.name, window.slug if window else "the whole table")
        extract: dict[str, Any] = {"s3_bucket": default_bucket(S3Hook(aws_conn_id))}
        if window is not None:
            return [extract | {"window_start": window.start.isoformat(), "window_end": window.end.isoformat()}]
        if table.key_ranges == 1:
            return [extract]
        ranges = plan_key_ranges(MySqlHook(mysql_conn_id).get_conn, table, mysql_conn_id)
        return [extract | {"key_range": key_range.model_dump(mode="json")} for key_range in ranges]
    except (WindowError, ConfigError) as error:
        raise AirflowFailException(str(error)) from error
