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
from warehouse.data_tests import main, read_data_tests, run_data_tests
from warehouse.errors import CheckError, ConfigError

pytestmark = pytest.mark.integration

AT = datetime(2021, 9, 16, tzinfo=UTC).replace(tzinfo=None)
COLUMNS = {"id": "BIGINT", "score": "SMALLINT", "updated_at": "TIMESTAMP", "deleted": "SMALLINT"}


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
    rows = [(1, 9, AT, 0), (2, 0, AT, 0), (3, 99, AT, 1)]
    warehouse.load(plan(lake.put_batch(table, rows, target="analytics.nps"), audit=AUDIT))
    return config("analytics.nps")


SPOILERS: dict[str, Any] = {
    "unique_key": "INSERT INTO analytics.nps SELECT * FROM analytics.nps WHERE id = 1",
    "audited": "UPDATE analytics.nps SET _manifest_id = 'somebody' WHERE id = 1",
    "nps_score": "UPDATE analytics.nps SET score = 11 WHERE id = 1",
    "fresh": "UPDATE audit.loads SET loaded_at = '2021-09-16' WHERE target = 'analytics.nps'",
}


def test_a_load_passes_them(loaded: TableConfig, warehouse: Warehouse) -> None:
    results = run_data_tests(warehouse.connect, [loaded])
    assert {result.test: result.offending for result in results} == dict.fromkeys(SPOILERS, 0)


def test_each_can_fail(loaded: TableConfig, warehouse: Warehouse, lake: Lake, caplog: pytest.LogCaptureFixture) -> None:
    assert {test.name for test in read_data_tests()} == set(SPOILERS)
    caplog.set_level(logging.WARNING)
    for test in read_data_tests():
        warehouse.execute(SPOILERS[test.name])
        if test.level == "warn":
            results = run_data_tests(warehouse.connect, [loaded], tests=[test])
            assert [result.offending for result in results] == [1]
            assert f"analytics.nps: {test.name}: 1 {test.description}" in caplog.text
        else:
            with pytest.raises(CheckError, match=f"analytics.nps: {test.name}: 1 {test.description}"):
                run_data_tests(warehouse.connect, [loaded], tests=[test])


def test_all_failures_are_told_together(loaded: TableConfig, warehouse: Warehouse) -> None:
    for name in ("unique_key", "nps_score"):
        warehouse.execute(SPOILERS[name])
    with pytest.raises(CheckError, match=r"nps_score: 2 .*; analytics.nps: unique_key: 1"):
        run_data_tests(warehouse.connect, [loaded])


def test_a_test_of_another_table_is_not_run(warehouse: Warehouse, lake: Lake) -> None:
    table = Table("other", COLUMNS)
    warehouse.load(plan(lake.put_batch(table, [], target="analytics.other"), audit=AUDIT))
    assert {result.test for result in run_data_tests(warehouse.connect, [config("analytics.other")])} == {
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
        read_data_tests(tmp_path)
