"""DAGs to backfill: one fast task that returns the data interval it was run for (Airflow DAG)."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pendulum
from airflow.sdk import DAG, Param, task
from airflow.timetables.interval import CronDataIntervalTimetable

PARAMS = {
    "fail_on": Param(None, type=["null", "string"], description="The day whose run fails"),
    "wait_for": Param(None, type=["null", "string"], description="A file that runs wait for"),
    "full_refresh": Param(False, type="boolean"),
}


@task
def probe(**context: Any) -> list[str]:
    """Return start and end of the run's data interval."""
    params = context["params"]
    if context.get("ds") == params["fail_on"]:
        raise RuntimeError(f"told to fail on {params['fail_on']}")
    deadline = time.monotonic() + 120
    while params["wait_for"] and not Path(params["wait_for"]).exists():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{params['wait_for']} did not appear")
        time.sleep(0.2)
    return [context["data_interval_start"].isoformat(), context["data_interval_end"].isoformat()]


def probe_dag(
    dag_id: str, cron: str | None, *, paused: bool = False, timezone: str = "UTC", depends_on_past: bool = False
) -> None:
    with DAG(
        dag_id,
        schedule=CronDataIntervalTimetable(cron, timezone=timezone) if cron else None,
        start_date=pendulum.datetime(2021, 8, 1, tz="UTC"),
        end_date=pendulum.datetime(2022, 1, 1, tz="UTC"),  # nothing but the tests starts runs
        catchup=False,
        is_paused_upon_creation=paused,
        max_active_runs=4,
        params=PARAMS,
    ):
        probe.override(depends_on_past=depends_on_past)()


probe_dag("daily_probe", "0 0 * * *")
probe_dag("daily_probe_interrupted", "0 0 * * *")
probe_dag("daily_probe_failing", "0 0 * * *")
probe_dag("daily_probe_paused", "0 0 * * *", paused=True)
probe_dag("daily_probe_chained", "0 0 * * *", depends_on_past=True)
probe_dag("nine_o_clock_probe", "0 9 * * *", timezone="Europe/Berlin", paused=True)
probe_dag("manual_probe", None)
