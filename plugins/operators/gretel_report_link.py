"""The button *Quality report* on a task that trained a model; see gretel_report_page.py for what it opens."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from airflow.sdk import BaseOperator, BaseOperatorLink
from airflow.sdk.configuration import conf

if TYPE_CHECKING:
    from airflow.sdk.types import TaskInstanceKey

PREFIX, PAGE = "/quality-report", "/page"


class QualityReportLink(BaseOperatorLink):
    """Address inside Airflow's own web server; Airflow stores it when the task ends, so it holds no secret."""

    name = "Quality report"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002
        """Name the task instance whose report to show."""
        base = urlsplit(conf.get("api", "base_url", fallback="")).path.rstrip("/")
        query = {
            "dag_id": ti_key.dag_id,
            "run_id": ti_key.run_id,
            "task_id": ti_key.task_id,
            "map_index": ti_key.map_index,
        }
        return f"{base}{PREFIX}{PAGE}?{urlencode(query)}"
