"""The warehouse load in a real Airflow: the first load, a backfill of three days of changes, the summary."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from contextlib import closing
from itertools import pairwise
from typing import Any

import psycopg2
import pytest
from psycopg2.extensions import make_dsn

from local.airflow_api import AirflowApi
from local.health import wait_until
from local.nps.analysts import ROLE
from local.nps.database import apply_changes, replace_tables
from local.settings import REPOSITORY
from local.stack import Stack
from tests.support.runs import Run, trigger
from transfers.pseudonyms import Pseudonyms

DAG_ID = "mysql_to_redshift"
COLUMNS = "id, user_id, score, comment, channel, created_at, updated_at"


HASH_KEY = "a key for the end-to-end tests"


def create_analyst(engines: Stack) -> None:
    """A user with the role that the table config and the summary grant what is not personal."""
    with closing(psycopg2.connect(engines.postgres.dsn("warehouse"))) as connection, connection:
        connection.cursor().execute(f"CREATE ROLE ana LOGIN PASSWORD 'for-the-test' IN ROLE {ROLE}")


@pytest.fixture(scope="module")
def first_load(engines: Stack, airflow: AirflowApi) -> Run:
    replace_tables(engines.mariadb.arguments("prod"), seed=1)
    create_analyst(engines)
    airflow.post("connections", {"connection_id": "pii_hash_key", "conn_type": "generic", "password": HASH_KEY})
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
    assert done.stderr == ""
    return done.stdout


def as_analyst(engines: Stack) -> str:
    return make_dsn(engines.redshift.dsn(), user="ana", password="for-the-test")


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


def test_the_first_load_was_split_by_ranges_of_the_key(airflow: AirflowApi, first_load: Run) -> None:
    tasks = airflow.task_instances(DAG_ID, first_load.run_id)
    extracts = [task for task in tasks if task["task_id"] == "nps.extract"]
    assert sorted(task["map_index"] for task in extracts) == [0, 1, 2]
    assert len([task for task in tasks if task["task_id"] == "numbers_and_times.extract"]) == 1


def test_personal_columns_are_hashed_and_closed_to_readers(engines: Stack, first_load: Run, backfilled: str) -> None:
    pseudonyms = Pseudonyms(HASH_KEY)
    expected = [
        (number, email and pseudonyms.hash(email.encode()).decode())
        for number, email in in_source(engines, "nps", "id, email", "deleted = 0")
    ]
    assert in_warehouse(engines, "SELECT id, email FROM analytics.nps WHERE deleted = 0 ORDER BY 1") == expected
    with closing(psycopg2.connect(as_analyst(engines))) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute("SELECT * FROM analytics.nps_live ORDER BY id")
        assert cursor.description
        assert "email" not in [column.name for column in cursor.description]
        assert [row[0] for row in cursor.fetchall()] == [number for number, _ in expected]
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute("SELECT email FROM analytics.nps")


def test_the_backfill_carries_updates_deletes_and_late_rows(engines: Stack, backfilled: str) -> None:
    line = r"  2021-\d\d-\d\d 00:00Z to 2021-\d\d-\d\d 00:00Z  (new|success)|\d of 3 runs ended: .* \(\d+ s\)"
    first, *between, last = backfilled.splitlines()
    assert (first, last) == ("mysql_to_redshift: 3 runs to start", "mysql_to_redshift: 3 runs succeeded.")
    created = [text for text in between if not re.fullmatch(line, text)]
    assert len(created) == 1
    assert re.match(r"Backfill \d+ is created; at most \d+ runs at a time\.$", created[0])
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
    """On the asset's event, and as the audit table has them."""
    events = airflow.get("assets/events", source_dag_id=DAG_ID, source_run_id=first_load.run_id)["asset_events"]
    told = {event["extra"]["target"]: event["extra"] for event in events}
    assert set(told) == {"analytics.nps", "analytics.numbers_and_times", "analytics.texts_and_bytes"}
    counts = ("staged", "duplicates", "stale", "inserted", "updated", "removed")
    for target, extra in told.items():
        ids = ", ".join(f"'{load_id}'" for load_id in extra["load_ids"])
        sums = ", ".join(f"SUM({name})" for name in counts)
        audited = in_warehouse(
            engines, f"SELECT {sums} FROM audit.loads WHERE target = '{target}' AND load_id IN ({ids})"
        )
        assert audited == [tuple(extra[name] for name in counts)]
        assert extra["inserted"] == extra["staged"] > 1000


def test_the_summary_follows_the_loads(engines: Stack, airflow: AirflowApi, backfilled: str) -> None:
    def unmet() -> str | None:
        states = [run["state"] for run in summaries(airflow)]
        return None if states and set(states) == {"success"} else f"nps_summary is {states}"

    wait_until(unmet, seconds=180, poll=0.5)
    one_by_one = sorted((run["start_date"], run["end_date"]) for run in summaries(airflow))
    assert [after for (_, before), (after, _) in pairwise(one_by_one) if after < before] == [], "two ran at a time"
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
    with closing(psycopg2.connect(as_analyst(engines))) as connection, connection.cursor() as cursor:
        cursor.execute(summary)
        assert len(cursor.fetchall()) == len(expected)
    passive = "SELECT nps FROM analytics.nps_summary WHERE grain = 'day' AND period_start = '2021-08-22'"
    assert [float(nps) for (nps,) in in_warehouse(engines, passive)] == [0.0]


def test_only_the_tables_that_were_asked_for_are_loaded(airflow: AirflowApi, backfilled: str) -> None:
    window = {"window_start": "2021-09-30T00:00:00Z", "window_end": "2021-10-01T00:00:00Z"}
    run = trigger(airflow, DAG_ID, {"tables": ["texts_and_bytes"], **window}).wait()
    assert run.state == "success"
    states = run.states()
    assert states["texts_and_bytes.load"] == "success"
    assert states["nps.load"] == states["numbers_and_times.load"] == "skipped"


def test_a_failing_data_test_fails_the_load_and_keeps_the_summary_as_it_was(
    engines: Stack, airflow: AirflowApi, backfilled: str
) -> None:
    def summary() -> list[tuple[Any, ...]]:
        return in_warehouse(engines, "SELECT * FROM analytics.nps_summary ORDER BY 1, 2")

    wait_until(lambda: None if summaries_ended(airflow) else "nps_summary runs", seconds=180, poll=0.5)
    before, runs = summary(), summaries_ended(airflow)
    window = {"window_start": "2021-09-30T00:00:00Z", "window_end": "2021-10-01T00:00:00Z"}
    change = "UPDATE nps SET score = {}, updated_at = '2021-09-30 12:00:00.00000{}' WHERE id = 1"

    execute_in_source(engines, change.format(11, 1))
    failed = trigger(airflow, DAG_ID, {"tables": ["nps"], **window}).wait()
    assert failed.states()["nps.load"] == failed.state == "failed"
    assert "data tests failed: analytics.nps: nps_score: 1 live answers have no time, or no score" in failed.log(
        "nps.load"
    )
    assert airflow.get("assets/events", source_dag_id=DAG_ID, source_run_id=failed.run_id)["asset_events"] == []
    # A summary that somebody starts all the same stops at its input.
    stopped = trigger(airflow, "nps_summary").wait()
    assert stopped.states()["check_inputs"] == "failed"
    assert "analytics.nps_summary stays as it was" in stopped.log("check_inputs")
    assert summary() == before

    execute_in_source(engines, change.format(3, 2))
    healed = trigger(airflow, DAG_ID, {"tables": ["nps"], **window}).wait()
    assert healed.state == "success"
    wait_until(
        lambda: None if (summaries_ended(airflow) or 0) > (runs or 0) + 1 else "nps_summary has not run", seconds=120
    )
    assert summary() != before


def summaries(airflow: AirflowApi) -> list[dict[str, Any]]:
    runs: list[dict[str, Any]] = airflow.get("dags/nps_summary/dagRuns", limit="100")["dag_runs"]
    return runs


def summaries_ended(airflow: AirflowApi) -> int | None:
    """How many runs of nps_summary there are, if all have ended."""
    states = [run["state"] for run in summaries(airflow)]
    return len(states) if states and set(states) <= {"success", "failed"} else None


def execute_in_source(engines: Stack, statement: str) -> None:
    with closing(engines.mariadb.connect("prod")) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        connection.commit()
