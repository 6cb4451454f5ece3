"""Feature queries streamed from PostgreSQL to S3: whole objects without the key, or one clear error and nothing."""

from __future__ import annotations

import csv
import gc
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import psycopg
import pytest
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError
from mypy_boto3_s3 import S3Client

from synthetics.feature_query import FeatureQuery
from transfers.extract_errors import (
    DestinationError,
    EmptyExtractError,
    EntityKeyError,
    ExtractError,
    QueryError,
    SourceUnavailableError,
)
from transfers.postgres_to_s3 import Extract, copy_query_to_s3

pytestmark = pytest.mark.integration

KEY = "raw/guests.csv"
ALL_GUESTS = "SELECT guest_id, name, age, member, spent, seen FROM guests ORDER BY age, guest_id"


@pytest.fixture(scope="module")
def dsn(postgres: Any) -> str:
    database = str(postgres.fresh_database("guests"))
    with psycopg.connect(database) as connection:
        connection.execute(
            "CREATE TABLE guests"
            " (guest_id text, name text, age integer, member boolean, spent numeric, seen timestamptz)"
        )
        connection.execute(
            "INSERT INTO guests VALUES"
            " ('g3', 'Zoë \"Z\" 🙂', 30, true, 1.50, '2024-05-06 07:08:09.123456+02'),"
            " ('g1', 'two' || chr(10) || 'lines, a comma', 20, false, NULL, NULL),"
            " ('g2', '', NULL, NULL, 0.1234567890123456789, '2024-01-01 00:00:00+00')"
        )
    return database


@pytest.fixture
def client(s3: Any) -> S3Client:
    client: S3Client = s3.client()
    return client


@pytest.fixture
def bucket(s3: Any) -> str:
    return str(s3.fresh_bucket("extracts"))


def feature_query(sql: str, *, entity_key: str = "guest_id", **declared: tuple[str, ...]) -> FeatureQuery:
    roles = {"quasi_identifiers": (), "sensitive": ()} | declared
    return FeatureQuery(
        name="guests", sql=sql, entity_key=entity_key, description="", path=Path("guests.sql"), first_line=8, **roles
    )


@pytest.fixture
def extract(dsn: str, client: S3Client, bucket: str) -> Callable[..., Extract]:
    def run(query: FeatureQuery | str, **changes: Any) -> Extract:
        arguments: dict[str, Any] = {
            "connect": lambda: psycopg.connect(dsn),
            "query": feature_query(query) if isinstance(query, str) else query,
            "s3_client": client,
            "bucket": bucket,
            "key": KEY,
            "source_name": "guests_db",
        }
        return copy_query_to_s3(**(arguments | changes))

    return run


def left_on_s3(client: S3Client, bucket: str) -> tuple[list[str], int]:
    """Keys of the objects, and the number of uploads that were begun and not ended."""
    keys = [item["Key"] for item in client.list_objects_v2(Bucket=bucket).get("Contents", [])]
    return keys, len(client.list_multipart_uploads(Bucket=bucket).get("Uploads", []))


def test_rows_arrive_in_order_value_for_value_without_the_key(
    extract: Callable[..., Extract], client: S3Client, bucket: str
) -> None:
    before = datetime.now(UTC)
    result = extract(ALL_GUESTS)
    body = client.get_object(Bucket=bucket, Key=KEY)["Body"].read()
    assert body.decode() == (
        "name,age,member,spent,seen\n"
        '"two\nlines, a comma",20,false,,\n'
        '"Zoë ""Z"" 🙂",30,true,1.50,2024-05-06 05:08:09.123456+00\n'
        '"",,,0.1234567890123456789,2024-01-01 00:00:00+00\n'
    )
    assert (result.rows, result.bytes, result.bucket, result.key) == (3, len(body), bucket, KEY)
    assert result.sha256 == hashlib.sha256(body).hexdigest()
    assert result.query_sha256 == hashlib.sha256(ALL_GUESTS.encode()).hexdigest()
    assert [(column.name, column.type) for column in result.columns] == [
        ("name", "text"),
        ("age", "int4"),
        ("member", "bool"),
        ("spent", "numeric"),
        ("seen", "timestamptz"),
    ]
    assert before <= datetime.fromisoformat(result.snapshot_at) <= datetime.now(UTC)
    assert json.loads(json.dumps(result.to_dict()))["columns"][0] == {"name": "name", "type": "text"}


def test_a_repeated_extract_replaces_its_own_object(
    extract: Callable[..., Extract], client: S3Client, bucket: str
) -> None:
    first = extract(ALL_GUESTS)
    second = extract(ALL_GUESTS)
    assert first.sha256 == second.sha256
    assert left_on_s3(client, bucket) == ([KEY], 0)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT guest_id, age FROM guests -- a comment at the end",
        "WITH a AS (SELECT * FROM guests) SELECT guest_id, '%' AS percent, '{{ x }}' AS braces FROM a LIMIT 2",
        'SELECT guest_id, age AS "Age ""in"" years", spent AS "select", member AS "Ü" FROM guests',
        "SELECT guest_id, 1 AS features, 2 AS broken, 3 AS broken_keys FROM guests",
    ],
)
def test_any_select_and_any_column_name_will_do(
    extract: Callable[..., Extract], dsn: str, client: S3Client, bucket: str, sql: str
) -> None:
    extract(sql)
    text = client.get_object(Bucket=bucket, Key=KEY)["Body"].read().decode()
    with psycopg.connect(dsn) as connection:
        cursor = connection.execute(sql)
        names = [column.name for column in cursor.description or []]
        count = len(cursor.fetchall())
    header, *rows = csv.reader(io.StringIO(text))
    assert header == names[1:]
    assert len(rows) == count


def test_the_order_of_many_rows_is_kept(extract: Callable[..., Extract], client: S3Client, bucket: str) -> None:
    result = extract(
        "SELECT n AS guest_id, n % 1000 AS m, n AS o FROM generate_series(1, 300000) AS n ORDER BY m, o DESC"
    )
    expected = sorted((n % 1000, -n) for n in range(1, 300_001))
    text = "m,o\n" + "".join(f"{m},{-o}\n" for m, o in expected)
    assert client.get_object(Bucket=bucket, Key=KEY)["Body"].read().decode() == text
    assert result.rows == 300_000


def test_the_query_is_executed_once(extract: Callable[..., Extract], dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(
            "CREATE FUNCTION counted(text) RETURNS text LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE NOTICE 'executed %', $1; RETURN $1; END $$"
        )
    notices: list[str] = []

    def connect() -> psycopg.Connection[Any]:
        connection = psycopg.connect(dsn)
        connection.add_notice_handler(lambda notice: notices.append(str(notice.message_primary)))
        return connection

    extract("SELECT counted(guest_id) AS guest_id, age FROM guests", connect=connect)
    assert sorted(notices) == ["executed g1", "executed g2", "executed g3"]


def test_nothing_can_be_written_to_the_source(extract: Callable[..., Extract], dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(
            "CREATE OR REPLACE FUNCTION forget() RETURNS integer LANGUAGE sql AS 'DELETE FROM guests RETURNING 1'"
        )
    with pytest.raises(QueryError, match="ReadOnlySqlTransaction: cannot execute DELETE in a read-only transaction"):
        extract("SELECT guest_id, forget() AS n FROM guests")
    with pytest.raises(QueryError, match=r"guests\.sql:8 .*syntax error at or near \";\""):
        extract("SELECT guest_id, age FROM guests; DROP TABLE guests")
    assert extract(ALL_GUESTS).rows == 3


@pytest.mark.parametrize(
    ("query", "error", "message"),
    [
        (
            "SELECT\n  guest_id,\n  agee\nFROM guests",
            QueryError,
            r"guests\.sql:10 \('agee'\): guests_db refused the query: UndefinedColumn: column \"agee\" does not",
        ),
        ("SELECT guest_id, age\nFROM guests\nWHERE (", QueryError, r"guests\.sql:10 \('WHERE \('\): .*syntax error"),
        ("SELECT guest_id, age FROM visitors", QueryError, r"guests\.sql:8 .*relation \"visitors\" does not exist"),
        (
            "SELECT guest_id, age, age, name, name FROM guests",
            QueryError,
            "more than one column is called 'age', 'name'",
        ),
        (
            "SELECT age, name FROM guests",
            QueryError,
            "entity_key names 'guest_id', but the query returns 'age', 'name'",
        ),
        ("SELECT guest_id FROM guests", QueryError, "no column besides the entity key 'guest_id'"),
        (
            feature_query(ALL_GUESTS, quasi_identifiers=("age", "city")),
            QueryError,
            "quasi_identifiers names 'city', but the query returns 'guest_id', 'name'",
        ),
        (
            feature_query(ALL_GUESTS, sensitive=("income",)),
            QueryError,
            "sensitive names 'income', but the query returns",
        ),
        ("SELECT guest_id, age FROM guests WHERE false", EmptyExtractError, r"guests\.sql: the query returned no rows"),
        (
            "SELECT g.guest_id, g.age FROM guests AS g, generate_series(1, 3)",
            EntityKeyError,
            "of 9 rows, 0 have none .NULL. and 6 repeat the key",
        ),
        (
            "SELECT nullif(guest_id, 'g1') AS guest_id, age FROM guests",
            EntityKeyError,
            "of 3 rows, 1 have none .NULL. and 0 repeat the key",
        ),
    ],
)
def test_wrong_queries_are_explained_and_leave_nothing(
    extract: Callable[..., Extract],
    client: S3Client,
    bucket: str,
    query: FeatureQuery | str,
    error: type[ExtractError],
    message: str,
) -> None:
    with pytest.raises(error, match=message) as caught:
        extract(query)
    assert type(caught.value) is error
    assert left_on_s3(client, bucket) == ([], 0)


def test_errors_never_quote_a_persons_data(extract: Callable[..., Extract]) -> None:
    with pytest.raises(QueryError, match="InvalidTextRepresentation: the message is withheld") as caught:
        extract("SELECT guest_id, name::integer AS number FROM guests WHERE guest_id = 'g3'")
    assert "Zoë" not in str(caught.value)
    assert caught.value.__suppress_context__
    with pytest.raises(EntityKeyError) as caught_key:
        extract("SELECT 'g1' AS guest_id, age FROM guests")
    assert "g1" not in str(caught_key.value)


# About 60 MB: eight parts.
MANY = "SELECT n AS guest_id, n % 90 AS age, repeat('x', 45) AS filler FROM generate_series(1, 1200000) AS n ORDER BY n"


def on_part(client: S3Client, number: int, action: Callable[[], object]) -> None:
    """Do something at the moment when part `number` is about to be uploaded."""

    def before_call(params: dict[str, Any], **_: Any) -> None:
        if params["query_string"]["partNumber"] == number:
            action()

    client.meta.events.register("before-call.s3.UploadPart", before_call)


def test_memory_stays_flat(extract: Callable[..., Extract]) -> None:
    tracemalloc.start()
    result = extract(MANY)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert result.rows == 1_200_000
    assert result.bytes > 55_000_000
    assert peak < 30_000_000


def test_losing_the_database_midway_leaves_nothing(
    extract: Callable[..., Extract], dsn: str, client: S3Client, bucket: str
) -> None:
    def terminate_backends() -> None:
        with psycopg.connect(dsn) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    on_part(client, 2, terminate_backends)
    with pytest.raises(SourceUnavailableError, match=r"guests_db cannot be reached or went away.* then retry"):
        extract(MANY)
    assert left_on_s3(client, bucket) == ([], 0)


def test_being_stopped_midway_leaves_nothing(extract: Callable[..., Extract], client: S3Client, bucket: str) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    on_part(client, 2, stop)
    with pytest.raises(KeyboardInterrupt):
        extract(MANY)
    assert left_on_s3(client, bucket) == ([], 0)


def test_being_killed_midway_leaves_nothing_readable_and_a_retry_heals(
    extract: Callable[..., Extract], dsn: str, s3: Any, client: S3Client, bucket: str
) -> None:
    extract(ALL_GUESTS)  # of an earlier run: it must not be damaged either
    before = client.get_object(Bucket=bucket, Key=KEY)["Body"].read()
    settings = {
        "dsn": dsn, "sql": MANY, "bucket": bucket, "key": KEY,
        "s3": {
            "endpoint_url": s3.endpoint_url, "aws_access_key_id": s3.access_key,
            "aws_secret_access_key": s3.secret_key, "region_name": "us-east-1",
        },
    }  # fmt: skip
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED_EXTRACT, json.dumps(settings)],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": "plugins"},
        cwd=Path(__file__).resolve().parents[2],
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"second part\n"
    child.send_signal(signal.SIGKILL)
    child.wait(30)
    child.stdout.close()
    assert client.get_object(Bucket=bucket, Key=KEY)["Body"].read() == before
    result = extract(MANY)
    body = client.get_object(Bucket=bucket, Key=KEY)["Body"].read()
    assert (hashlib.sha256(body).hexdigest(), len(body)) == (result.sha256, result.bytes)


KILLED_EXTRACT = """
import json, signal, sys
from pathlib import Path
import boto3, psycopg
from synthetics.feature_query import FeatureQuery
from transfers.postgres_to_s3 import copy_query_to_s3

settings = json.loads(sys.argv[1])

def hang(params, **_):
    if params["query_string"]["partNumber"] == 2:
        print("second part", flush=True)
        signal.pause()

client = boto3.client("s3", **settings["s3"])
client.meta.events.register("before-call.s3.UploadPart", hang)
query = FeatureQuery("guests", settings["sql"], "guest_id", (), (), "", Path("guests.sql"), 1)
copy_query_to_s3(
    connect=lambda: psycopg.connect(settings["dsn"]), query=query, s3_client=client, bucket=settings["bucket"],
    key=settings["key"],
)
"""


def test_a_query_that_is_cut_off_can_be_retried(
    extract: Callable[..., Extract], dsn: str, client: S3Client, bucket: str
) -> None:
    with pytest.raises(SourceUnavailableError, match=r"guests\.sql: .*QueryCanceled: .*statement timeout\. Retry"):
        extract(
            "SELECT guest_id, pg_sleep(60)::text AS nap FROM guests",
            connect=lambda: psycopg.connect(dsn, options="-c statement_timeout=300"),
        )
    assert left_on_s3(client, bucket) == ([], 0)


def test_a_database_that_is_down_is_named(extract: Callable[..., Extract], client: S3Client, bucket: str) -> None:
    with pytest.raises(SourceUnavailableError, match=r"guests_db cannot be reached.*Check that it runs"):
        extract(ALL_GUESTS, connect=lambda: psycopg.connect("postgresql://nobody@127.0.0.1:1/nothing"))
    assert left_on_s3(client, bucket) == ([], 0)


def test_a_missing_bucket_is_named_before_the_query_runs(extract: Callable[..., Extract]) -> None:
    with pytest.raises(DestinationError, match=r"cannot write s3://nowhere/raw/guests\.csv: .*create it"):
        extract("SELECT guest_id, pg_sleep(3600)::text AS nap FROM guests", bucket="nowhere")


class OwnS3:
    """An S3 server that may be broken, with a bucket `extracts` and a client that gives up at once.

    After the bucket is made it checks access keys, when asked to; it knows none, so it refuses all.
    """

    def __init__(self, *, checks_keys: bool) -> None:
        env = os.environ | ({"INITIAL_NO_AUTH_ACTION_COUNT": "1"} if checks_keys else {})
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
        self.process = subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        address = next(line for line in self.process.stderr if "Running on" in line).split()[-1]
        threading.Thread(target=self.process.stderr.read, daemon=True).start()  # or a full pipe would stop it
        self.client = boto3.client(
            "s3",
            endpoint_url=address,
            aws_access_key_id="AKIAEXAMPLE",
            aws_secret_access_key="example",
            region_name="us-east-1",
            config=Config(retries={"total_max_attempts": 1}),
        )
        self.client.create_bucket(Bucket="extracts")

    def stop(self) -> None:
        self.process.kill()
        self.process.wait(30)


@pytest.fixture
def own_s3(request: pytest.FixtureRequest) -> Iterator[OwnS3]:
    server = OwnS3(checks_keys=getattr(request, "param", False))
    yield server
    server.stop()


def test_s3_that_is_down_is_named(extract: Callable[..., Extract], own_s3: OwnS3) -> None:
    own_s3.stop()
    with pytest.raises(DestinationError, match=r"Could not connect to the endpoint URL.*Check that S3 is up"):
        extract(ALL_GUESTS, s3_client=own_s3.client, bucket="extracts")


def test_s3_that_goes_away_midway_is_named(
    extract: Callable[..., Extract], own_s3: OwnS3, caplog: pytest.LogCaptureFixture
) -> None:
    on_part(own_s3.client, 2, own_s3.stop)
    with pytest.raises(DestinationError, match=r"cannot write s3://extracts/raw/guests\.csv: .*Check that S3 is up"):
        extract(MANY, s3_client=own_s3.client, bucket="extracts")
    assert "a lifecycle rule ends them" in caplog.text


def test_an_upload_that_cannot_be_aborted_is_never_completed_later(
    extract: Callable[..., Extract], client: S3Client, bucket: str
) -> None:
    def fail(**_: Any) -> None:
        raise EndpointConnectionError(endpoint_url="http://gone")

    on_part(client, 2, fail)
    client.meta.events.register("before-call.s3.AbortMultipartUpload", fail)
    with pytest.raises(DestinationError, match="http://gone"):
        extract(MANY)
    gc.collect()
    assert left_on_s3(client, bucket) == ([], 1)


def test_a_bucket_that_disappears_midway_is_named(extract: Callable[..., Extract], own_s3: OwnS3) -> None:
    on_part(own_s3.client, 2, lambda: own_s3.client.delete_bucket(Bucket="extracts"))
    with pytest.raises(DestinationError, match="create it, or correct the bucket's name"):
        extract(MANY, s3_client=own_s3.client, bucket="extracts")


def test_missing_credentials_are_named(
    extract: Callable[..., Extract], own_s3: OwnS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    stranger = boto3.Session().client("s3", endpoint_url=own_s3.client.meta.endpoint_url, region_name="us-east-1")
    with pytest.raises(DestinationError, match=r"Unable to locate credentials\. Check the connection's access key"):
        extract(ALL_GUESTS, s3_client=stranger, bucket="extracts")


@pytest.mark.parametrize("own_s3", [True], indirect=True)
def test_s3_that_refuses_the_access_key_is_named(extract: Callable[..., Extract], own_s3: OwnS3) -> None:
    with pytest.raises(
        DestinationError, match=r"The AWS Access Key Id you provided.*Check the connection's access key"
    ):
        extract(ALL_GUESTS, s3_client=own_s3.client, bucket="extracts")
