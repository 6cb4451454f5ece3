"""What an extract relies on in PostgreSQL: one read-only snapshot, the key proven and left out, values unchanged.

VERIFY_POSTGRES_DSN names a real server, on which the tests make a schema of their own and drop it in the end; without
it the local stack's server is tested. The extract goes to the local stack's S3 server.
"""

from __future__ import annotations

import csv
import io
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from synthetics.feature_query import FeatureQuery
from transfers.extract_errors import EmptyExtractError, EntityKeyError, QueryError
from transfers.postgres_to_s3 import copy_query_to_s3

Extractor = Callable[..., tuple[Any, list[dict[str, str]]]]


@pytest.fixture(scope="module")
def dsn(request: pytest.FixtureRequest) -> str:
    return os.environ.get("VERIFY_POSTGRES_DSN") or request.getfixturevalue("postgres").fresh_database("conformance")


@pytest.fixture(scope="module")
def schema(dsn: str) -> Iterator[str]:
    name = f"conformance_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
        connection.execute(
            f"CREATE TABLE {name}.guests (id text, age int, spent numeric(12, 2), note text, seen timestamptz)"
        )
        connection.execute(
            f"INSERT INTO {name}.guests VALUES "
            "('b', 41, 10.50, 'comma, \"quote\"' || chr(10) || 'line', '2026-01-02 03:04:05.678901+00'), "
            "('a', NULL, NULL, '', NULL), ('c', 7, -0.01, 'Ærø 🏝', '1999-12-31 23:59:59+00')"
        )
        yield name
        connection.execute(f"DROP SCHEMA {name} CASCADE")


@pytest.fixture
def extract(dsn: str, s3: Any) -> Extractor:
    bucket = s3.fresh_bucket("conformance")

    def run(sql: str, key: str = "id") -> tuple[Any, list[dict[str, str]]]:
        query = FeatureQuery("conformance", sql, key, (), (), "", Path("conformance.sql"), 1)
        found = copy_query_to_s3(
            connect=lambda: psycopg.connect(dsn), query=query, s3_client=s3.client(), bucket=bucket, key="features.csv"
        )
        body = s3.client().get_object(Bucket=bucket, Key="features.csv")["Body"].read().decode()
        return found, list(csv.DictReader(io.StringIO(body, newline="")))

    return run


def test_values_and_order_are_kept_and_the_key_is_not(extract: Extractor, schema: str) -> None:
    found, rows = extract(f"SELECT * FROM {schema}.guests ORDER BY id")
    assert rows == [
        {"age": "", "spent": "", "note": "", "seen": ""},
        {"age": "41", "spent": "10.50", "note": 'comma, "quote"\nline', "seen": "2026-01-02 03:04:05.678901+00"},
        {"age": "7", "spent": "-0.01", "note": "Ærø 🏝", "seen": "1999-12-31 23:59:59+00"},
    ]
    assert found.rows == 3
    assert [column.name for column in found.columns] == ["age", "spent", "note", "seen"]


def test_a_repeated_key_is_counted_and_nothing_is_sent(extract: Extractor, schema: str) -> None:
    with pytest.raises(EntityKeyError, match=r"\b1\b"):
        extract(f"SELECT id, age FROM {schema}.guests UNION ALL SELECT 'a', 1")


def test_no_rows_are_an_error(extract: Extractor, schema: str) -> None:
    with pytest.raises(EmptyExtractError):
        extract(f"SELECT id, age FROM {schema}.guests WHERE age > 1000")


def test_a_query_cannot_write(extract: Extractor, schema: str) -> None:
    with pytest.raises(QueryError, match=r"conformance\.sql"):
        extract(f"WITH gone AS (DELETE FROM {schema}.guests RETURNING id) SELECT id, 1 AS age FROM gone")
    assert len(extract(f"SELECT * FROM {schema}.guests")[1]) == 3


def test_a_mistake_is_explained_with_postgresqls_own_words(extract: Extractor) -> None:
    with pytest.raises(QueryError, match='relation "guests_who_never_were" does not exist'):
        extract("SELECT id FROM guests_who_never_were")
