"""Cancel requests and clients that vanish, while PostgreSQL works and while S3 does not answer."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing

import psycopg2
import pytest

from tests.conftest import S3
from tests.integration.redshift_service.service import ROLE, Service, farewell
from tests.support.fault_proxy import FaultProxy, held_response
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration

FOREVER = "SELECT COUNT(*) FROM numbers AS a, numbers AS b, numbers AS c, numbers AS d, numbers AS e"


@pytest.fixture
def numbers(service: Service, database: str) -> str:
    """A database with a table whose products take for ever."""
    with closing(service.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE numbers (n INT)")
        cursor.execute("INSERT INTO numbers VALUES " + ", ".join(f"({n})" for n in range(2000)))
    return database


@pytest.fixture
def slow_s3(s3: S3) -> Iterator[tuple[FaultProxy, threading.Event]]:
    """An S3 that holds the answer to each download back."""
    release = threading.Event()
    with FaultProxy(s3.endpoint_url) as proxy:
        proxy.inject("GET", r"/part\.csv", held_response(release), times=None)
        yield proxy, release
        release.set()


def fails(connection: psycopg2.extensions.connection, sql: str) -> tuple[threading.Thread, list[psycopg2.Error]]:
    errors: list[psycopg2.Error] = []

    def run() -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql)
        except psycopg2.Error as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, errors


def active(service: Service) -> int:
    with closing(psycopg2.connect(service.backend_dsn)) as direct, direct.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%numbers AS a%'")
        row = cursor.fetchone()
    assert row is not None
    return int(row[0]) - 1  # not this one


def test_a_query_is_cancelled_and_the_session_goes_on(service: Service, numbers: str) -> None:
    connection = service.connect(numbers)
    thread, errors = fails(connection, FOREVER)
    wait_until(lambda: active(service))
    connection.cancel()
    thread.join(30)
    assert errors[0].pgcode == "57014"
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def in_a_process(dsn: str, sql: str) -> subprocess.Popen[bytes]:
    """Run SQL in a process of its own."""
    program = "import psycopg2, sys; psycopg2.connect(sys.argv[1]).cursor().execute(sys.argv[2])"
    return subprocess.Popen([sys.executable, "-c", program, dsn, sql])


def test_a_query_whose_client_was_killed_is_stopped(service: Service, numbers: str) -> None:
    client = in_a_process(service.dsn(numbers), FOREVER)
    wait_until(lambda: active(service))
    client.kill()
    client.wait()
    wait_until(lambda: service.sessions(numbers) == 0)


def test_a_copy_whose_client_was_killed_leaves_no_row_and_no_lock(
    start: Callable[..., Service], database: str, s3: S3, slow_s3: tuple[FaultProxy, threading.Event]
) -> None:
    proxy, _ = slow_s3
    service = start(s3_endpoint_url=proxy.endpoint)
    bucket = s3.fresh_bucket("vanish")
    s3.client().put_object(Bucket=bucket, Key="part.csv", Body=b"1,a\n")
    with closing(service.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE t (a INT, b VARCHAR(5))")
        copy = f"COPY t FROM 's3://{bucket}/part.csv' IAM_ROLE '{ROLE}' CSV"
        client = in_a_process(service.dsn(database), f"BEGIN; LOCK t; INSERT INTO t VALUES (0, 'x'); {copy}")
        wait_until(lambda: proxy.count("GET", r"/part\.csv"))
        client.kill()
        client.wait()
        wait_until(lambda: service.sessions(database) == 1)
        cursor.execute("SELECT COUNT(*) FROM t")
        assert cursor.fetchone() == (0,)


def test_a_copy_that_waits_for_s3_is_cancelled_and_the_session_goes_on(
    start: Callable[..., Service], database: str, s3: S3, slow_s3: tuple[FaultProxy, threading.Event]
) -> None:
    proxy, release = slow_s3
    service = start(s3_endpoint_url=proxy.endpoint)
    bucket = s3.fresh_bucket("cancel")
    s3.client().put_object(Bucket=bucket, Key="part.csv", Body=b"1,a\n")
    connection = service.connect(database)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE t (a INT, b VARCHAR(5))")
        copy = f"COPY t FROM 's3://{bucket}/part.csv' IAM_ROLE '{ROLE}' CSV"
        thread, errors = fails(connection, copy)
        wait_until(lambda: proxy.count("GET", r"/part\.csv"))
        connection.cancel()
        thread.join(30)
        assert errors[0].pgcode == "57014"
        cursor.execute("SELECT COUNT(*), pg_last_copy_count() FROM t")
        assert cursor.fetchone() == (0, 0)
        release.set()
        cursor.execute(copy)
        cursor.execute("SELECT COUNT(*) FROM t")
        assert cursor.fetchone() == (1,)


def test_the_service_ends_although_a_copy_waits_for_s3(
    start: Callable[..., Service], database: str, s3: S3, slow_s3: tuple[FaultProxy, threading.Event]
) -> None:
    proxy, _ = slow_s3
    service = start(s3_endpoint_url=proxy.endpoint)
    bucket = s3.fresh_bucket("end")
    s3.client().put_object(Bucket=bucket, Key="part.csv", Body=b"1,a\n")
    connection = service.connect(database)
    connection.cursor().execute("CREATE TABLE t (a INT, b VARCHAR(5))")
    thread, errors = fails(connection, f"COPY t FROM 's3://{bucket}/part.csv' IAM_ROLE '{ROLE}' CSV")
    wait_until(lambda: proxy.count("GET", r"/part\.csv"))
    assert service.stop() == 0
    thread.join(30)
    assert isinstance(errors[0], psycopg2.OperationalError)
    wait_until(lambda: service.sessions(database) == 0)


def test_a_session_that_postgresql_ends_says_so(service: Service, database: str) -> None:
    connection = service.connect(database)
    with closing(psycopg2.connect(service.backend_dsn)) as direct, direct.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", (connection.get_backend_pid(),))
    assert "terminating connection due to administrator command" in farewell(connection)
