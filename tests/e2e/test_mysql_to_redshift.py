"""The warehouse load in a real Airflow: the first load, a backfill of three days of changes, the summary."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from contextlib import closing
from typing import Any

import psycopg2
import pytest

from local.airflow_api import AirflowApi
from local.health import wait_until
from local.nps.database import apply_changes, replace_tables
from local.settings import REPOSITORY
from local.stack import Stack
from tests.support.runs import Run, trigger

DAG_ID = "mysql_to_redshift"
COLUMNS = "id, user_id, score, comment, channel, created_at, updated_at"


@pytest.fixture(scope="module")
def first_load(engines: Stack, airflow: AirflowApi) -> Run:
    replace_tables(engines.mariadb.arguments("prod"), seed=1)
    for dag_id in (DAG_ID, "nps_summary"):
        airflow.wait_for_dag(dag_id)
        airflow.unpause(dag_id)
    run = trigger(airflow, DAG_ID, {"full_refresh": True}).wait()
    assert run.state == "success", run.states()
    return run


@pytest.fixture(scope="module")
def backfilled(engines: Stack, first_load: Run) -> str:
    """The warehouse after the source changed and three days were loaded again; what the command printed."""
    apply_changes(engines.mariadb.arguments("prod"), seed=1)
    days = ["-s", "2021-09-30", "-e", "2021-10-02"]
    command = [sys.executable, "-m", "airflow", "dags", "backfill", *days, DAG_ID, "--yes"]
    env = {**os.environ, **engines.airflow.env}
    done = subprocess.run(command, env=env, cwd=REPOSITORY, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def in_source(engines: Stack, table: str, columns: str, condition: str) -> list[tuple[Any, ...]]:
    with closing(engines.mariadb.connect("prod")) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns} FROM {table} WHERE {condition} ORDER BY 1, 2")
        return list(cursor.fetchall())


def in_warehouse(engines: Stack, statement: str) -> list[tuple[Any, ...]]:
    with closing(psycopg2.connect(engines.redshift.dsn())) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def test_the_first_load_brings_every_live_row_value_for_value(engines: Stack, first_load: Run) -> None:
    found = in_warehouse(engines, f"SELECT {COLUMNS} FROM analytics.nps_live ORDER BY 1")
    assert len(found) > 150_000
    assert found == in_source(engines, "nps", COLUMNS, "deleted = 0")


def test_personal_columns_stay_behind(engines: Stack, first_load: Run) -> None:
    columns = in_warehouse(engines, "SELECT column_name FROM svv_columns WHERE table_name = 'nps'")
    assert ("score",) in columns
    assert ("email",) not in columns


def test_the_backfill_carries_updates_deletes_and_late_rows(engines: Stack, backfilled: str) -> None:
    assert "3 runs succeeded" in backfilled
    found = in_warehouse(engines, f"SELECT {COLUMNS} FROM analytics.nps_live ORDER BY 1")
    assert found == in_source(engines, "nps", COLUMNS, "deleted = 0")
    [(tombstones,)] = in_warehouse(engines, "SELECT COUNT(*) FROM analytics.nps WHERE deleted = 1")
    assert tombstones == len(in_source(engines, "nps", "id, deleted", "deleted = 1"))


@pytest.mark.parametrize(
    ("table", "key", "live"),
    [("numbers_and_times", "id, updated_at", "deleted = 0"), ("texts_and_bytes", "tenant, document_id", "1 = 1")],
)
def test_the_other_tables_have_the_sources_live_keys(
    engines: Stack, backfilled: str, table: str, key: str, live: str
) -> None:
    expected = in_source(engines, table, key, live)
    assert sorted(in_warehouse(engines, f"SELECT {key} FROM analytics.{table}_live")) == sorted(expected)


def test_the_load_announces_its_counts(engines: Stack, airflow: AirflowApi, first_load: Run) -> None:
    events = airflow.get("assets/events", source_dag_id=DAG_ID, source_run_id=first_load.run_id)["asset_events"]
    targets = {event["extra"]["target"] for event in events}
    assert targets == {"analytics.nps", "analytics.numbers_and_times", "analytics.texts_and_bytes"}


def test_the_summary_follows_the_loads(engines: Stack, airflow: AirflowApi, backfilled: str) -> None:
    def unmet() -> str | None:
        states = [run["state"] for run in airflow.get("dags/nps_summary/dagRuns", limit="100")["dag_runs"]]
        return None if states and set(states) == {"success"} else f"nps_summary is {states}"

    wait_until(unmet, seconds=180, poll=0.5)
    votes: dict[str, Counter[int]] = {}
    for created_at, score in in_source(engines, "nps", "created_at, score", "deleted = 0"):
        votes.setdefault(f"{created_at:%Y-%m}", Counter())[(score >= 9) - (score <= 6)] += 1
    expected = [
        (month, sum(count.values()), round(100 * (count[1] - count[-1]) / sum(count.values()), 2))
        for month, count in sorted(votes.items())
    ]
    summary = "SELECT period_start, answers, nps FROM analytics.nps_summary WHERE grain = 'month' ORDER BY 1"
    found = [(f"{month:%Y-%m}", answers, float(nps)) for month, answers, nps in in_warehouse(engines, summary)]
    assert found == expected
    passive = "SELECT nps FROM analytics.nps_summary WHERE grain = 'day' AND period_start = '2021-08-22'"
    assert [float(nps) for (nps,) in in_warehouse(engines, passive)] == [0.0]


def test_only_the_tables_that_were_asked_for_are_loaded(airflow: AirflowApi, backfilled: str) -> None:
    window = {"window_start": "2021-09-30T00:00:00Z", "window_end": "2021-10-01T00:00:00Z"}
    run = trigger(airflow, DAG_ID, {"tables": ["texts_and_bytes"], **window}).wait()
    assert run.state == "success"
    states = run.states()
    assert states["texts_and_bytes.load"] == "success"
    assert states["nps.load"] == states["numbers_and_times.load"] == "skipped"
