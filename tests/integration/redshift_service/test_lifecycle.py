"""Starting, stopping, and refusing to serve."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from psycopg2.extensions import make_dsn

from local.components.postgres import Postgres as PostgresComponent
from local.settings import Home
from tests.conftest import Postgres
from tests.integration.redshift_service.service import Service, farewell
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration

Start = Callable[..., Service]


def value(connection: psycopg2.extensions.connection, sql: str) -> object:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        row = cursor.fetchone()
    return row[0] if row else None


def test_sigterm_tells_the_clients_and_leaves_nothing_behind(start: Start, database: str) -> None:
    service = start()
    idle, working = service.connect(database), service.connect(database, autocommit=False)
    value(working, "SELECT 1")
    assert service.sessions(database) == 2
    assert service.stop() == 0
    for connection in (idle, working):
        assert "terminating connection due to administrator command" in farewell(connection)
    wait_until(lambda: service.sessions(database) == 0)
    assert "stopped" in service.log.read_text()


def test_two_services_can_share_one_postgresql(start: Start, database: str) -> None:
    services = [start(), start()]
    with closing(services[0].connect(database)) as one, closing(services[1].connect(database)) as two:
        value(one, "CREATE TABLE t (a INT PRIMARY KEY); SELECT 1")
        assert value(two, "SELECT tablename FROM pg_table_def WHERE tablename = 't'") == "t"


def test_it_does_not_start_without_postgresql_and_keeps_the_password_to_itself(start: Start) -> None:
    service = start("postgresql://admin:hidden@127.0.0.1:1/postgres")
    assert service.process.wait(30) == 1
    output = service.log.read_text()
    assert "cannot start" in output
    assert "127.0.0.1" in output
    assert "hidden" not in output
    assert "Traceback" not in output


def test_a_user_who_is_no_superuser_cannot_install_the_catalogue(start: Start, database: str) -> None:
    service = start(database)
    assert service.process.wait(30) == 1
    assert 'user "tester" of --backend-dsn must be a superuser' in service.log.read_text()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"password": "wrong"}, "password authentication failed"),
        ({"dbname": "no_such_database"}, 'database "no_such_database" does not exist'),
    ],
)
def test_postgresql_says_who_may_connect(start: Start, database: str, change: dict[str, str], message: str) -> None:
    service = start()
    with pytest.raises(psycopg2.OperationalError, match=message):
        psycopg2.connect(make_dsn(service.dsn(database), **change))


def test_a_database_that_does_not_compare_text_as_redshift_is_refused(start: Start, postgres: Postgres) -> None:
    service = start()
    with closing(psycopg2.connect(postgres.dsn("postgres"))) as direct:
        direct.autocommit = True
        with direct.cursor() as cursor:
            cursor.execute("CREATE DATABASE latin TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'")
    with pytest.raises(psycopg2.OperationalError, match="has encoding SQL_ASCII and collation C"):
        psycopg2.connect(service.dsn(postgres.dsn("latin")))


class OwnPostgres:
    """A PostgreSQL that a test may stop."""

    def __init__(self, home: Home) -> None:
        self.component = PostgresComponent(home)
        self.component.prepare()
        (self.program,) = self.component.programs()

    def start(self) -> None:
        self.process = subprocess.Popen(self.program.argv, cwd="/", stderr=subprocess.DEVNULL)
        wait_until(lambda: self.component.unhealthy() is None)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(30)


def test_a_restart_of_postgresql_ends_sessions_and_new_ones_work(start: Start, tmp_path: Path) -> None:
    postgres = OwnPostgres(Home(tmp_path / "home"))
    postgres.start()
    try:
        dsn = postgres.component.dsn("postgres")
        service = start(dsn)
        connection = service.connect(dsn, autocommit=False)
        value(connection, "CREATE TABLE t (a INT); SELECT 1")
        postgres.stop()
        assert "terminating connection due to administrator command" in farewell(connection)
        with pytest.raises(psycopg2.OperationalError):
            value(connection, "INSERT INTO t VALUES (1)")
        with pytest.raises(psycopg2.OperationalError, match="the PostgreSQL behind this Redshift does not answer"):
            service.connect(dsn)
        postgres.start()
        with closing(service.connect(dsn)) as again:
            assert value(again, "SELECT COUNT(*) FROM svv_tables WHERE table_name = 't'") == 0
    finally:
        postgres.stop()
