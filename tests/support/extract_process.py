"""One extract in a process of its own, to be killed or measured: takes JSON on stdin, prints JSON.

Started with `python -m tests.support.extract_process` and plugins/ on PYTHONPATH.
"""

from __future__ import annotations

import json
import resource
import sys

import boto3
import MySQLdb

from warehouse.config import TableConfig
from warehouse.extract import Destination, extract_table


def main() -> None:
    about = json.load(sys.stdin)
    client = boto3.client("s3", **about["s3"])
    client.head_bucket(Bucket=about["bucket"])
    MySQLdb.connect(**about["mysql"]).close()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    written = extract_table(
        lambda: MySQLdb.connect(**about["mysql"]),
        Destination(client, about["bucket"], "process"),
        TableConfig(**about["config"]),
    )
    megabytes = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    json.dump({"megabytes": megabytes, "rows": written.manifest.extract.counts.rows}, sys.stdout)


if __name__ == "__main__":
    main()
