r"""COPY through the Redshift endpoint beside PostgreSQL's own \copy of the same CSV into the same table.

    .venv/bin/python benchmarks/redshift_copy.py [--rows 1000000] [--parts 4] [--repeats 3]

Both load the 6 columns of an NPS table into the same PostgreSQL. The endpoint downloads the parts from the S3 server
and decompresses them on the way; \copy reads them from memory. "checked" is the way of files that hold an error or need
what PostgreSQL's CSV has not: every field is looked at in Python.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from itertools import pairwise
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "plugins")]

BUCKET = "benchmark"
COLUMNS = (
    "id BIGINT {key}, user_id BIGINT NOT NULL, score SMALLINT, comment VARCHAR(200), amount DECIMAL(10,2), at TIMESTAMP"
)


def part(first: int, last: int) -> bytes:
    """The rows of one part, with NULLs, quotes and two-byte characters."""
    lines = []
    for n in range(first, last):
        comment = "@N" if n % 20 == 0 else f'"He said ""{n * 7919 % 1000003}"", très bien"'
        at = f"2021-{n % 12 + 1:02}-{n % 28 + 1:02} {n % 24:02}:{n % 60:02}:00.{n % 1000000:06}"
        lines.append(f"{n},{n * 7 % 100000},{n % 11},{comment},{n % 100000 / 100:.2f},{at}\n")
    return "".join(lines).encode()


def best(repeats: int, prepare: Callable[[], None], run: Callable[[], None]) -> float:
    """The seconds of the fastest run."""
    times = []
    for _ in range(repeats):
        prepare()
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    return min(times)


def compare(rows: int, parts: int, repeats: int) -> None:
    """Start PostgreSQL, S3 and the endpoint, and measure each way."""
    import psycopg2
    from isal import igzip

    from local.components.redshift import COPY_ROLE
    from local.stack import Stack

    bounds = [rows * n // parts for n in range(parts + 1)]
    files = [part(first, last) for first, last in pairwise(bounds)]
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(Path(folder) / "stack", with_airflow=False)
        stack.launch()
        try:
            for component in (stack.postgres, stack.s3, stack.redshift):
                stack.start_component(component)
            s3 = stack.s3.client()
            s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
            for number, data in enumerate(files):
                s3.put_object(Bucket=BUCKET, Key=f"plain/{number}.csv", Body=data)
                s3.put_object(Bucket=BUCKET, Key=f"gzip/{number}.csv.gz", Body=igzip.compress(data, 1))
            endpoint = stack.redshift.create_database("benchmark")
            direct = stack.postgres.dsn("benchmark")
            with closing(psycopg2.connect(endpoint)) as redshift, closing(psycopg2.connect(direct)) as postgres:
                redshift.autocommit = postgres.autocommit = True
                there, here = redshift.cursor(), postgres.cursor()
                there.execute(f"CREATE TABLE nps ({COLUMNS.format(key='PRIMARY KEY')})")
                here.execute(f"CREATE TABLE plain_nps ({COLUMNS.format(key='NOT NULL')})")

                def copy(prefix: str, options: str = "") -> None:
                    source = f"COPY nps FROM 's3://{BUCKET}/{prefix}/' IAM_ROLE '{COPY_ROLE}'"
                    there.execute(f"{source} CSV NULL AS '@N' {options}")
                    there.execute("SELECT pg_last_copy_count()")
                    assert there.fetchone() == (rows,)

                def own_copy() -> None:
                    for data in files:
                        here.copy_expert("COPY plain_nps FROM STDIN WITH (FORMAT csv, NULL '@N')", io.BytesIO(data))

                def empty(cursor: psycopg2.extensions.cursor, table: str) -> Callable[[], None]:
                    return lambda: cursor.execute(f"TRUNCATE {table}")

                results = {
                    "PostgreSQL \\copy": best(repeats, empty(here, "plain_nps"), own_copy),
                    "COPY CSV": best(repeats, empty(there, "nps"), lambda: copy("plain")),
                    "COPY CSV GZIP": best(repeats, empty(there, "nps"), lambda: copy("gzip", "GZIP")),
                    "COPY CSV, checked": best(repeats, empty(there, "nps"), lambda: copy("plain", "EMPTYASNULL")),
                }
        finally:
            stack.stop()
    own = results["PostgreSQL \\copy"]
    size = sum(map(len, files)) / 1e6
    print(f"{rows:,} rows of 6 columns, {size:.0f} MB in {parts} parts, best of {repeats}")
    for name, seconds in results.items():
        print(f"{name:<20} {seconds:7.2f} s {rows / seconds:12,.0f} rows/s {seconds / own:6.2f} of \\copy's time")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--parts", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    compare(options.rows, options.parts, options.repeats)
