"""The second job of the demo: MySQL to Redshift, first whole, then three days of changes by backfill."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

import psycopg2

from local.airflow_api import AirflowApi
from local.demo.follow import Say, follow
from local.health import StackError, wait_until
from local.nps.database import apply_changes, replace_tables
from local.settings import REPOSITORY

if TYPE_CHECKING:
    from local.stack import Stack

DAG_ID = "mysql_to_redshift"
SUMMARY_DAG_ID = "nps_summary"
FIRST_DAY, LAST_DAY = "2021-09-30", "2021-10-02"  # on which local.nps changes the source
SEED = 1
NPS_BY_MONTH = """
SELECT period_start, answers, promoters, detractors, nps
FROM analytics.nps_summary
WHERE grain = 'month'
ORDER BY period_start
"""


def load_source(stack: Stack, say: Say) -> None:
    """Fill MySQL with generated data, unless it holds some already."""
    with closing(stack.mariadb.connect("prod")) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW TABLES LIKE 'nps'")
        loaded = cursor.fetchone()
    if not loaded:
        reload_source(stack, say)


def reload_source(stack: Stack, say: Say) -> None:
    """Fill MySQL with generated data, as it was before an earlier demo changed it."""
    rows = replace_tables(stack.mariadb.arguments("prod"), seed=SEED)
    say("loaded into MySQL: " + ", ".join(f"{count:,} {table}" for table, count in rows.items()))


def run(stack: Stack, api: AirflowApi, say: Say) -> list[str]:
    """Load everything, change the source, backfill the changes, compare, and wait for the summary.

    :return: what to print about it in the end.
    :raises StackError: a run failed, or the warehouse differs from the source.
    """
    run_id = api.trigger(DAG_ID, {"full_refresh": True})
    say(f"triggered {DAG_ID} with full_refresh, run {run_id}")
    follow(api, DAG_ID, run_id, say)
    changed = apply_changes(stack.mariadb.arguments("prod"), seed=SEED)
    say("changed in MySQL: " + ", ".join(f"{count:,} {table}" for table, count in changed.items()))
    _airflow(stack, "dags", "backfill", "-s", FIRST_DAY, "-e", LAST_DAY, DAG_ID, "--reset-dagruns", "--yes")
    _wait_for_summary(api, say)
    return [f"{DAG_ID}: source and warehouse, value for value", *_compare(stack), "", SUMMARY_DAG_ID, *_nps(stack)]


def _airflow(stack: Stack, *arguments: str) -> None:
    """Run Airflow's command line; its progress goes to the terminal."""
    print("$ ./airflow " + " ".join(arguments), flush=True)
    command = [sys.executable, "-m", "airflow", *arguments]
    done = subprocess.run(command, env={**os.environ, **stack.airflow.env}, cwd=REPOSITORY, check=False)
    if done.returncode:
        raise StackError(f"airflow {' '.join(arguments)} ended with status {done.returncode}")


def _wait_for_summary(api: AirflowApi, say: Say) -> None:
    """Wait until the newest run of the summary has ended, and no load is left that will bring about another."""

    def unmet() -> str | None:
        if api.has_queued_events(SUMMARY_DAG_ID):
            return f"{SUMMARY_DAG_ID} has not been started by the scheduler"
        [run] = api.get(f"dags/{SUMMARY_DAG_ID}/dagRuns", order_by="-run_after", limit="1")["dag_runs"]
        if run["state"] == "failed":
            raise StackError(api.errors(SUMMARY_DAG_ID, run["dag_run_id"]))
        return None if run["state"] == "success" else f"{SUMMARY_DAG_ID} is {run['state']}"

    wait_until(unmet, seconds=180, poll=0.5)
    say(f"{SUMMARY_DAG_ID} is up to date")


def _compare(stack: Stack) -> list[str]:
    """Compare the live rows of source and warehouse, value for value, table by table."""
    command = [sys.executable, "-m", "warehouse.compare"]
    env = {**os.environ, **stack.airflow.env}
    done = subprocess.run(command, env=env, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StackError(f"the warehouse is not what the source is:\n{done.stdout}{done.stderr}")
    verdicts = [line.split(": ", 1) for line in done.stdout.splitlines()]
    return [f"  {table:<18} {verdict}" for table, verdict in verdicts]


def _nps(stack: Stack) -> list[str]:
    return ["  month     answers  promoters  detractors     NPS"] + [
        f"  {month:%Y-%m}  {answers:>9,}  {promoters:>9,}  {detractors:>10,}  {nps:>6}"
        for month, answers, promoters, detractors, nps in _query(stack, NPS_BY_MONTH)
    ]


def _query(stack: Stack, statement: str) -> list[tuple[Any, ...]]:
    with closing(psycopg2.connect(stack.redshift.dsn())) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()
