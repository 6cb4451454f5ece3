"""Create the role of the warehouse's readers, which the table config and the summaries grant what is not personal."""

import logging
import os
import sys

import psycopg2

from local.nps.analysts import ROLE, SCHEMA, admit

log = logging.getLogger("init_redshift")


def main() -> int:
    """Connect as the PG* variables say; return the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        admit("", owner=os.environ["PGUSER"])
    except psycopg2.Error as error:
        log.error("cannot prepare the warehouse at %s: %s", os.environ["PGHOST"], str(error).strip())
        return 1
    log.info("role %s may enter schema %s", ROLE, SCHEMA)
    return 0


if __name__ == "__main__":
    sys.exit(main())
