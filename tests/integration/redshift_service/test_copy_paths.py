"""A file that PostgreSQL reads untouched and one that is taken apart here give the same table."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import psycopg2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mypy_boto3_s3 import S3Client

from tests.conftest import S3, Postgres
from tests.integration.redshift_service.service import ROLE, Service

pytestmark = pytest.mark.integration

TEXT = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0\r"), max_size=12)
FIELD = st.one_of(TEXT, st.sampled_from(["", "@N", "\\N", "\\.", '"', ",", "\n", "a\nb", '""', " x "]))
ROWS = st.lists(st.tuples(st.integers(-(2**31), 2**31 - 1), FIELD, FIELD), max_size=8)
# No text behind a closing quote: PostgreSQL joins it to the field, which the documentation of this service says.
LINES = ["1,a,b", "x,a,b", "2,,", ",a,b", "3,a", "4,a,b,c", "@N,@N,@N", "\\.", "99999999999,a,b", "", '6,"",b']


class Bench:
    """Two tables that differ in one thing: a VARBYTE column keeps PostgreSQL from reading the file by itself."""

    def __init__(self, connection: psycopg2.extensions.connection, s3: S3Client, bucket: str) -> None:
        self.cursor = connection.cursor()
        self.s3 = s3
        self.bucket = bucket
        self.cursor.execute("CREATE TABLE direct (a INT, b VARCHAR(100), c VARCHAR(100))")
        self.cursor.execute("CREATE TABLE checked (a INT, b VARCHAR(100), c VARCHAR(100), d VARBYTE(1))")

    def load(self, table: str, data: str, options: str) -> list[tuple[object, ...]] | str:
        """What is in the table after a COPY into it, or the SQLSTATE of its failure."""
        self.cursor.execute(f"TRUNCATE {table}")
        key = uuid.uuid4().hex
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=data.encode())
        try:
            self.cursor.execute(f"COPY {table} FROM 's3://{self.bucket}/{key}' IAM_ROLE '{ROLE}' {options}")
        except psycopg2.Error as error:
            return str(error.pgcode)
        self.cursor.execute(f"SELECT a, b, c FROM {table} ORDER BY a, b, c")
        return self.cursor.fetchall()


@pytest.fixture(scope="module")
def bench(service: Service, postgres: Postgres, s3: S3) -> Iterator[Bench]:
    connection = service.connect(postgres.fresh_database("paths"))
    yield Bench(connection, s3.client(), s3.fresh_bucket("paths"))
    connection.close()


def quoted(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, options=st.sampled_from(["CSV NULL AS '@N'", "CSV EMPTYASNULL", "CSV"]))
def test_any_text_in_quotes(bench: Bench, rows: list[tuple[int, str, str]], options: str) -> None:
    lines = [f"{number},{quoted(first)},{quoted(second)}" for number, first, second in rows]
    direct = bench.load("direct", "".join(f"{line}\n" for line in lines), options)
    checked = bench.load("checked", "".join(f"{line},\n" for line in lines), options)
    assert direct == checked


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=st.lists(st.sampled_from(LINES), min_size=1, max_size=5),
    end=st.sampled_from(["", '5,"never closed,b\n']),
    tolerated=st.sampled_from([0, 2, 100]),
)
def test_errors_are_counted_alike(bench: Bench, lines: list[str], end: str, tolerated: int) -> None:
    """The direct way falls back to the careful one at the first error, so both find the same good rows."""
    data = "".join(f"{line}\n" for line in lines) + end
    options = f"CSV NULL AS '@N' MAXERROR {tolerated}"
    careful = bench.load("direct", data, options + " TIMEFORMAT 'epochsecs'")  # PostgreSQL has no such format
    assert bench.load("direct", data, options) == careful
