"""The clients that the endpoint is for: psql, Airflow's hook and operator; and protocol features that drivers use."""

from __future__ import annotations

import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg
import psycopg2
import pytest
import redshift_connector
from psycopg2.extensions import parse_dsn

from tests.conftest import S3, Redshift
from tests.integration.redshift_service.service import ROLE, Service

pytestmark = pytest.mark.integration


def psql(dsn: str, sql: str) -> subprocess.CompletedProcess[str]:
    command = ["psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", dsn]
    environment = {**os.environ, "PGCONNECT_TIMEOUT": "10"}
    return subprocess.run(command, input=sql, text=True, capture_output=True, check=False, env=environment, timeout=60)


def test_psql(service: Service, database: str) -> None:
    done = psql(
        service.dsn(database),
        "CREATE TABLE t (a INT PRIMARY KEY, b VARCHAR(5)) DISTKEY(a);\n"
        "INSERT INTO t VALUES (1, 'x'), (2, 'y');\nBEGIN;\nDELETE FROM t;\nROLLBACK;\n"
        "SELECT a, b FROM t AS q QUALIFY ROW_NUMBER() OVER (ORDER BY a DESC) = 1;\n\\dt\n",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "2|y"
    assert "public|t|table|tester" in done.stdout


def test_psql_shows_errors_with_their_hints(service: Service, database: str) -> None:
    done = psql(service.dsn(database), "SELECT a[1] FROM t;")
    assert done.returncode == 3
    assert "ERROR:  arrays and subscripts are not supported" in done.stderr
    assert "HINT:  A SUPER column holds arrays." in done.stderr


@pytest.fixture
def connection_id(redshift: Redshift, s3: S3, monkeypatch: pytest.MonkeyPatch) -> str:
    """Airflow connections to a fresh database of the stack's endpoint, and to its S3."""
    parts = parse_dsn(redshift.fresh_database("hook"))
    warehouse = {
        "conn_type": "redshift",
        "host": parts["host"],
        "port": int(parts["port"]),
        "login": parts["user"],
        "password": parts["password"],
        "schema": parts["dbname"],
        "extra": {"ssl": False},
    }
    lake = {
        "conn_type": "aws",
        "login": s3.access_key,
        "password": s3.secret_key,
        "extra": {"region": "us-east-1", "endpoint_url": s3.endpoint_url},
    }
    monkeypatch.setenv("AIRFLOW_CONN_REDSHIFT_TEST", json.dumps(warehouse))
    monkeypatch.setenv("AIRFLOW_CONN_LAKE_TEST", json.dumps(lake))
    return "redshift_test"


def test_airflows_hook_and_operator(connection_id: str, s3: S3) -> None:
    from airflow.providers.amazon.aws.hooks.redshift_sql import RedshiftSQLHook
    from airflow.providers.amazon.aws.transfers.s3_to_redshift import S3ToRedshiftOperator

    bucket = s3.fresh_bucket("operator")
    hook = RedshiftSQLHook(redshift_conn_id=connection_id)
    hook.run("CREATE TABLE nps (id INT, score INT, PRIMARY KEY (id))")
    assert hook.get_table_primary_key("nps", "public") == ["id"]

    def load(method: str, rows: str) -> list[tuple[int, int]]:
        s3.client().put_object(Bucket=bucket, Key=f"{method}.csv", Body=rows.encode())
        S3ToRedshiftOperator(
            task_id="load",
            schema="public",
            table="nps",
            s3_bucket=bucket,
            s3_key=f"{method}.csv",
            redshift_conn_id=connection_id,
            aws_conn_id="lake_test",
            copy_options=["CSV", "IGNOREHEADER 1"],
            method=method,
            autocommit=method == "APPEND",
        ).execute({})
        return [tuple(row) for row in hook.get_records("SELECT id, score FROM nps ORDER BY id")]

    assert load("APPEND", "id,score\n1,10\n2,5\n") == [(1, 10), (2, 5)]
    assert load("UPSERT", "id,score\n2,9\n3,0\n") == [(1, 10), (2, 9), (3, 0)]
    assert load("REPLACE", "id,score\n7,7\n") == [(7, 7)]


def test_many_rows_come_through_both_protocols(service: Service, database: str) -> None:
    parts = parse_dsn(service.dsn(database))
    with closing(service.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE t (a INT, b VARCHAR(10), c VARBYTE(3))")
        cursor.execute("INSERT INTO t VALUES " + ", ".join(f"({n}, 'row {n}', FROM_HEX('00ff'))" for n in range(10)))
        for _ in range(4):
            cursor.execute("INSERT INTO t SELECT x.a + 10 * y.a, x.b, x.c FROM t AS x, (SELECT a FROM t LIMIT 10) AS y")
        cursor.execute("SELECT a, b, c FROM t")
        by_psycopg2 = cursor.fetchall()
    with closing(
        redshift_connector.connect(
            host="127.0.0.1",
            port=int(parts["port"]),
            user=parts["user"],
            password=parts["password"],
            database=parts["dbname"],
            ssl=False,
        )
    ) as other:
        by_connector = other.cursor().execute("SELECT a, b, c FROM t").fetchall()
    assert len(by_psycopg2) == 10 * 11**4
    assert [tuple(row) for row in by_connector] == by_psycopg2
    assert {row[2] for row in by_psycopg2} == {"00ff"}


def test_a_pipeline_of_statements_is_answered_in_order(service: Service, database: str, s3: S3) -> None:
    bucket = s3.fresh_bucket("pipeline")
    s3.client().put_object(Bucket=bucket, Key="f.csv", Body=b"5,x\n6,y\n")
    copy = f"COPY t FROM 's3://{bucket}/f.csv' IAM_ROLE '{ROLE}' CSV"
    with psycopg.connect(service.dsn(database), autocommit=True) as connection:
        with connection.pipeline() as pipeline:
            connection.execute("CREATE TABLE t (a INT, b VARCHAR(5))")
            connection.execute("INSERT INTO t VALUES (%s, %s)", (1, "a"))
            connection.execute(copy)
            counted = connection.execute("SELECT COUNT(*), SUM(a) FROM t")
            pipeline.sync()
            assert counted.fetchone() == (3, 12)
        with pytest.raises(psycopg.errors.FeatureNotSupported, match="ON CONFLICT"):
            pipeline_with_an_error(connection)
        assert connection.execute("SELECT COUNT(*), MAX(a) FROM t").fetchone() == (3, 6)


def pipeline_with_an_error(connection: psycopg.Connection) -> None:
    """The error comes with whichever call reads it first."""
    with connection.pipeline() as pipeline:
        connection.execute("INSERT INTO t VALUES (8, 'x')")
        connection.execute("INSERT INTO t VALUES (9, 'x') ON CONFLICT DO NOTHING")
        connection.execute("INSERT INTO t VALUES (9, 'y')")
        pipeline.sync()


def test_one_query_string_can_hold_several_statements(service: Service, database: str, s3: S3) -> None:
    bucket = s3.fresh_bucket("script")
    s3.client().put_object(Bucket=bucket, Key="f.csv", Body=b"5,x\n6,y\n")
    copy = f"COPY t FROM 's3://{bucket}/f.csv' IAM_ROLE '{ROLE}' CSV"
    with closing(service.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE t (a INT, b VARCHAR(5))")
        cursor.execute(f"BEGIN; DELETE FROM t; {copy}; COMMIT; SELECT COUNT(*) FROM t")
        assert cursor.fetchone() == (2,)
        with pytest.raises(psycopg2.Error, match="does not exist"):
            cursor.execute(f"DELETE FROM t; {copy}; SELECT * FROM nothing")
        cursor.execute("SELECT COUNT(*) FROM t")
        assert cursor.fetchone() == (2,)  # without BEGIN they are one transaction


def test_many_sessions_at_once(service: Service, database: str) -> None:
    with closing(service.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE t (a INT)")

    def work(number: int) -> int:
        with closing(service.connect(database)) as connection, connection.cursor() as cursor:
            cursor.execute("INSERT INTO t VALUES (%s)", (number,))
            cursor.execute("SELECT a FROM t WHERE a = %s", (number,))
            row = cursor.fetchone()
        assert row is not None
        return int(row[0])

    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(work, range(40))) == list(range(40))
