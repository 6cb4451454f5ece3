"""Values go in and come out as in Redshift: lengths in bytes, exact numbers, keys that are not enforced."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from tests.conformance.redshift.warehouse import Session

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("SMALLINT", -32768),
        ("INTEGER", 2147483647),
        ("BIGINT", 9007199254740993),
        ("DECIMAL(38,10)", Decimal("1234567890123456789012345678.1234567891")),
        ("DECIMAL(20,0)", Decimal(18446744073709551615)),
        ("DOUBLE PRECISION", 0.1),
        ("BOOLEAN", True),
        ("DATE", date(2021, 9, 16)),
        ("TIMESTAMP", datetime(2021, 9, 16, 1, 2, 3, 456789)),  # noqa: DTZ001 a TIMESTAMP has no zone
        ("TIMESTAMPTZ", datetime(2021, 9, 16, 1, 2, 3, tzinfo=UTC)),
        ("VARCHAR(40)", "quote ' \" \\ \n é 😀"),
        ("VARCHAR(20)", ""),
        ("CHAR(5)", "ab   "),
        ("VARCHAR(MAX)", "x" * 65535),
    ],
)
def test_values_survive(db: Session, name: str, kind: str, value: object) -> None:
    db.run(f"CREATE TABLE {name} (a {kind}, b {kind})")
    db.run(f"INSERT INTO {name} VALUES (%s, NULL)", [value])
    assert db.run(f"SELECT a, b FROM {name}") == [(value, None)]


def test_varchar_counts_bytes(db: Session, name: str) -> None:
    db.run(f"CREATE TABLE {name} (a VARCHAR(4))")
    db.run(f"INSERT INTO {name} VALUES ('éé'), ('😀')")
    assert db.fails(f"INSERT INTO {name} VALUES ('ééé')").message.startswith(
        "value too long for type character varying(4)"
    )
    assert db.fails(f"INSERT INTO {name} VALUES ('abcde')").message.startswith(
        "value too long for type character varying(4)"
    )
    assert db.run(f"SELECT LEN(a), OCTET_LENGTH(a) FROM {name} ORDER BY 1") == [(1, 4), (2, 4)]


def test_the_limit_holds_in_every_table_however_it_was_made(db: Session, name: str) -> None:
    db.run(f"CREATE TABLE {name} (a VARCHAR(4))")
    db.run(f"CREATE TABLE #like_{name} (LIKE {name})")
    db.run(f"CREATE TABLE {name}_as AS SELECT a FROM {name}")
    db.run(f"ALTER TABLE {name} ADD COLUMN b VARCHAR(2)")
    for table, column in ((f"#like_{name}", "a"), (f"{name}_as", "a"), (name, "b")):
        db.fails(f"INSERT INTO {table} ({column}) VALUES ('ééé')")
    db.run(f"ALTER TABLE {name} ALTER COLUMN b TYPE VARCHAR(6)")
    db.run(f"INSERT INTO {name} (b) VALUES ('ééé')")


def test_char_takes_ascii_only(db: Session, name: str) -> None:
    db.run(f"CREATE TABLE {name} (a CHAR(5))")
    db.fails(f"INSERT INTO {name} VALUES ('é')")


def test_text_is_varchar_256_and_decimal_is_18_0(db: Session, name: str) -> None:
    db.run(f"CREATE TABLE {name} (a TEXT, b VARCHAR, c DECIMAL)")
    db.fails(f"INSERT INTO {name} (a) VALUES (%s)", ["x" * 257])
    db.fails(f"INSERT INTO {name} (b) VALUES (%s)", ["x" * 257])
    db.run(f"INSERT INTO {name} (c) VALUES (1.5)")
    assert db.value(f"SELECT c FROM {name}") == 2


def test_varbyte(db: Session, name: str) -> None:
    db.run(f"CREATE TABLE {name} (a VARBYTE(4))")
    db.run(f"INSERT INTO {name} VALUES (FROM_HEX('00ff41')), (TO_VARBYTE('é', 'utf8')), (NULL)")
    assert db.run(f"SELECT a, TO_HEX(a), LEN(a) FROM {name} ORDER BY LEN(a)") == [
        ("c3a9", "c3a9", 2),
        ("00ff41", "00ff41", 3),
        (None, None, None),
    ]
    db.fails(f"INSERT INTO {name} VALUES (FROM_HEX('0102030405'))")


def test_super_holds_json(db: Session, name: str) -> None:
    document = {"a": [1, 2.5, None, True], "b": {"é": 'quote " and: comma, '}}
    db.run(f"CREATE TABLE {name} (a SUPER)")
    db.run(f"INSERT INTO {name} VALUES (JSON_PARSE(%s))", [json.dumps(document)])
    assert json.loads(db.value(f"SELECT a FROM {name}")) == document
    assert json.loads(db.value(f"SELECT JSON_SERIALIZE(a) FROM {name}")) == document
    assert db.value(f"SELECT JSON_SERIALIZE(JSON_PARSE('{{\"a\": [1, 2]}}')) FROM {name}") == '{"a":[1,2]}'


def test_primary_keys_are_visible_and_not_enforced(db: Session, name: str) -> None:
    db.run(f"CREATE TABLE {name} (a INT, b INT, c INT, PRIMARY KEY (b, a), UNIQUE (c))")
    db.run(f"INSERT INTO {name} VALUES (1, 2, 3), (1, 2, 3)")
    assert db.value(f"SELECT COUNT(*) FROM {name}") == 2
    columns = db.run(
        "SELECT kcu.column_name FROM information_schema.table_constraints tco"
        " JOIN information_schema.key_column_usage kcu ON kcu.constraint_name = tco.constraint_name"
        " AND kcu.constraint_schema = tco.constraint_schema"
        " WHERE tco.constraint_type = 'PRIMARY KEY' AND kcu.table_name = %s ORDER BY kcu.ordinal_position",
        [name],
    )
    assert columns == [("b",), ("a",)]


def test_a_text_gets_longer_unless_a_key_names_it_or_it_has_a_default(db: Session, name: str) -> None:
    db.run(
        f"CREATE TABLE {name} (id VARCHAR(4) PRIMARY KEY, code VARCHAR(4) UNIQUE, kind VARCHAR(4) DEFAULT 'x', "
        "note VARCHAR(4))"
    )
    for column in ("id", "code", "kind"):
        db.fails(f"ALTER TABLE {name} ALTER COLUMN {column} TYPE VARCHAR(8)")
    db.run(f"ALTER TABLE {name} ALTER COLUMN note TYPE VARCHAR(8)")
    db.run(f"INSERT INTO {name} VALUES ('a', 'b', 'c', 'eight...')")
    db.fails(f"INSERT INTO {name} VALUES ('five.', 'b', 'c', 'd')")


def test_not_null_is_enforced_also_for_keys(db: Session, name: str) -> None:
    db.run(f"CREATE TABLE {name} (a INT PRIMARY KEY, b INT NOT NULL)")
    assert "column a" in db.fails(f"INSERT INTO {name} (b) VALUES (1)").message
    assert "column b" in db.fails(f"INSERT INTO {name} (a) VALUES (1)").message


def test_identity_columns_count_by_themselves(db: Session, name: str) -> None:
    db.run(f"CREATE TABLE {name} (id BIGINT IDENTITY(1, 1), a INT)")
    db.run(f"INSERT INTO {name} (a) VALUES (10)")
    db.run(f"INSERT INTO {name} (a) VALUES (20)")
    ids = [row[0] for row in db.run(f"SELECT id FROM {name} ORDER BY a")]
    assert len(set(ids)) == 2
    db.fails(f"INSERT INTO {name} (id, a) VALUES (5, 30)")


def test_names_are_folded_to_lower_case_unless_the_session_says_otherwise(db: Session, name: str) -> None:
    db.run(f'CREATE TABLE {name} ("Mixed Name" INT)')
    db.run(f'INSERT INTO {name} ("mixed name") VALUES (1)')
    assert db.value(f'SELECT "MIXED NAME" FROM {name}') == 1
    db.run("SET enable_case_sensitive_identifier TO true")
    db.run(f'CREATE TABLE {name}_case ("Name" INT, "name" INT)')
    db.run(f'INSERT INTO {name}_case ("Name", "name") VALUES (1, 2)')
    assert db.run(f'SELECT "Name", "name" FROM {name}_case') == [(1, 2)]


def test_backslashes_are_escapes_in_strings(db: Session) -> None:
    assert db.value("SELECT 'a\\tb' || 'it\\'s'") == "a\tbit's"
    assert db.value("SELECT %s || ''", ["back\\slash 'quoted'"]) == "back\\slash 'quoted'"


def test_averages_keep_the_type_of_what_they_average(db: Session, name: str) -> None:
    db.run(f"CREATE TABLE {name} (score SMALLINT, amount DECIMAL(5,2))")
    db.run(f"INSERT INTO {name} VALUES (1, 1.00), (2, 2.01)")
    whole, exact, decimal = db.run(f"SELECT AVG(score), AVG(score::FLOAT), AVG(amount) FROM {name}")[0]
    assert (whole, exact) == (1, 1.5)
    assert decimal in {Decimal("1.50"), Decimal("1.51")}  # its scale is documented, how it is rounded is not
