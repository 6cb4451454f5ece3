"""`make demo`: run the pipelines once through Airflow, show how they go, and prove what came out."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from typing import TYPE_CHECKING

import psycopg2

from local.airbnb.database import replace_tables
from local.airbnb.generator import generate
from local.airflow_api import AirflowApi
from local.components.s3 import BUCKET
from local.health import StackError

if TYPE_CHECKING:
    from local.stack import Stack

SYNTHETICS_DAG = "gretel_synthetics_airbnb_bookings"
USERS = 20_000
RUN_SECONDS = 600
FINAL = {"success", "failed", "skipped", "upstream_failed", "removed"}

Say = Callable[[str], None]


def load_source_data(stack: Stack, say: Say) -> None:
    """Fill the source database with generated data, unless it holds some already (yours, perhaps)."""
    dsn = stack.postgres.dsn("bookings", "bookings")
    if not _is_loaded(dsn):
        say(f"loading {USERS:,} generated users and their sessions into PostgreSQL")
        replace_tables(dsn, generate(USERS, seed=1))


def run(stack: Stack, say: Say) -> int:
    """Trigger the synthetics pipeline, follow it to its end and check the release.

    :return: 0 only if the run succeeded and the release is really there.
    """
    load_source_data(stack, say)
    api = AirflowApi(stack.airflow)
    api.wait_for_dag(SYNTHETICS_DAG)
    run_id = api.trigger(SYNTHETICS_DAG)
    say(f"triggered {SYNTHETICS_DAG}, run {run_id}")
    state = follow(api, SYNTHETICS_DAG, run_id, say)
    if state != "success":
        failed = [task["task_id"] for task in api.task_instances(SYNTHETICS_DAG, run_id) if task["state"] == "failed"]
        for task_id in failed:
            say(f"last lines of {task_id}:\n{api.last_log_lines(SYNTHETICS_DAG, run_id, task_id)}")
        raise StackError(f"the run ended as {state!r}; failed: {', '.join(failed) or 'none'}")
    _summarize(stack, api, run_id)
    return 0


def follow(api: AirflowApi, dag_id: str, run_id: str, say: Say) -> str:
    """Say every change of every task's state until the run has ended; return the run's state."""
    seen: dict[str, str | None] = {}
    started = time.monotonic()
    while True:
        state = api.run_state(dag_id, run_id)
        for task in api.task_instances(dag_id, run_id):
            if task["state"] != seen.get(task["task_id"]):
                seen[task["task_id"]] = task["state"]
                say(f"{time.monotonic() - started:5.1f} s  {task['task_id']}: {task['state'] or 'waiting'}")
        if state in {"success", "failed"}:
            return state
        if time.monotonic() - started > RUN_SECONDS:
            raise StackError(f"{dag_id} did not end within {RUN_SECONDS} s; it is {state!r}. See the logs: make logs")
        time.sleep(0.5)


def _is_loaded(dsn: str) -> bool:
    with closing(psycopg2.connect(dsn)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('sessions') IS NOT NULL")
        (loaded,) = cursor.fetchone() or (False,)
    return bool(loaded)


def _summarize(stack: Stack, api: AirflowApi, run_id: str) -> None:
    extract = api.xcom(SYNTHETICS_DAG, run_id, "extract_features")
    release = api.xcom(SYNTHETICS_DAG, run_id, "upload_synthetic_features")
    manifest = _read_manifest(stack, release["manifest_uri"])
    print(f"\n{SYNTHETICS_DAG}")
    print(f"  rows extracted    {extract['rows']:>10,}")
    print(f"  rows synthesized  {manifest['data']['rows']:>10,}")
    print(f"  release           {manifest['data']['uri']}")
    print("  time per task")
    for task in api.task_instances(SYNTHETICS_DAG, run_id):
        print(f"    {task['task_id']:<28} {_seconds(task):6.1f} s")


def _read_manifest(stack: Stack, uri: str) -> dict:
    client = stack.s3.client()
    key = uri.removeprefix(f"s3://{BUCKET}/")
    manifest = json.load(client.get_object(Bucket=BUCKET, Key=key)["Body"])
    data_key = manifest["data"]["uri"].removeprefix(f"s3://{BUCKET}/")
    size = client.head_object(Bucket=BUCKET, Key=data_key)["ContentLength"]
    if size != manifest["data"]["bytes"]:
        raise StackError(f"{manifest['data']['uri']} has {size} bytes, its manifest says {manifest['data']['bytes']}")
    return manifest


def _seconds(task: dict) -> float:
    if not task["start_date"] or not task["end_date"]:
        return 0.0
    return (datetime.fromisoformat(task["end_date"]) - datetime.fromisoformat(task["start_date"])).total_seconds()
