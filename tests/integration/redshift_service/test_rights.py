"""Rights of users: PostgreSQL's own, through tables, columns and both kinds of view."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import psycopg2
import pytest
from psycopg2.extensions import connection, make_dsn

from tests.conftest import S3, Postgres
from tests.integration.redshift_service.service import ROLE, Service

pytestmark = pytest.mark.integration


@pytest.fixture
def analyst(service: Service, database: str, postgres: Postgres) -> Iterator[connection]:
    """A session of a user who was granted views and columns, but no table."""
    with closing(psycopg2.connect(postgres.dsn("postgres"))) as direct, direct, direct.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = 'analyst'")
        if not cursor.fetchone():
            cursor.execute("CREATE ROLE analyst LOGIN PASSWORD 'for-the-test'")
    with closing(service.connect(database)) as owner, owner.cursor() as cursor:
        cursor.execute("CREATE TABLE people (id INT, email VARCHAR(50), score INT)")
        cursor.execute("INSERT INTO people VALUES (1, 'a@example.org', 9)")
        cursor.execute("CREATE VIEW bound AS SELECT id, score FROM people")
        cursor.execute("CREATE VIEW late AS SELECT id, score FROM public.people WITH NO SCHEMA BINDING")
        cursor.execute("GRANT SELECT ON bound, late TO analyst")
        cursor.execute("GRANT SELECT (id) ON people TO ROLE analyst")
    with closing(psycopg2.connect(make_dsn(service.dsn(database), user="analyst", password="for-the-test"))) as session:
        session.autocommit = True
        yield session


@pytest.mark.parametrize("relation", ["bound", "late"])
def test_a_view_shows_what_its_owner_may_see(analyst: connection, relation: str) -> None:
    with analyst.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {relation}")
        assert cursor.fetchall() == [(1, 9)]


def test_what_was_not_granted_is_refused(analyst: connection, s3: S3) -> None:
    bucket = s3.fresh_bucket("rights")
    s3.client().put_object(Bucket=bucket, Key="f.csv", Body=b"1,x,2\n")
    with analyst.cursor() as cursor:
        cursor.execute("SELECT id FROM people")
        for sql in (
            "SELECT email FROM people",
            "SELECT * FROM people",
            "DELETE FROM people",
            f"COPY people FROM 's3://{bucket}/f.csv' IAM_ROLE '{ROLE}' CSV",
            "SELECT * FROM pg_redshift.load_error",
        ):
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                cursor.execute(sql)
