"""Data tests find what is wrong with targets, and each of the repository's own can fail."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.integration.warehouse_load.conftest import AUDIT, Warehouse
from tests.support.loads import Lake, Table, plan
from warehouse.config import TableConfig
from warehouse.data_tests import CHECKS, DataTest, Result, Subject, main, render_data_test, run_data_tests
from warehouse.errors import CheckError, ConfigError
from warehouse.redshift import open_session

pytestmark = pytest.mark.integration

AT = datetime(2021, 9, 16, tzinfo=UTC).replace(tzinfo=None)
COLUMNS = {
    "id": "BIGINT",
    "score": "SMALLINT",
    "created_at": "TIMESTAMP",
    "updated_at": "TIMESTAMP",
    "deleted": "SMALLINT",
}


def config(target: str) -> TableConfig:
    return TableConfig(
        name=target.split(".")[1],
        source="prod.x",
        target=target,
        primary_key=("id",),
        mode="mutable",
        cursor="updated_at",
    )


@pytest.fixture
def loaded(warehouse: Warehouse, lake: Lake) -> TableConfig:
    warehouse.execute("DROP TABLE IF EXISTS analytics.nps")
    table = Table("nps", COLUMNS, deleted_flag="deleted")
    rows = [(1, 9, AT, AT, 0), (2, 0, AT, AT, 0), (3, 99, AT, AT, 1)]
    warehouse.load(plan(lake.put_batch(table, rows, target="analytics.nps"), audit=AUDIT))
    return config("analytics.nps")


def run(warehouse: Warehouse, table: TableConfig, **options: Any) -> list[Result]:
    with open_session(warehouse.connect, "Redshift") as session:
        return run_data_tests(session, [Subject.of(table)], **options)


SPOILERS: dict[str, Any] = {
    "unique_key": "INSERT INTO analytics.nps SELECT * FROM analytics.nps WHERE id = 1",
    "audited": "UPDATE analytics.nps SET _manifest_id = 'somebody' WHERE id = 1",
    "nps_score": "UPDATE analytics.nps SET score = 11 WHERE id = 1",
    "fresh": "UPDATE audit.loads SET loaded_at = '2021-09-16' WHERE target = 'analytics.nps'",
}


def test_a_load_passes_them(loaded: TableConfig, warehouse: Warehouse) -> None:
    results = run(warehouse, loaded)
    assert {result.test: result.offending for result in results} == dict.fromkeys(SPOILERS, 0)


def test_each_can_fail(loaded: TableConfig, warehouse: Warehouse, lake: Lake, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    tests = [test for test in DataTest.read_folder(CHECKS) if Subject.of(loaded).concerns(test)]
    assert {test.name for test in tests} == set(SPOILERS)
    for test in tests:
        warehouse.execute(SPOILERS[test.name])
        if test.level == "warn":
            results = run(warehouse, loaded, tests=[test])
            assert [result.offending for result in results] == [1]
            assert f"analytics.nps: {test.name}: 1 {test.description}" in caplog.text
        else:
            with pytest.raises(CheckError, match=f"analytics.nps: {test.name}: 1 {test.description}"):
                run(warehouse, loaded, tests=[test])


def test_all_failures_are_told_together(loaded: TableConfig, warehouse: Warehouse) -> None:
    for name in ("unique_key", "nps_score"):
        warehouse.execute(SPOILERS[name])
    with pytest.raises(CheckError, match=r"nps_score: 2 .*; analytics.nps: unique_key: 1"):
        run(warehouse, loaded)


def test_a_test_of_another_table_is_not_run(warehouse: Warehouse, lake: Lake) -> None:
    table = Table("other", COLUMNS)
    warehouse.load(plan(lake.put_batch(table, [], target="analytics.other"), audit=AUDIT))
    assert {result.test for result in run(warehouse, config("analytics.other"))} == {
        "unique_key",
        "audited",
        "fresh",
    }


@pytest.mark.usefixtures("airflow_connections")
def test_the_command(
    loaded: TableConfig, warehouse: Warehouse, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "tables.yml"
    path.write_text(
        "tables:\n  nps: {source: prod.nps, target: analytics.nps, primary_key: [id], mode: mutable, cursor: at}\n"
    )
    assert main(["--config", str(path)]) == 0
    assert "ok  analytics.nps: unique_key: 0 keys are there more than once" in capsys.readouterr().out
    warehouse.execute(SPOILERS["unique_key"])
    assert main(["nps", "--config", str(path)]) == 1
    assert "unique_key: 1 keys are there more than once" in capsys.readouterr().err


FAULTS: dict[str, tuple[str, str]] = {
    "no front matter": ("SELECT 1", "x.sql:1: found no front matter"),
    "unknown level": ("/* ---\ndescription: d\nlevel: stop\n--- */\nSELECT 1", "x.sql: its front matter is wrong"),
    "unknown key": ("/* ---\ndescription: d\nlevel: fail\nx: 1\n--- */\nSELECT 1", "its front matter is wrong"),
    "no query": ("/* ---\ndescription: d\nlevel: fail\n--- */\n", "its front matter is wrong"),
}


@pytest.mark.parametrize("what", FAULTS)
def test_a_wrong_file_is_named(what: str, tmp_path: Path) -> None:
    text, message = FAULTS[what]
    (tmp_path / "x.sql").write_text(text)
    with pytest.raises(ConfigError, match=message):
        DataTest.read_folder(tmp_path)


def test_a_test_that_names_what_there_is_not_is_refused() -> None:
    test = DataTest(name="x", description="d", level="fail", target="a.b", query="SELECT COUNT({{ key }}) FROM a.b")
    assert render_data_test(test, Subject("a.b", ("id",))) == ['SELECT COUNT("id") FROM a.b']
    with pytest.raises(ConfigError, match=r"data test x cannot be filled in for a\.b: 'key' is undefined"):
        render_data_test(test, Subject("a.b"))
