"""The catalogue: complete, and installed again over an older version without harm to tables."""

from __future__ import annotations

from contextlib import closing

import psycopg2
import pytest

from services.redshift.catalogue.install import ensure_installed
from services.redshift.dialect.functions import IN_SCHEMA
from tests.conftest import Postgres
from tests.integration.redshift_service.service import Service

pytestmark = pytest.mark.integration


def test_every_function_that_the_rewriter_sends_there_is_there(service: Service, database: str) -> None:
    rewritten_to = {"sysdate", "date_add", "date_diff", "date_part", "date_trunc", "extract_part", "listagg", "qualify"}
    with closing(service.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT proname FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_namespace AS n"
            " ON n.oid = p.pronamespace WHERE nspname = 'pg_redshift'"
        )
        assert {row[0] for row in cursor.fetchall()} >= IN_SCHEMA | rewritten_to


def test_a_newer_version_replaces_the_catalogue_and_keeps_keys_and_errors(
    service: Service, database: str, postgres: Postgres
) -> None:
    with closing(service.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE t (a INT PRIMARY KEY, b VARCHAR(3))")
    name = database.rsplit("/", 1)[1]
    with closing(psycopg2.connect(postgres.dsn(name))) as direct, direct.cursor() as cursor:
        cursor.execute("COMMENT ON SCHEMA pg_redshift IS 'an older version'")
        cursor.execute("DROP FUNCTION pg_redshift.getdate()")
        direct.commit()
    ensure_installed(postgres.dsn(name))
    with closing(service.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT constraint_name FROM information_schema.table_constraints WHERE table_name = 't'")
        assert cursor.fetchall() == [("t_pkey",)]
        cursor.execute("SELECT GETDATE() IS NOT NULL")
        with pytest.raises(psycopg2.DataError):
            cursor.execute("INSERT INTO t VALUES (1, 'abcd')")


def test_load_errors_are_seen_by_their_user_and_by_superusers_only(service: Service, postgres: Postgres) -> None:
    database = postgres.fresh_database("errors")
    name = database.rsplit("/", 1)[1]
    with closing(service.connect(database)) as owner, closing(psycopg2.connect(postgres.dsn(name))) as direct:
        with direct, direct.cursor() as cursor:
            cursor.execute(
                "INSERT INTO pg_redshift.load_error"
                " SELECT u, 'd', 1, now(), 1, 1, 'f', 1, 'c', 't', '', 0, '', '', 1, 'r'"
                " FROM unnest(ARRAY['tester', 'postgres']) AS u"
            )
            cursor.execute("SELECT COUNT(*) FROM stl_load_errors")
            assert cursor.fetchone() == (2,)
        with owner.cursor() as cursor:
            cursor.execute("SELECT COUNT(*) FROM stl_load_errors")
            assert cursor.fetchone() == (1,)
            with pytest.raises(psycopg2.Error, match="permission denied"):
                cursor.execute("SELECT * FROM pg_redshift.load_error")
