"""Fill the source database with generated bookings, unless it holds some already (yours, perhaps)."""

import logging
import os
import sys

import psycopg

from local.airbnb.database import replace_tables
from local.airbnb.generator import generate

USERS = 20_000
SEED = 1

log = logging.getLogger("init_bookings")


def prepare_bookings(dsn: str, users: int = USERS) -> None:
    """Load generated tables where there are none; rows that are there stay.

    :param dsn: libpq connection string of the source database; empty means the PG* variables.
    :raises psycopg.Error: the database cannot be reached or used.
    """
    with psycopg.connect(dsn) as connection:
        table = connection.execute("SELECT to_regclass('users')").fetchone()
    if table and table[0]:
        log.info("the source database holds bookings already")
        return
    rows = replace_tables(dsn, generate(users, SEED))
    log.info("loaded %s", ", ".join(f"{count:,} {name}" for name, count in rows.items()))


def main() -> int:
    """Connect as the PG* variables say; return the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        prepare_bookings("")
    except psycopg.Error as error:
        log.error("cannot fill the source database at %s: %s", os.environ.get("PGHOST"), error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
