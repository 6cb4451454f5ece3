"""PostgreSQL → S3: this project's extract beside Airflow's SqlToS3Operator; seconds, and memory above the imports.

    .venv/bin/python benchmarks/extract.py [--rows 1000000]

Both read the same rows from the same PostgreSQL and write them to the same S3 server, each in a process of its own.
Ours also proves that the entity key is unique, which the other does not do.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "plugins")]

TABLE = """
CREATE TABLE features AS SELECT
    md5(n::text) AS user_id,
    (ARRAY['FEMALE', 'MALE', NULL])[1 + n % 3] AS gender,
    CASE WHEN n % 10 < 6 THEN 18 + n % 70 END AS age,
    date '2010-01-01' + n % 1600 AS date_account_created,
    round((n % 9973) * 1.37, 2) AS avg_session_time_seconds,
    9007199254740993 + n AS max_session_time_seconds,
    (ARRAY['NDF', 'US', 'FR', 'other'])[1 + n % 4] AS country_destination
FROM generate_series(1, {rows}) AS n
"""
COLUMNS = "gender, age, date_account_created, avg_session_time_seconds, max_session_time_seconds, country_destination"


def run_ours(bucket: str) -> Callable[[], object]:
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook
    from airflow.providers.postgres.hooks.postgres import PostgresHook

    from synthetics.feature_query import FeatureQuery
    from transfers.postgres_to_s3 import copy_query_to_s3

    query = FeatureQuery(
        name="features",
        sql=f"SELECT user_id, {COLUMNS} FROM features",
        entity_key="user_id",
        quasi_identifiers=(),
        sensitive=(),
        description="",
        path=Path(__file__),
        first_line=1,
    )
    connect, client = PostgresHook("bookings_db").get_conn, S3Hook("aws_default").get_conn()
    return lambda: copy_query_to_s3(connect=connect, query=query, s3_client=client, bucket=bucket, key="ours.csv")


def run_stock(bucket: str) -> Callable[[], object]:
    import pandas as pd  # imported by the operator when it runs; its import is not counted
    from airflow.providers.amazon.aws.transfers.sql_to_s3 import SqlToS3Operator

    operator = SqlToS3Operator(
        task_id="stock",
        query=f"SELECT {COLUMNS} FROM features",
        sql_conn_id="bookings_db",
        aws_conn_id="aws_default",
        s3_bucket=bucket,
        s3_key="stock.csv",
        replace=True,
        df_kwargs={"index": False},
    )
    return lambda: operator.execute({}) or pd


CONTENDERS = {"ours": run_ours, "SqlToS3Operator": run_stock}


def measure(name: str, bucket: str) -> None:
    """Run one contender in this process and print what it took as JSON."""
    run = CONTENDERS[name](bucket)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    run()
    seconds = time.perf_counter() - started
    megabytes = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(json.dumps({"seconds": seconds, "megabytes": megabytes}))


def compare(rows: int, repeats: int) -> None:
    """Start PostgreSQL and S3, and run every contender `repeats` times; the fastest run of each counts."""
    import psycopg

    from local.stack import Stack

    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # PostgreSQL runs as another user than root
        stack = Stack(Path(folder) / "stack", with_airflow=False)
        stack.launch()
        try:
            stack.start_component(stack.postgres)
            stack.start_component(stack.s3)
            stack.s3.client().create_bucket(
                Bucket="benchmark", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
            )
            with psycopg.connect(stack.postgres.dsn("bookings", "bookings")) as connection:
                connection.execute(TABLE.format(rows=rows))
            uris = {f"AIRFLOW_CONN_{name.upper()}": uri for name, uri in stack.connections.items()}
            env = os.environ | uris | {"AIRFLOW_HOME": f"{folder}/airflow"}
            best = {
                name: min((child(name, env) for _ in range(repeats)), key=lambda r: r["seconds"]) for name in CONTENDERS
            }
        finally:
            stack.stop()
    print(f"{rows:,} rows of 6 columns, best of {repeats}")
    for name, result in best.items():
        seconds, megabytes = result["seconds"], result["megabytes"]
        print(f"{name:<16} {seconds:7.2f} s {rows / seconds:12,.0f} rows/s {megabytes:8.0f} MB")
    ours, stock = best["ours"], best["SqlToS3Operator"]
    print(
        f"ours is {stock['seconds'] / ours['seconds']:.1f} times as fast"
        f" and takes 1/{stock['megabytes'] / ours['megabytes']:.0f} of the memory"
    )


def child(name: str, env: dict[str, str]) -> dict[str, float]:
    output = subprocess.run([sys.executable, __file__, "--measure", name], env=env, check=True, stdout=subprocess.PIPE)
    result: dict[str, float] = json.loads(output.stdout.splitlines()[-1])
    return result


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--measure", choices=CONTENDERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(options.measure, "benchmark")
    else:
        compare(options.rows, options.repeats)
