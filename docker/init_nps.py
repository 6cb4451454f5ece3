"""Fill the production MySQL with generated data, unless it holds some already (yours, perhaps)."""

import logging
import os
import sys
from collections.abc import Mapping
from contextlib import closing

import MySQLdb

from local.nps.database import replace_tables

SEED = 7

log = logging.getLogger("init_nps")


def prepare_tables(arguments: Mapping[str, str | int]) -> None:
    """Load generated tables where table nps is missing or empty; rows that are there stay.

    :param arguments: host, port, user, password and database, as MySQLdb takes them.
    :raises MySQLdb.Error: the database cannot be reached or used.
    """
    with closing(MySQLdb.connect(**arguments)) as connection, connection.cursor() as cursor:
        if cursor.execute("SHOW TABLES LIKE 'nps'") and cursor.execute("SELECT id FROM nps LIMIT 1"):
            log.info("MySQL holds answers already")
            return
    rows = replace_tables(arguments, seed=SEED)
    log.info("loaded %s", ", ".join(f"{count:,} {name}" for name, count in rows.items()))


def main() -> int:
    """Connect as the MYSQL_* variables say; return the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    arguments: dict[str, str | int] = {
        name: os.environ[f"MYSQL_{name.upper()}"] for name in ("host", "user", "password", "database")
    }
    arguments["port"] = int(os.environ["MYSQL_PORT"])
    try:
        prepare_tables(arguments)
    except MySQLdb.Error as error:
        log.error("cannot fill MySQL at %s: %s", os.environ["MYSQL_HOST"], error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
