"""Installs the catalogue into a database, once for each version of the scripts."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

import psycopg2
from psycopg2.extensions import make_dsn

from services.redshift.dialect.tokens import literal
from services.redshift.errors import SqlError

log = logging.getLogger(__name__)

MINIMUM_VERSION = 150000  # MERGE
# Redshift compares text byte by byte; these collations do, too.
_BYTE_COLLATIONS = {"C", "POSIX", "C.UTF-8", "C.utf8"}

_SCRIPTS = [(Path(__file__).parent / name).read_text() for name in ("tables.sql", "functions.sql", "views.sql")]
VERSION = hashlib.sha256("".join(_SCRIPTS).encode()).hexdigest()[:16]

INSTALLED_QUERY = (
    "SELECT coalesce(pg_catalog.obj_description(pg_catalog.to_regnamespace('pg_redshift'), 'pg_namespace'), '')"
    f" OPERATOR(pg_catalog.=) {literal(VERSION)}"
)


def ensure_installed(dsn: str, database: str | None = None) -> None:
    """Install the catalogue unless the database has its current version.

    :param dsn: a superuser's
    :param database: another database than the DSN's
    :raises SqlError: the server is too old, the database does not compare text as Redshift, or the user may not install
    :raises psycopg2.Error: PostgreSQL does not answer
    """
    connection = psycopg2.connect(make_dsn(dsn, **({"dbname": database} if database else {})))
    try:
        with connection, connection.cursor() as cursor:
            # One at a time, also when several services start over one PostgreSQL.
            cursor.execute("SELECT pg_advisory_xact_lock(8002005439)")
            cursor.execute(INSTALLED_QUERY)
            if cursor.fetchone() == (True,):
                return
            _check(connection, cursor)
            for script in _SCRIPTS:
                cursor.execute(script)
            cursor.execute(f"COMMENT ON SCHEMA pg_redshift IS {literal(VERSION)}")
            log.info("installed catalogue %s into database %s", VERSION, connection.info.dbname)
    finally:
        connection.close()


def _check(connection: psycopg2.extensions.connection, cursor: psycopg2.extensions.cursor) -> None:
    if connection.server_version < MINIMUM_VERSION:
        raise SqlError("0A000", f"the PostgreSQL behind this Redshift is {connection.server_version}; 15 is needed")
    cursor.execute(
        "SELECT pg_encoding_to_char(encoding), datcollate, (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)"
        " FROM pg_database WHERE datname = current_database()"
    )
    row = cursor.fetchone()
    assert row is not None
    encoding, collation, superuser = row
    if encoding != "UTF8" or collation not in _BYTE_COLLATIONS:
        raise SqlError(
            "0A000",
            f'database "{connection.info.dbname}" has encoding {encoding} and collation {collation}',
            hint="Redshift has UTF-8 and compares bytes: create the cluster with --encoding=UTF8 --locale=C.UTF-8",
        )
    if not superuser:
        raise SqlError("42501", f'user "{connection.info.user}" of --backend-dsn must be a superuser')
