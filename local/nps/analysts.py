"""Who reads the demo's warehouse: the role that the table config and the summaries name in `grants`."""

from __future__ import annotations

from contextlib import closing, suppress

import psycopg2
from psycopg2.extensions import quote_ident

ROLE = "analysts"
SCHEMA = "analytics"


def admit(dsn: str, *, owner: str) -> None:
    """Do what a warehouse's administrator does once: create the role, and let it into the schema of the targets.

    :param dsn: a superuser's, at the Redshift endpoint.
    :param owner: of the schema: the user who loads.
    :raises psycopg2.Error: the endpoint cannot be reached, or refuses.
    """
    with closing(psycopg2.connect(dsn, connect_timeout=5)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        with suppress(psycopg2.errors.DuplicateObject):
            cursor.execute(f"CREATE ROLE {ROLE}")
        cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA} AUTHORIZATION {quote_ident(owner, cursor)}")
        cursor.execute(f"GRANT USAGE ON SCHEMA {SCHEMA} TO ROLE {ROLE}")
