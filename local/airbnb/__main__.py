"""`python -m local.airbnb generate|load`: fill the bookings database with generated or with Kaggle's own data."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

import psycopg

from local.airbnb.database import CsvStream, LoadError, replace_tables
from local.airbnb.generator import generate
from local.airbnb.kaggle_files import open_directory


def main(arguments: list[str] | None = None) -> int:
    """Run the command line.

    :returns: the exit code: 0 done, 1 an error that was explained on stderr.
    """
    options = _parser().parse_args(arguments)
    if not options.dsn:
        return _fail("no database given: pass --dsn postgresql://user@host:port/database or set BOOKINGS_DSN")
    try:
        if options.command == "generate":
            return _load(options.dsn, generate(options.users, options.seed))
        with open_directory(options.directory) as (streams, remarks):
            for remark in remarks:
                print(remark, file=sys.stderr)
            return _load(options.dsn, streams)
    except (LoadError, ValueError) as error:
        return _fail(str(error))
    except psycopg.OperationalError as error:
        return _fail(f"cannot reach the database: {str(error).strip()}\nCheck --dsn or BOOKINGS_DSN.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.airbnb", description=__doc__)
    database = argparse.ArgumentParser(add_help=False)
    database.add_argument(
        "--dsn", default=os.environ.get("BOOKINGS_DSN"), help="PostgreSQL connection string (default: $BOOKINGS_DSN)"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    made = commands.add_parser("generate", parents=[database], help="replace the tables with generated data")
    made.add_argument("--users", type=int, default=20_000, help="number of users (default: %(default)s)")
    made.add_argument("--seed", type=int, default=7, help="the same seed gives the same data (default: %(default)s)")
    real = commands.add_parser("load", parents=[database], help="replace the tables with Kaggle's CSV or zip files")
    real.add_argument("directory", type=Path, help="holds train_users_2.csv(.zip), sessions.csv(.zip), …")
    return parser


def _load(dsn: str, streams: list[CsvStream]) -> int:
    started = time.monotonic()
    rows = replace_tables(dsn, streams)
    counts = ", ".join(f"{count:,} {table}" for table, count in rows.items())
    print(f"Loaded {counts} in {time.monotonic() - started:.1f} s.")
    return 0


def _fail(message: str) -> int:
    print(f"error: {message}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
