"""What Redshift's system views say about tables."""

from __future__ import annotations

import pytest

from tests.conformance.redshift.warehouse import Session, Warehouse

pytestmark = pytest.mark.integration


@pytest.fixture
def table(db: Session, name: str) -> str:
    db.run(
        f"CREATE TABLE {name} (id BIGINT NOT NULL, name VARCHAR(20), amount DECIMAL(8,2), doc SUPER, raw VARBYTE(5))"
        " DISTKEY(id) SORTKEY(name, id)"
    )
    return name


def test_svv_columns(db: Session, table: str, warehouse: Warehouse) -> None:
    found = db.run(
        "SELECT column_name, ordinal_position, is_nullable, data_type, character_maximum_length, numeric_precision,"
        " numeric_scale FROM svv_columns WHERE table_schema = %s AND table_name = %s ORDER BY ordinal_position",
        (warehouse.schema, table),
    )
    assert [row[:4] for row in found] == [
        ("id", 1, "NO", "bigint"),
        ("name", 2, "YES", "character varying"),
        ("amount", 3, "YES", "numeric"),
        ("doc", 4, "YES", "super"),
        ("raw", 5, "YES", "binary varying"),
    ]
    assert found[1][4] == 20
    assert found[2][5:] == (8, 2)


def test_svv_tables(db: Session, table: str, warehouse: Warehouse) -> None:
    db.run(f"CREATE VIEW {table}_view AS SELECT * FROM {table}")
    found = db.run(
        "SELECT table_name, table_type FROM svv_tables WHERE table_schema = %s AND table_name LIKE %s ORDER BY 1",
        (warehouse.schema, f"{table}%"),
    )
    assert found == [(table, "BASE TABLE"), (f"{table}_view", "VIEW")]


def test_pg_table_def_shows_the_tables_on_the_search_path(db: Session, table: str) -> None:
    found = db.run(
        f'SELECT "column", type, distkey, sortkey, "notnull" FROM pg_table_def WHERE tablename = \'{table}\''
    )
    assert sorted(found) == [
        ("amount", "numeric(8,2)", False, 0, False),
        ("doc", "super", False, 0, False),
        ("id", "bigint", True, 2, True),
        ("name", "character varying(20)", False, 1, False),
        ("raw", "binary varying(5)", False, 0, False),
    ]


def test_svv_table_info_leaves_empty_tables_out(db: Session, table: str) -> None:
    query = f"SELECT diststyle, sortkey1, sortkey_num, tbl_rows FROM svv_table_info WHERE \"table\" = '{table}'"
    assert db.run(query) == []
    db.run(f"INSERT INTO {table} (id) VALUES (1), (2)")
    assert db.run(query) == [("KEY(id)", "name", 2, 2)]


def test_columns_follow_alter_table(db: Session, table: str) -> None:
    db.run(f"ALTER TABLE {table} ADD COLUMN extra VARCHAR(5) DEFAULT 'x'")
    db.run(f"ALTER TABLE {table} RENAME COLUMN name TO title")
    db.run(f"ALTER TABLE {table} DROP COLUMN doc")
    names = db.run(f"SELECT column_name FROM svv_columns WHERE table_name = '{table}' ORDER BY ordinal_position")
    assert [row[0] for row in names] == ["id", "title", "amount", "raw", "extra"]


def test_an_identity_column_shows_as_a_default(db: Session, name: str) -> None:
    db.run(f"CREATE TABLE {name} (id BIGINT IDENTITY(5, 2), a INT)")
    query = f"SELECT column_default FROM svv_columns WHERE table_name = '{name}' ORDER BY ordinal_position"
    identity, none = (row[0] for row in db.run(query))
    assert identity.startswith('"identity"(')
    assert "'5,2'" in identity
    assert none is None


def test_a_late_binding_view_follows_a_swap_of_tables(db: Session, table: str, warehouse: Warehouse) -> None:
    full = f"{warehouse.schema}.{table}"
    db.run(f"CREATE VIEW {table}_late AS SELECT id, name FROM {full} WHERE id > 0 WITH NO SCHEMA BINDING")
    db.run(f"CREATE VIEW {table}_bound AS SELECT id, name FROM {full} WHERE id > 0")
    db.run(f"CREATE TABLE {table}_new (LIKE {table})")
    db.run(f"INSERT INTO {table} (id, name) VALUES (1, 'old'), (-1, 'hidden')")
    db.run(f"INSERT INTO {table}_new (id, name) VALUES (2, 'new')")
    db.run(f"ALTER TABLE {table} RENAME TO {table}_old")
    db.run(f"ALTER TABLE {table}_new RENAME TO {table}")
    assert db.run(f"SELECT * FROM {table}_late") == [(2, "new")]
    assert db.run(f"SELECT * FROM {table}_bound") == [(1, "old")]


def test_a_late_binding_view_is_in_nobodys_way(db: Session, table: str, warehouse: Warehouse) -> None:
    full = f"{warehouse.schema}.{table}"
    view = f"CREATE OR REPLACE VIEW {table}_late AS SELECT id, name FROM {full} WITH NO SCHEMA BINDING"
    db.run(view)
    db.run(f"INSERT INTO {table} (id, name) VALUES (1, 'x')")
    db.run(f"ALTER TABLE {table} ALTER COLUMN name TYPE VARCHAR(40)")
    db.run(f"ALTER TABLE {table} DROP COLUMN amount")
    assert db.run(f"SELECT name, id FROM {table}_late") == [("x", 1)]
    db.run(view.replace("id, name", "name, id, doc"))
    assert db.run(f"SELECT * FROM {table}_late") == [("x", 1, None)]
    db.run(f"DROP TABLE {table}")
    db.fails(f"SELECT * FROM {table}_late")
    db.fails(f"CREATE VIEW {table}_other AS SELECT * FROM {table} WITH NO SCHEMA BINDING")


def test_a_late_binding_view_is_granted_whole(db: Session, table: str, warehouse: Warehouse) -> None:
    full = f"{warehouse.schema}.{table}"
    db.run(f"CREATE VIEW {table}_late AS SELECT id, name FROM {full} WITH NO SCHEMA BINDING")
    db.run(f"GRANT SELECT ON {table}_late TO PUBLIC")
    db.run(f"REVOKE SELECT ON {table}_late FROM PUBLIC")
    db.fails(f"GRANT SELECT (id) ON {table}_late TO PUBLIC")
    db.run(f"CREATE VIEW {table}_bound AS SELECT id, name FROM {full}")
    db.run(f"GRANT SELECT (id) ON {table}_bound TO PUBLIC")


def test_rights_reach_down_to_columns(db: Session, table: str, warehouse: Warehouse) -> None:
    db.run(f"GRANT SELECT (id, amount) ON {table} TO PUBLIC")
    db.run(f"REVOKE ALL ON {table} FROM PUBLIC")
    db.run(f"COMMENT ON TABLE {table} IS 'of the tests'")
    remarks = "SELECT remarks FROM svv_tables WHERE table_schema = %s AND table_name = %s"
    assert db.value(remarks, (warehouse.schema, table)) == "of the tests"
