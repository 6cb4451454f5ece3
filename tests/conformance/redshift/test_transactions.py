"""Snapshot isolation, LOCK, TRUNCATE, temporary tables."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tests.conformance.redshift.warehouse import DRIVERS, Session, SqlFailedError, Warehouse
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration


@pytest.fixture
def table(db: Session, name: str) -> str:
    db.run(f"CREATE TABLE {name} (id INT, note VARCHAR(20))")
    db.run(f"INSERT INTO {name} VALUES (1, 'old')")
    return name


@pytest.fixture(params=DRIVERS)
def pair(request: pytest.FixtureRequest, warehouse: Warehouse, table: str) -> Iterator[tuple[Session, Session]]:
    """Two sessions without autocommit."""
    sessions = tuple(warehouse.connect(request.param, autocommit=False) for _ in range(2))
    yield sessions[0], sessions[1]
    for session in sessions:
        session.close()


def in_background(session: Session, sql: str) -> tuple[threading.Thread, list[SqlFailedError]]:
    failures: list[SqlFailedError] = []

    def run() -> None:
        try:
            session.run(sql)
        except SqlFailedError as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, failures


def test_a_transaction_reads_one_snapshot(pair: tuple[Session, Session], table: str) -> None:
    one, two = pair
    assert one.value(f"SELECT COUNT(*) FROM {table}") == 1
    two.run(f"INSERT INTO {table} VALUES (2, 'new')")
    two.commit()
    assert one.value(f"SELECT COUNT(*) FROM {table}") == 1
    one.commit()
    assert one.value(f"SELECT COUNT(*) FROM {table}") == 2


def test_two_updates_of_one_row_end_in_error_1023(pair: tuple[Session, Session], table: str) -> None:
    one, two = pair
    one.run(f"SELECT * FROM {table}")
    two.run(f"SELECT * FROM {table}")
    two.run(f"UPDATE {table} SET note = 'two' WHERE id = 1")
    thread, failures = in_background(one, f"UPDATE {table} SET note = 'one' WHERE id = 1")
    two.commit()
    thread.join(60)
    (error,) = failures
    assert (error.sqlstate, error.message) == ("XX000", "1023")
    assert "Serializable isolation violation" in error.detail
    one.rollback()
    assert one.value(f"SELECT note FROM {table}") == "two"


def test_two_inserts_of_one_new_key_do_not_conflict(pair: tuple[Session, Session], table: str, name: str) -> None:
    merge = (
        "MERGE INTO {t} USING #s ON {t}.id = #s.id WHEN MATCHED THEN UPDATE SET note = #s.note"
        " WHEN NOT MATCHED THEN INSERT VALUES (#s.id, #s.note)"
    )
    for session in pair:
        session.run(f"CREATE TABLE #s (LIKE {table})")
        session.run("INSERT INTO #s VALUES (7, 'new')")
        session.run(f"SELECT COUNT(*) FROM {table}")
    for session in pair:
        session.run(merge.format(t=table))
    for session in pair:
        session.commit()
    assert pair[0].value(f"SELECT COUNT(*) FROM {table} WHERE id = 7") == 2


def test_lock_first_makes_the_second_see_what_the_first_wrote(pair: tuple[Session, Session], table: str) -> None:
    one, two = pair
    one.run(f"LOCK TABLE {table}")
    thread, failures = in_background(two, f"LOCK TABLE {table}")
    one.run(f"INSERT INTO {table} VALUES (7, 'one')")
    assert thread.is_alive()
    one.commit()
    thread.join(60)
    assert failures == []
    assert two.value(f"SELECT COUNT(*) FROM {table} WHERE id = 7") == 1
    two.commit()


def test_a_lock_keeps_readers_waiting(pair: tuple[Session, Session], table: str) -> None:
    one, two = pair
    one.run(f"LOCK {table}")
    thread, failures = in_background(two, f"SELECT * FROM {table}")
    thread.join(0.3)
    assert thread.is_alive()
    one.rollback()
    wait_until(lambda: not thread.is_alive())
    assert failures == []


def test_truncate_commits_what_came_before_it(db: Session, table: str, warehouse: Warehouse) -> None:
    db.run(f"CREATE TABLE {table}_other (a INT)")
    db.connection.autocommit = False
    db.run(f"INSERT INTO {table}_other VALUES (1)")
    db.run(f"TRUNCATE {table}")
    db.rollback()
    other = warehouse.connect()
    assert other.value(f"SELECT COUNT(*) FROM {table}_other") == 1
    assert other.value(f"SELECT COUNT(*) FROM {table}") == 0
    other.close()


def test_ddl_is_part_of_the_transaction(db: Session, table: str) -> None:
    db.connection.autocommit = False
    db.run(f"CREATE TABLE {table}_new (LIKE {table})")
    db.run(f"ALTER TABLE {table} RENAME TO {table}_old")
    db.run(f"ALTER TABLE {table}_new RENAME TO {table}")
    assert db.value(f"SELECT COUNT(*) FROM {table}") == 0
    db.rollback()
    assert db.value(f"SELECT COUNT(*) FROM {table}") == 1


def test_temporary_tables_belong_to_the_session(db: Session, table: str, warehouse: Warehouse) -> None:
    db.run(f"CREATE TABLE #{table} (LIKE {table} INCLUDING DEFAULTS)")
    db.run(f"INSERT INTO #{table} SELECT * FROM {table}")
    db.run(f"DELETE FROM {table} USING #{table} WHERE {table}.id = #{table}.id")
    assert db.value(f"SELECT note FROM #{table}") == "old"
    assert db.value(f"SELECT COUNT(*) FROM {table}") == 0
    other = warehouse.connect()
    other.fails(f"SELECT * FROM #{table}")
    other.run(f"CREATE TEMP TABLE #{table} (a INT)")
    other.close()


def test_savepoints_and_conflict_clauses_are_refused(db: Session, table: str) -> None:
    for sql in (
        "SAVEPOINT a",
        f"INSERT INTO {table} VALUES (1, 'x') ON CONFLICT DO NOTHING",
        f"INSERT INTO {table} VALUES (1, 'x') RETURNING id",
        f"CREATE INDEX i_{table} ON {table} (id)",
        f"CREATE TABLE {table}_checked (a INT CHECK (a > 0))",
        f"CREATE TABLE {table}_array (a INT[])",
        f"SELECT DISTINCT ON (id) * FROM {table}",
        f"INSERT INTO {table} SELECT n, 'x' FROM generate_series(1, 3) AS n",
        f"SELECT * FROM {table} FOR UPDATE",
    ):
        db.fails(sql)
    assert db.value(f"SELECT COUNT(*) FROM {table}") == 1
