"""Filling the demo's production MySQL: values as generated, the same every time, all of them or none."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import closing
from datetime import date
from decimal import Decimal
from typing import Any

import MySQLdb
import pytest

from local.nps import answers
from local.nps.__main__ import main
from local.nps.database import TABLES, apply_changes, replace_tables

pytestmark = pytest.mark.integration

Arguments = dict[str, Any]


@pytest.fixture(scope="module")
def database(mariadb: Any) -> Arguments:
    arguments: Arguments = mariadb.fresh_database("nps")
    written = replace_tables(arguments, seed=7)
    assert written == {"nps": len(answers.answers(7)), "numbers_and_times": 2000, "texts_and_bytes": 2000}
    return arguments


def query(arguments: Arguments, statement: str) -> list[tuple[Any, ...]]:
    with closing(MySQLdb.connect(**arguments, charset="utf8mb4")) as connection, connection.cursor() as cursor:
        cursor.execute("SET SESSION time_zone = '+00:00'")
        cursor.execute(statement)
        return list(cursor.fetchall())


def checksums(arguments: Arguments) -> list[tuple[Any, ...]]:
    return query(arguments, f"CHECKSUM TABLE {', '.join(table.name for table in TABLES)}")


def dsn(arguments: Arguments) -> str:
    return "mysql://{user}:{password}@{host}:{port}/{database}".format(**arguments)


def test_answers_arrive_value_for_value(database: Arguments) -> None:
    assert query(database, "SELECT * FROM nps ORDER BY id") == answers.answers(7)


def test_an_all_passive_day_and_a_row_for_every_type(database: Arguments) -> None:
    scores = f"SELECT DISTINCT score FROM nps WHERE DATE(created_at) = '{date(2021, 8, 22)}' ORDER BY 1"
    assert query(database, scores) == [(7,), (8,)]
    assert query(database, "SELECT CAST(c_bigint_unsigned AS CHAR) FROM numbers_and_times ORDER BY id LIMIT 2") == [
        ("0",),
        ("18446744073709551615",),
    ]
    ends = "SELECT max(c_decimal_38_18), min(c_decimal_65_30), count(*) FROM numbers_and_times"
    assert query(database, ends) == [
        (Decimal("9" * 20 + "." + "9" * 18), Decimal("-" + "9" * 35 + "." + "9" * 30), 2000)
    ]
    zero = "SELECT count(*) FROM numbers_and_times WHERE CAST(c_date AS CHAR) IN ('0000-00-00', '2021-00-15')"
    assert query(database, zero)[0][0] >= 2
    times = "SELECT CAST(min(c_time) AS CHAR), CAST(max(c_time) AS CHAR) FROM numbers_and_times"
    assert query(database, times) == [("-838:59:59", "838:59:59")]
    assert query(database, "SELECT count(*) FROM texts_and_bytes WHERE c_varbinary_300 = X'00FF41'")[0][0] > 0
    assert query(database, "SELECT count(*) FROM texts_and_bytes WHERE c_enum = ''")[0][0] > 0


TYPES = {
    "tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "float", "double", "bit", "date", "datetime",
    "timestamp", "time", "year", "char", "varchar", "enum", "set", "tinytext", "text", "mediumtext", "longtext",
    "binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob",
}  # fmt: skip


def test_every_type_is_there(database: Arguments) -> None:
    types = query(database, "SELECT DISTINCT data_type FROM information_schema.columns WHERE table_schema = DATABASE()")
    assert {name for (name,) in types} - {"json"} == TYPES  # MariaDB keeps JSON as LONGTEXT
    checked = "SELECT check_clause FROM information_schema.check_constraints WHERE constraint_schema = DATABASE()"
    assert query(database, checked) == [("json_valid(`c_json`)",)]


def test_changes_leave_the_rows_they_describe_and_loading_again_takes_them_back(database: Arguments) -> None:
    before = checksums(database)
    apply_changes(database, seed=7)
    changed = checksums(database)
    assert all(new != old for new, old in zip(changed, before, strict=True))
    expected = {row[0]: row for row in answers.answers(7)} | {row[0]: row for row in answers.changes(7)}
    assert query(database, "SELECT * FROM nps ORDER BY id") == [expected[key] for key in sorted(expected)]
    assert main(["change", "--dsn", dsn(database), "--seed", "7"]) == 0
    assert checksums(database) == changed
    assert main(["load", "--dsn", dsn(database), "--seed", "7"]) == 0
    assert checksums(database) == before


def test_an_interrupted_load_leaves_the_previous_rows(database: Arguments) -> None:
    before = checksums(database)
    others = "SELECT info FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()"
    load = subprocess.Popen([sys.executable, "-m", "local.nps", "load", "--seed", "8", "--dsn", dsn(database)])
    while not any((info or "").startswith("REPLACE INTO nps") for (info,) in query(database, others)):
        assert load.poll() is None
    os.kill(load.pid, signal.SIGKILL)
    load.wait(30)
    while query(database, others):
        pass
    assert checksums(database) == before


def test_errors_are_explained(
    mariadb: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("NPS_DSN", raising=False)
    assert main(["load"]) == 1
    assert "pass --dsn" in capsys.readouterr().err
    assert main(["load", "--dsn", "mysql://nobody@127.0.0.1:1/nothing"]) == 1
    assert "cannot use the database" in capsys.readouterr().err
    assert main(["change", "--dsn", dsn(mariadb.fresh_database("empty"))]) == 1
    assert "Run `python -m local.nps load` first" in capsys.readouterr().err
