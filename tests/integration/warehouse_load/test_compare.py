"""The comparison of whole tables: equal after a load, and every kind of difference is found and named."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from local.nps.database import apply_changes, replace_tables
from tests.conftest import S3, MariaDB, Redshift
from tests.integration.warehouse_load.conftest import AUDIT, Source, Warehouse
from transfers.pseudonyms import Pseudonyms
from warehouse.compare import Verdict, compare_table, main
from warehouse.config import Pii, TableConfig
from warehouse.config_file import load_tables
from warehouse.errors import CheckError
from warehouse.extract import Destination, extract_table
from warehouse.load_plan import Method
from warehouse.plan_manifests import plan_manifests
from warehouse.window import Window

pytestmark = pytest.mark.integration

CONFIG = Path(__file__).resolve().parents[3] / "dags" / "warehouse" / "tables.yml"
KEY = Pseudonyms("0123456789abcdef")


class Pair:
    """Tables in MariaDB and what was loaded of them."""

    def __init__(self, source: Source, warehouse: Warehouse, destination: Destination) -> None:
        self.source, self.warehouse, self.destination = source, warehouse, destination

    def carry(self, config: TableConfig, *, method: Method = Method.UPSERT, **options: Any) -> None:
        """Extract and load a table."""
        written = extract_table(self.source.connect, self.destination, config, **options)
        plan = plan_manifests({written.url: written.manifest}, audit=AUDIT, method=method)
        self.warehouse.load(lambda _: plan)

    def compare(self, config: TableConfig, **options: Any) -> Verdict:
        return compare_table(self.source.connect, self.warehouse.connect, config, **options)


@pytest.fixture(scope="module")
def pair(mariadb: MariaDB, redshift: Redshift, s3: S3) -> Pair:
    source = Source(mariadb.fresh_database("compare"))
    warehouse = Warehouse(redshift.fresh_database("compare"), redshift.iam_role)
    return Pair(source, warehouse, Destination(s3.client(), s3.fresh_bucket("compare"), "mysql"))


@pytest.fixture(scope="module")
def demo(pair: Pair) -> dict[str, TableConfig]:
    """The demo's tables, which hold every type of MySQL; all but the large one."""
    replace_tables(pair.source.arguments, seed=1)
    apply_changes(pair.source.arguments, seed=1)
    tables = {
        table.name: table.model_copy(update={"source": f"{pair.source.database}.{table.table}"})
        for table in load_tables(CONFIG)
    }
    for table in tables.values():
        pair.carry(table)
    return tables


@pytest.mark.parametrize("name", ["nps", "numbers_and_times", "texts_and_bytes"])
def test_the_demos_tables_are_equal(name: str, demo: dict[str, TableConfig], pair: Pair) -> None:
    verdict = pair.compare(demo[name])
    [(rows,)] = pair.warehouse.execute(f"SELECT COUNT(*) FROM {demo[name].target}_live")
    assert verdict.differences == ()
    assert (verdict.rows, str(verdict)) == (rows, f"{name}: equal: {rows:,} live rows, {verdict.columns} columns")


def test_every_column_of_every_type_is_looked_at(demo: dict[str, TableConfig], pair: Pair) -> None:
    for name in ("numbers_and_times", "texts_and_bytes"):
        config = demo[name]
        schema, _, table = config.target.partition(".")
        columns = pair.warehouse.execute(
            f"SELECT column_name FROM svv_columns WHERE table_schema = '{schema}' AND table_name = '{table}'"
        )
        kept = {*config.primary_key, config.cursor, config.deleted_flag, "_extracted_at", "_manifest_id"}
        changed = {column for (column,) in columns} - kept
        assert len(changed) > 10
        pair.warehouse.execute(
            f"CREATE TABLE kept_{name} AS SELECT * FROM {config.target}",
            f"UPDATE {config.target} SET {', '.join(f'{column} = NULL' for column in changed)}",
        )

        named = {column for difference in pair.compare(config).differences for column in difference.columns}

        assert named == changed
        pair.warehouse.execute(f"DELETE FROM {config.target}", f"INSERT INTO {config.target} SELECT * FROM kept_{name}")
        assert pair.compare(config).differences == ()


@pytest.fixture
def small(pair: Pair, request: pytest.FixtureRequest) -> TableConfig:
    """A table of three days, loaded."""
    name = request.node.name.removeprefix("test_")[:40]
    pair.source.execute(
        f"CREATE TABLE {name} (id int PRIMARY KEY, email varchar(40), ratio double, doc longtext"
        " CHECK (json_valid(doc)), amount decimal(9,2), updated_at datetime NOT NULL, gone tinyint(1) DEFAULT 0,"
        " KEY (updated_at)) CHARACTER SET utf8mb4",
        f"INSERT INTO {name} VALUES"
        " (1, 'a@x', 0.1, '{\"b\": 1, \"a\": [1.50, null]}', 1.50, '2021-09-16 01:00', 0),"
        " (2, 'b@x', 1e300, '[]', 2, '2021-09-16 02:00', 0),"
        " (3, 'c@x', NULL, NULL, 3, '2021-09-17 01:00', 0),"
        " (4, 'd@x', -0.0, '\"x\"', 4, '2021-09-18 01:00', 1)",
    )
    config = TableConfig(
        name=name,
        source=f"{pair.source.database}.{name}",
        target=f"small.{name}",
        primary_key=("id",),
        mode="mutable",
        cursor="updated_at",
        deleted_flag="gone",
        pii={"email": Pii.HASH},
    )
    pair.carry(config, pseudonyms=KEY)
    assert pair.compare(config, pseudonyms=KEY).differences == ()
    return config


SIXTEENTH, SEVENTEENTH, EIGHTEENTH = (date(2021, 9, day) for day in (16, 17, 18))
CHANGES: dict[str, tuple[str, dict[date, tuple[int, int, tuple[str, ...]]]]] = {
    "a value": ("UPDATE {t} SET amount = 9 WHERE id = 2", {SIXTEENTH: (2, 2, ("amount",))}),
    "values swapped": (
        "UPDATE {t} SET amount = CASE id WHEN 1 THEN 2 ELSE 1.5 END WHERE id < 3",
        {SIXTEENTH: (2, 2, ("amount",))},
    ),
    "the last bit of a float": (
        "UPDATE {t} SET ratio = 0.10000000000000002 WHERE id = 1",
        {SIXTEENTH: (2, 2, ("ratio",))},
    ),
    "JSON": ("UPDATE {t} SET doc = JSON_PARSE('[1]') WHERE id = 2", {SIXTEENTH: (2, 2, ("doc",))}),
    "a hash": ("UPDATE {t} SET email = 'x' WHERE id = 3", {SEVENTEENTH: (1, 1, ("email",))}),
    "a row missing": ("DELETE FROM {t} WHERE id = 3", {SEVENTEENTH: (1, 0, ())}),
    "a row too many": ("UPDATE {t} SET gone = 0 WHERE id = 4", {EIGHTEENTH: (0, 1, ())}),
    "a row twice": ("INSERT INTO {t} SELECT * FROM {t} WHERE id = 2", {SIXTEENTH: (2, 3, ())}),
    "a row on another day": (
        "UPDATE {t} SET updated_at = '2021-09-18' WHERE id = 3",
        {SEVENTEENTH: (1, 0, ()), EIGHTEENTH: (0, 1, ())},
    ),
}


def test_differences_are_found_and_named(small: TableConfig, pair: Pair) -> None:
    pair.warehouse.execute(f"CREATE TABLE small.good AS SELECT * FROM {small.target}")
    for what, (change, expected) in CHANGES.items():
        pair.warehouse.execute(change.format(t=small.target))
        verdict = pair.compare(small, pseudonyms=KEY)
        found = {item.day: (item.source_rows, item.target_rows, item.columns) for item in verdict.differences}
        # Where the numbers of rows differ, columns without a common text may be named, too.
        assert {day: rows[:2] for day, rows in found.items()} == {day: rows[:2] for day, rows in expected.items()}, what
        for day, (source_rows, target_rows, columns) in expected.items():
            if source_rows == target_rows:
                assert found[day][2] == columns, what
            assert str(day) in str(verdict)
        pair.warehouse.execute(f"DELETE FROM {small.target}", f"INSERT INTO {small.target} SELECT * FROM small.good")
    assert pair.compare(small, pseudonyms=KEY).differences == ()


def test_empty_and_null_stay_apart_or_the_load_is_refused(pair: Pair) -> None:
    pair.source.execute(
        "CREATE TABLE empties (id int PRIMARY KEY, bytes blob, words varchar(9), updated_at datetime NOT NULL)",
        "INSERT INTO empties VALUES (1, x'', '', '2021-09-16'), (2, NULL, NULL, '2021-09-16'), (3, x'00', ' ', now())",
    )
    config = TableConfig(
        name="empties",
        source=f"{pair.source.database}.empties",
        target="small.empties",
        primary_key=("id",),
        mode="mutable",
        cursor="updated_at",
    )
    with pytest.raises(CheckError, match=r"values of 'bytes': 2 extracted, 1 loaded.*give the table format: parquet"):
        pair.carry(config)
    pair.carry(config.model_copy(update={"format": "parquet"}))
    assert pair.warehouse.execute(
        "SELECT id, bytes IS NULL, TO_HEX(bytes), words IS NULL, LEN(words) FROM small.empties ORDER BY id"
    ) == [(1, False, "", False, 0), (2, True, None, True, None), (3, False, "00", False, 1)]
    assert pair.compare(config).differences == ()

    pair.source.execute("DELETE FROM empties WHERE id = 1", "INSERT INTO empties VALUES (1, x'01', '', '2021-09-17')")
    pair.carry(config)
    assert pair.compare(config).differences == ()


def test_a_hard_delete_is_told_apart_and_only_a_full_refresh_removes_it(small: TableConfig, pair: Pair) -> None:
    pair.source.execute(f"DELETE FROM {small.source} WHERE id = 2")
    verdict = pair.compare(small, pseudonyms=KEY)
    assert "2021-09-16: 1 live rows in MySQL, 2 in Redshift" in str(verdict)
    assert "\n  1 live rows more in Redshift than in MySQL. If a backfill leaves them" in str(verdict)
    pair.carry(
        small, pseudonyms=KEY, window=Window(datetime(2021, 9, 16, tzinfo=UTC), datetime(2021, 9, 17, tzinfo=UTC))
    )
    assert pair.compare(small, pseudonyms=KEY) == verdict
    pair.carry(small, pseudonyms=KEY, method=Method.REPLACE)
    assert pair.compare(small, pseudonyms=KEY).differences == ()


def test_hashed_columns_are_left_out_without_their_key(small: TableConfig, pair: Pair) -> None:
    pair.warehouse.execute(f"UPDATE {small.target} SET email = 'x'")
    verdict = pair.compare(small)
    assert verdict.differences == ()
    assert "(not compared without their key: email)" in str(verdict)
    assert len(pair.compare(small, pseudonyms=Pseudonyms("another key, of 16")).differences) == 2


def test_the_command(
    small: TableConfig,
    pair: Pair,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    access = pair.source.arguments
    mysql = {
        "conn_type": "mysql",
        "host": access["host"],
        "port": access["port"],
        "login": access["user"],
        "password": access["password"],
        "schema": access["database"],
    }
    monkeypatch.setenv("AIRFLOW_CONN_MYSQL_PROD", json.dumps(mysql))
    monkeypatch.setenv("AIRFLOW_CONN_REDSHIFT_DEFAULT", pair.warehouse.airflow_connection())
    monkeypatch.setenv("AIRFLOW_CONN_KEY", json.dumps({"conn_type": "generic", "password": "0123456789abcdef"}))
    path = tmp_path / "tables.yml"
    path.write_text(
        f"tables:\n  small:\n    source: {small.source}\n    target: {small.target}\n    primary_key: [id]\n"
        "    mode: mutable\n    cursor: updated_at\n    deleted_flag: gone\n    pii: {email: hash}\n"
    )
    arguments = ["--config", str(path), "--hash-key-conn-id", "key"]

    assert main(arguments) == 0
    assert "small: equal: 3 live rows, 7 columns\n" in capsys.readouterr().out
    pair.warehouse.execute(f"DELETE FROM {small.target} WHERE id = 3")
    assert main(["small", *arguments]) == 1
    assert "2021-09-17: 1 live rows in MySQL, 0 in Redshift" in capsys.readouterr().out
    pair.warehouse.execute(f"DROP TABLE {small.target} CASCADE")
    assert main(arguments) == 2
    assert "does not exist" in capsys.readouterr().err
