"""`python -m local.nps load|change`: fill the production MySQL with demo data, then let three more days pass."""

from __future__ import annotations

import argparse
import os
import sys
from urllib.parse import unquote, urlsplit

import MySQLdb

from local.nps.database import apply_changes, replace_tables


def main(arguments: list[str] | None = None) -> int:
    """Run the command line.

    :returns: the exit code: 0 done, 1 an error that was explained on stderr.
    """
    parser = argparse.ArgumentParser(prog="python -m local.nps", description=__doc__)
    parser.add_argument("command", choices=("load", "change"), help="replace the tables, or apply the changes to them")
    parser.add_argument(
        "--dsn", default=os.environ.get("NPS_DSN"), help="mysql://user:password@host:port/database ($NPS_DSN)"
    )
    parser.add_argument("--seed", type=int, default=7, help="the same seed gives the same data (default: %(default)s)")
    options = parser.parse_args(arguments)
    if not options.dsn:
        return _fail("no database given: pass --dsn mysql://user:password@host:port/database or set NPS_DSN")
    run = replace_tables if options.command == "load" else apply_changes
    try:
        rows = run(_connection_arguments(options.dsn), seed=options.seed)
    except MySQLdb.OperationalError as error:
        return _fail(f"cannot use the database: {error}\nCheck --dsn or NPS_DSN.")
    except MySQLdb.ProgrammingError as error:
        return _fail(f"{error}\nRun `python -m local.nps load` first.")
    print("Wrote " + ", ".join(f"{count:,} {table}" for table, count in rows.items()) + ".")
    return 0


def _connection_arguments(dsn: str) -> dict[str, str | int]:
    parts = urlsplit(dsn)
    return {
        "host": parts.hostname or "127.0.0.1",
        "port": parts.port or 3306,
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "database": parts.path.removeprefix("/"),
    }


def _fail(message: str) -> int:
    print(f"error: {message}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
