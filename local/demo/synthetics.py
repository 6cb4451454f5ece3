"""The first job of the demo: synthetic features from PostgreSQL to S3."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg2

from local.airbnb.database import replace_tables
from local.airbnb.generator import generate
from local.airflow_api import AirflowApi
from local.components.s3 import BUCKET
from local.demo.follow import Say, follow, seconds
from local.health import StackError

if TYPE_CHECKING:
    from local.stack import Stack

DAG_ID = "gretel_synthetics_airbnb_bookings"
USERS = 20_000


def load_source(stack: Stack, say: Say) -> None:
    """Fill PostgreSQL with generated data, unless it holds some already (yours, perhaps)."""
    dsn = stack.postgres.dsn("bookings", "bookings")
    if not _is_loaded(dsn):
        say(f"loading {USERS:,} generated users and their sessions into PostgreSQL")
        replace_tables(dsn, generate(USERS, seed=1))


def run(stack: Stack, api: AirflowApi, say: Say) -> list[str]:
    """Run the pipeline through Airflow and check the release.

    :return: what to print about it in the end.
    :raises StackError: the run failed, or the release is not there whole.
    """
    api.wait_for_dag(DAG_ID)
    run_id = api.trigger(DAG_ID)
    say(f"triggered {DAG_ID}, run {run_id}")
    follow(api, DAG_ID, run_id, say)
    manifest = _read_manifest(stack, api.xcom(DAG_ID, run_id, "upload_synthetic_features")["manifest_uri"])
    return [
        DAG_ID,
        f"  rows extracted    {manifest['extract']['rows']:>10,}",
        f"  rows synthesized  {manifest['data']['rows']:>10,}",
        f"  release           {manifest['data']['uri']}",
        f"  copy of it        {_copy(stack, manifest['data']['uri'])}",
        "  gate              " + ", ".join(_gate(gate) for gate in manifest["gates"][:3]) + " …",
        "  time per task",
        *(f"    {task['task_id']:<32} {seconds(task):6.1f} s" for task in api.task_instances(DAG_ID, run_id)),
    ]


def _gate(gate: dict[str, Any]) -> str:
    return f"{gate['name']} {gate['value']:.2f} ({gate['rule']} {gate['bound']:.2f})"


def _is_loaded(dsn: str) -> bool:
    with closing(psycopg2.connect(dsn)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('sessions') IS NOT NULL")
        (loaded,) = cursor.fetchone() or (False,)
    return bool(loaded)


def _read_manifest(stack: Stack, uri: str) -> dict[str, Any]:
    client = stack.s3.client()
    manifest: dict[str, Any] = json.load(client.get_object(Bucket=BUCKET, Key=_key(uri))["Body"])
    data = manifest["data"]
    size = client.head_object(Bucket=BUCKET, Key=_key(data["uri"]))["ContentLength"]
    if size != data["bytes"]:
        raise StackError(f"{data['uri']} has {size} bytes, its manifest says {data['bytes']}")
    return manifest


def _copy(stack: Stack, uri: str) -> Path:
    """Copy the release's files into the stack's folder: the S3 server's objects end with it."""
    client, prefix = stack.s3.client(), _key(uri).rpartition("/")[0]
    folder = stack.home.path / prefix
    folder.mkdir(parents=True, exist_ok=True)
    for item in client.list_objects_v2(Bucket=BUCKET, Prefix=f"{prefix}/")["Contents"]:
        client.download_file(BUCKET, item["Key"], str(stack.home.path / item["Key"]))
    return folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder


def _key(uri: str) -> str:
    return uri.removeprefix(f"s3://{BUCKET}/")
