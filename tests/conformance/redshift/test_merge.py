"""MERGE on data."""

from __future__ import annotations

import pytest

from tests.conformance.redshift.warehouse import Session

pytestmark = pytest.mark.integration

UPSERT = (
    "MERGE INTO {t} USING {s} AS src ON {t}.id = src.id AND {t}.part = src.part"
    " WHEN MATCHED THEN UPDATE SET note = src.note"
    " WHEN NOT MATCHED THEN INSERT (id, part, note) VALUES (src.id, src.part, src.note)"
)


@pytest.fixture
def tables(db: Session, name: str) -> dict[str, str]:
    names = {"t": name, "s": f"#stage_{name}"}
    db.run(f"CREATE TABLE {name} (id INT, part INT, note VARCHAR(20))")
    db.run(f"CREATE TABLE {names['s']} (LIKE {name})")
    db.run(f"INSERT INTO {name} VALUES (1, 1, 'old'), (2, 1, 'kept')")
    return names


def merged(db: Session, tables: dict[str, str], staged: str, sql: str = UPSERT) -> list[tuple[object, ...]]:
    db.run("INSERT INTO {s} VALUES ".format(**tables) + staged)
    db.run(sql.format(**tables))
    return db.run("SELECT id, part, note FROM {t} ORDER BY 1, 2, 3".format(**tables))


def test_matching_rows_are_updated_and_others_inserted(db: Session, tables: dict[str, str]) -> None:
    found = merged(db, tables, "(1, 1, 'new'), (1, 2, 'other part')")
    assert found == [(1, 1, "new"), (1, 2, "other part"), (2, 1, "kept")]


def test_running_it_again_changes_nothing(db: Session, tables: dict[str, str]) -> None:
    once = merged(db, tables, "(1, 1, 'new'), (3, 1, 'x')")
    db.run(UPSERT.format(**tables))
    assert db.run("SELECT id, part, note FROM {t} ORDER BY 1, 2, 3".format(**tables)) == once


def test_null_keys_never_match(db: Session, tables: dict[str, str]) -> None:
    merged(db, tables, "(NULL, 1, 'a')")
    db.run(UPSERT.format(**tables))
    assert db.value("SELECT COUNT(*) FROM {t} WHERE id IS NULL".format(**tables)) == 2


def test_two_source_rows_for_one_target_row_are_an_error(db: Session, tables: dict[str, str]) -> None:
    db.run("INSERT INTO {s} VALUES (1, 1, 'a'), (1, 1, 'b')".format(**tables))
    db.fails(UPSERT.format(**tables))
    assert db.value("SELECT note FROM {t} WHERE id = 1".format(**tables)) == "old"


def test_delete(db: Session, tables: dict[str, str]) -> None:
    sql = (
        "MERGE INTO {t} USING {s} ON {t}.id = {s}.id WHEN MATCHED THEN DELETE"
        " WHEN NOT MATCHED THEN INSERT VALUES ({s}.id, {s}.part, {s}.note)"
    )
    assert merged(db, tables, "(1, 9, 'x'), (3, 1, 'new')", sql) == [(2, 1, "kept"), (3, 1, "new")]


def test_remove_duplicates_replaces_matching_rows(db: Session, tables: dict[str, str]) -> None:
    db.run("INSERT INTO {t} VALUES (1, 1, 'old again')".format(**tables))
    sql = "MERGE INTO {t} USING {s} ON {t}.id = {s}.id REMOVE DUPLICATES"
    assert merged(db, tables, "(1, 5, 'new'), (3, 1, 'x')", sql) == [(1, 5, "new"), (2, 1, "kept"), (3, 1, "x")]


@pytest.mark.parametrize(
    "sql",
    [
        "MERGE INTO {t} AS tgt USING {s} ON tgt.id = {s}.id WHEN MATCHED THEN DELETE"
        " WHEN NOT MATCHED THEN INSERT VALUES ({s}.id, 1, 'x')",
        "MERGE INTO {t} USING (SELECT 1 AS id) AS src ON {t}.id = src.id WHEN MATCHED THEN DELETE"
        " WHEN NOT MATCHED THEN INSERT VALUES (src.id, 1, 'x')",
        "MERGE INTO {t} USING {s} ON {t}.id = {s}.id WHEN MATCHED THEN UPDATE SET note = 'x'",
        "MERGE INTO {t} USING {s} ON {t}.id = {s}.id WHEN MATCHED AND {s}.part = 1 THEN DELETE"
        " WHEN NOT MATCHED THEN INSERT VALUES ({s}.id, 1, 'x')",
        "MERGE INTO {t} USING {t}_view AS src ON {t}.id = src.id WHEN MATCHED THEN DELETE"
        " WHEN NOT MATCHED THEN INSERT VALUES (src.id, 1, 'x')",
    ],
)
def test_redshifts_limits(db: Session, tables: dict[str, str], sql: str) -> None:
    db.run("CREATE VIEW {t}_view AS SELECT * FROM {t}".format(**tables))
    db.fails(sql.format(**tables))
