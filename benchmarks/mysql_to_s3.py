"""MySQL → S3: this project's operator beside Airflow's SqlToS3Operator; seconds, and memory above the task's own.

    .venv/bin/python benchmarks/mysql_to_s3.py [--rows 1000000] [--repeats 2] [--only NAME …]

All read the same table from the same MariaDB and write to the same S3 server, each in a process of its own. Ours also
counts and sums every column in the same snapshot, for the load to check. Stock is run as it comes (plain CSV) and with
gzip, which is what ours writes.
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
from contextlib import closing
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "plugins")]

BUCKET = "benchmark"
TABLE = """
CREATE TABLE payments (
    id BIGINT NOT NULL PRIMARY KEY,
    user_id INT NULL,
    amount DECIMAL(12, 2) NULL,
    comment VARCHAR(120) NULL,
    deleted TINYINT(1) NOT NULL,
    updated_at DATETIME(6) NOT NULL,
    KEY (updated_at)
)
"""
ROWS = """
INSERT INTO payments
SELECT
    seq,
    IF(seq % 50 = 0, NULL, seq * 7 % 100000),
    IF(seq % 33 = 0, NULL, seq * 131 % 1000000 / 100),
    IF(seq % 20 = 0, NULL, CONCAT('He said "', MD5(seq), '", ok ', seq)),
    seq % 100 = 0,
    '2021-09-01' + INTERVAL seq SECOND
FROM seq_{first}_to_{last}
"""
Contender = Callable[[], Callable[[], object]]


def ours(**keys: Any) -> Contender:
    def prepare() -> Callable[[], object]:
        import warehouse.extract  # noqa: F401 - imported by the operator when it runs, as pandas by the other; neither is counted
        from operators.mysql_to_s3 import MySQLToS3Operator

        table = {
            "name": "payments",
            "source": "prod.payments",
            "target": "analytics.payments",
            "primary_key": ["id"],
            "mode": "mutable",
            "cursor": "updated_at",
        }
        operator = MySQLToS3Operator(
            task_id="ours", table=table | keys, s3_bucket=BUCKET, hash_key_conn_id="pii_hash_key"
        )
        _warm_up()
        return lambda: operator.execute({})

    return prepare


def stock(**options: Any) -> Contender:
    def prepare() -> Callable[[], object]:
        import pandas as pd  # noqa: F401
        from airflow.providers.amazon.aws.transfers.sql_to_s3 import SqlToS3Operator

        operator = SqlToS3Operator(
            task_id="stock",
            query="SELECT * FROM payments",
            sql_conn_id="mysql_prod",
            aws_conn_id="aws_default",
            s3_bucket=BUCKET,
            s3_key="stock.csv",
            replace=True,
            df_kwargs={"index": False, **options},
        )
        _warm_up()
        return lambda: operator.execute({})

    return prepare


def _warm_up() -> None:
    """Import and open what every task has anyway: the hooks and their clients."""
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook
    from airflow.providers.mysql.hooks.mysql import MySqlHook

    S3Hook(aws_conn_id="aws_default").get_conn().head_bucket(Bucket=BUCKET)
    MySqlHook(mysql_conn_id="mysql_prod").get_conn().close()


STOCK = "SqlToS3Operator gzip"
CONTENDERS: dict[str, Contender] = {
    "ours gzip": ours(),
    "ours zstd": ours(compression="zstd"),
    "ours parquet": ours(format="parquet"),
    "ours gzip, hashed": ours(pii={"comment": "hash"}),
    STOCK: stock(compression="gzip"),
    "SqlToS3Operator": stock(),
}


def measure(name: str) -> None:
    """Run one contender in this process and print what it took as JSON."""
    run = CONTENDERS[name]()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    run()
    seconds = time.perf_counter() - started
    megabytes = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(json.dumps({"seconds": seconds, "megabytes": megabytes}))


def compare(rows: int, repeats: int, names: list[str]) -> None:
    """Start MariaDB and S3, and run every contender `repeats` times; the fastest run of each counts."""
    from local.stack import Stack

    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(Path(folder) / "stack", with_airflow=False)
        stack.launch()
        try:
            stack.start_component(stack.mariadb)
            stack.start_component(stack.s3)
            stack.s3.client().create_bucket(
                Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
            )
            with closing(stack.mariadb.connect("prod")) as connection, connection.cursor() as cursor:
                cursor.execute(TABLE)
                for first in range(1, rows + 1, 1_000_000):
                    cursor.execute(ROWS.format(first=first, last=min(first + 999_999, rows)))
                    connection.commit()
            uris = {f"AIRFLOW_CONN_{name.upper()}": uri for name, uri in stack.connections.items()}
            env = (
                os.environ
                | uris
                | {
                    "AIRFLOW_HOME": f"{folder}/airflow",
                    "AIRFLOW_CONN_PII_HASH_KEY": "generic://:a-key-for-the-benchmark@",
                }
            )
            results = {name: [child(name, env) for _ in range(repeats)] for name in names}
        finally:
            stack.stop()
    best = {name: min(runs, key=lambda run: run["seconds"]) for name, runs in results.items()}
    print(f"{rows:,} rows of 6 columns, best of {repeats}")
    for name, result in best.items():
        seconds, megabytes = result["seconds"], result["megabytes"]
        print(f"{name:<22} {seconds:7.2f} s {rows / seconds:12,.0f} rows/s {megabytes:8.0f} MB")
    for name, result in best.items():
        if name.startswith("ours") and STOCK in best:
            faster = best[STOCK]["seconds"] / result["seconds"]
            smaller = best[STOCK]["megabytes"] / result["megabytes"]
            print(f"{name} is {faster:.1f} times as fast as {STOCK} and takes 1/{smaller:.0f} of the memory")


def child(name: str, env: dict[str, str]) -> dict[str, float]:
    output = subprocess.run([sys.executable, __file__, "--measure", name], env=env, check=True, stdout=subprocess.PIPE)
    result: dict[str, float] = json.loads(output.stdout.splitlines()[-1])
    return result


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--only", nargs="+", choices=CONTENDERS, default=list(CONTENDERS), metavar="NAME")
    parser.add_argument("--measure", choices=CONTENDERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(options.measure)
    else:
        compare(options.rows, options.repeats, options.only)
