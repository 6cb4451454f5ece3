"""Loads that are killed, that lose answers, that meet each other, or whose Redshift goes away; then run again."""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from tests.conftest import S3, Postgres, Redshift
from tests.integration.redshift_service.service import ROLE, Service
from tests.integration.warehouse_load.conftest import AUDIT, Warehouse, run_context
from tests.integration.warehouse_load.sabotage import Connection, KilledError, Killer
from tests.support.loads import FIRST, Lake, Table, plan
from warehouse.errors import WarehouseUnavailableError
from warehouse.load import load
from warehouse.load_plan import Method
from warehouse.manifest import Manifest
from warehouse.redshift import StatementError

pytestmark = pytest.mark.integration

COLUMNS = {"id": "BIGINT", "score": "SMALLINT", "updated_at": "TIMESTAMP", "deleted": "SMALLINT"}
GROWN = COLUMNS | {"note": "VARCHAR(9)"}
OLD, NEW = (datetime(2021, 9, 16, hour, tzinfo=UTC).replace(tzinfo=None) for hour in (1, 2))
BEFORE = [(1, 1, OLD, 0), (2, 2, OLD, 0)]
BATCH = [(2, 9, NEW, 0), (3, 3, NEW, 0)]


def rows(warehouse: Warehouse, name: str) -> list[tuple[Any, ...]]:
    return warehouse.execute(f"SELECT id, score, updated_at, deleted FROM a.{name} ORDER BY id, updated_at")


def audits(warehouse: Warehouse, manifest: Manifest) -> int:
    return warehouse.execute(f"SELECT COUNT(*) FROM audit.loads WHERE load_id = '{manifest.extract.manifest_id}'")[0][0]


KINDS: dict[str, tuple[dict[str, Any], Any]] = {
    "upsert": ({}, (FIRST, FIRST + timedelta(days=1))),
    "refresh": ({"method": Method.REPLACE}, None),
}


@pytest.mark.parametrize("kind", KINDS)
def test_killed_after_each_statement_then_run_again(kind: str, warehouse: Warehouse, lake: Lake) -> None:
    """A process that is killed after a statement, without its answer, leaves what one leaves before the next."""
    options, window = KINDS[kind]
    name = f"killed_{kind}"
    columns = dict(COLUMNS)
    first = lake.put_batch(Table(name, columns, deleted_flag="deleted"), BEFORE, target=f"a.{name}", window=window)
    warehouse.load(plan(first, audit=AUDIT))
    committed = False
    for at in itertools.count(1):
        columns[f"note_{at}"] = "VARCHAR(9)"  # so that the target is altered on the way, too
        batch = [(key, at, NEW + timedelta(minutes=at), 0, *"x" * at) for key in (2, 2 + at)]
        written = lake.put_batch(
            Table(name, columns, deleted_flag="deleted"),
            batch,
            target=f"a.{name}",
            extracted_at=FIRST + timedelta(minutes=at),
            window=window,
        )
        before = rows(warehouse, name)
        merged = {row[0]: row for row in (*(before if kind == "upsert" else ()), *(row[:4] for row in batch))}
        expected = sorted(merged.values())
        killer = Killer(warehouse.connect, at)
        try:
            load(killer, plan(written, audit=AUDIT, **options), warehouse.authorization)
        except KilledError:
            committed = killer.killed == "COMMIT" and any(
                "MERGE INTO" in text or "USING _batch" in text for text in killer.statements
            )
            assert rows(warehouse, name) == (expected if committed else before), killer.killed
            assert audits(warehouse, written[1]) == committed
        else:
            break  # there are no more statements
        warehouse.load(plan(written, audit=AUDIT, **options))
        assert rows(warehouse, name) == expected
        assert audits(warehouse, written[1]) == 1
        shown = warehouse.execute(f"SELECT COUNT(note_{at}) FROM a.{name}_live")
        assert shown == [(2,)]
    assert at > 20
    assert committed, "the last but one statement is the COMMIT"


class Meeting:
    """Connects so that two loads reach their transactions together."""

    def __init__(self, connect: Callable[[], Any], *, lock: bool = True) -> None:
        self._connect = connect
        self._lock = lock
        self._barrier = threading.Barrier(2)
        self._snapshot = threading.Barrier(2)

    def __call__(self) -> Connection:
        def between(statement: str, execute: Callable[[], Any]) -> None:
            if statement == "BEGIN":
                self._barrier.wait(60)
            if "LOCK TABLE" in statement and not self._lock:
                return
            execute()
            if "_batch AS" in statement and not self._lock:
                self._snapshot.wait(60)  # both have seen the target without the key

        return Connection(self._connect(), between)


def together(warehouse: Warehouse, lake: Lake, name: str, *, lock: bool) -> list[tuple[Any, ...]]:
    table = Table(name, COLUMNS, deleted_flag="deleted")
    warehouse.load(plan(lake.put_batch(table, [], target=f"a.{name}"), audit=AUDIT))
    connect = Meeting(warehouse.connect, lock=lock)
    errors: list[BaseException] = []

    def run(score: int, at: datetime) -> None:
        written = lake.put_batch(table, [(7, score, at, 0)], target=f"a.{name}")
        try:
            load(connect, plan(written, audit=AUDIT), warehouse.authorization)
        except BaseException as error:  # noqa: BLE001 - shown by the test
            errors.append(error)

    threads = [threading.Thread(target=run, args=arguments) for arguments in ((1, OLD), (2, NEW))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert errors == []
    return rows(warehouse, name)


def test_two_loads_of_one_new_key_leave_one_row(warehouse: Warehouse, lake: Lake) -> None:
    for attempt in range(5):
        assert together(warehouse, lake, f"meeting_{attempt}", lock=True) == [(7, 2, NEW, 0)]


def test_it_is_the_lock_that_does_it(warehouse: Warehouse, lake: Lake) -> None:
    assert together(warehouse, lake, "unlocked", lock=False) == [(7, 1, OLD, 0), (7, 2, NEW, 0)]


def test_rows_that_were_doubled_by_others_are_reported(warehouse: Warehouse, lake: Lake) -> None:
    table = Table("doubled", COLUMNS)
    warehouse.load(plan(lake.put_batch(table, BEFORE, target="a.doubled"), audit=AUDIT))
    warehouse.execute("INSERT INTO a.doubled SELECT * FROM a.doubled WHERE id = 2")
    found = rows(warehouse, "doubled")

    with pytest.raises(Exception, match=r"1 are there more than once\. Nothing was kept"):
        warehouse.load(plan(lake.put_batch(table, BATCH, target="a.doubled"), audit=AUDIT))
    assert rows(warehouse, "doubled") == found


@pytest.fixture
def conflicts(postgres: Postgres, warehouse: Warehouse, lake: Lake) -> Iterator[Callable[[str, int], Any]]:
    """Make the next writes to a table fail with error 1023, raised by the server behind the endpoint."""
    backend = psycopg2.connect(postgres.dsn(warehouse.arguments["database"]))
    backend.autocommit = True

    def arrange(table: str, times: int) -> Any:
        with backend.cursor() as cursor:
            cursor.execute(
                f"CREATE SEQUENCE a.{table}_conflicts; GRANT ALL ON SEQUENCE a.{table}_conflicts TO PUBLIC;"
                f"CREATE FUNCTION a.{table}_conflict() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                f" IF nextval('a.{table}_conflicts') <= {times} THEN"
                "  RAISE EXCEPTION USING ERRCODE = '40001', MESSAGE = 'could not serialize access'; END IF;"
                " RETURN NULL; END $$;"
                f"CREATE TRIGGER conflict AFTER INSERT ON a.{table} FOR EACH STATEMENT"
                f" EXECUTE FUNCTION a.{table}_conflict()"
            )

    yield arrange
    backend.close()


def test_a_serialization_failure_runs_the_whole_transaction_again(
    conflicts: Callable[[str, int], Any], warehouse: Warehouse, lake: Lake, caplog: pytest.LogCaptureFixture
) -> None:
    table = Table("conflict", COLUMNS)
    warehouse.load(plan(lake.put_batch(table, BEFORE, target="a.conflict"), audit=AUDIT))
    conflicts("conflict", 2)
    caplog.set_level(logging.INFO)
    caplog.clear()
    written = lake.put_batch(table, BATCH, target="a.conflict")

    loaded = warehouse.load(plan(written, audit=AUDIT))

    assert (loaded.inserted, loaded.updated) == (1, 1)
    assert rows(warehouse, "conflict") == [BEFORE[0], *BATCH]
    assert audits(warehouse, written[1]) == 1
    statements = [record.getMessage() for record in caplog.records]
    assert sum("error 1023); running it again" in record for record in statements) == 2
    assert sum(record.startswith("COPY _stage_0") for record in statements) == 1  # the files are loaded once
    assert sum("LOCK TABLE" in record for record in statements) == 3


def test_a_conflict_that_does_not_pass_is_told(
    conflicts: Callable[[str, int], Any], warehouse: Warehouse, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("warehouse.load.ATTEMPTS", 2)
    table = Table("conflicts", COLUMNS)
    warehouse.load(plan(lake.put_batch(table, BEFORE, target="a.conflicts"), audit=AUDIT))
    conflicts("conflicts", 1000)

    with pytest.raises(StatementError, match="1023") as error:
        warehouse.load(plan(lake.put_batch(table, BATCH, target="a.conflicts"), audit=AUDIT))
    assert error.value.serialization
    assert rows(warehouse, "conflicts") == BEFORE


@pytest.mark.parametrize("moment", ["COPY", "MERGE", "COMMIT"])
def test_redshift_restarting_on_the_way(
    moment: str, warehouse: Warehouse, lake: Lake, postgres: Postgres, s3: S3, tmp_path: Path
) -> None:
    service = Service(postgres.dsn("postgres"), s3.endpoint_url, tmp_path / "log", keys=(s3.access_key, s3.secret_key))
    own = Warehouse("postgresql://x", ROLE)
    own.arguments = warehouse.arguments | {"port": service.port}
    table = Table(f"restart_{moment}", COLUMNS)
    warehouse.load(plan(lake.put_batch(table, BEFORE, target=f"a.{table.name}"), audit=AUDIT))
    written = lake.put_batch(table, BATCH, target=f"a.{table.name}")

    def between(statement: str, execute: Callable[[], Any]) -> None:
        if moment in statement:
            service.stop()
        execute()

    with pytest.raises(WarehouseUnavailableError, match=r"went away.*then retry, which is safe"):
        load(lambda: Connection(own.connect(), between), plan(written, audit=AUDIT), own.authorization)

    assert rows(warehouse, table.name) == BEFORE
    with pytest.raises(WarehouseUnavailableError, match="cannot be reached"):
        own.load(plan(written, audit=AUDIT))
    warehouse.load(plan(written, audit=AUDIT))
    assert rows(warehouse, table.name) == [BEFORE[0], *BATCH]
    assert audits(warehouse, written[1]) == 1


@pytest.mark.usefixtures("airflow_connections")
def test_a_killed_task_ends_its_session(warehouse: Warehouse, lake: Lake, redshift: Redshift) -> None:
    from operators.s3_to_redshift import S3ToRedshiftOperator

    table = Table("waits", COLUMNS)
    warehouse.load(plan(lake.put_batch(table, BEFORE, target="a.waits"), audit=AUDIT))
    url, _ = lake.put_batch(table, BATCH, target="a.waits")
    task = S3ToRedshiftOperator(task_id="load", manifest=url)
    blocker = warehouse.connect()
    blocker.cursor().execute("BEGIN")
    blocker.cursor().execute("LOCK TABLE a.waits")
    errors: list[BaseException] = []

    def run() -> None:
        try:
            task.execute(run_context("killed"))
        except WarehouseUnavailableError as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    waiting = "SELECT COUNT(*) FROM pg_catalog.pg_locks WHERE NOT granted"
    while warehouse.execute(waiting) == [(0,)]:
        assert thread.is_alive(), errors
    task.on_kill()
    thread.join(60)

    assert len(errors) == 1
    assert warehouse.execute(waiting) == [(0,)]
    blocker.close()
    assert rows(warehouse, "waits") == BEFORE
