"""The printed SQL is the SQL that runs."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlfluff

from tests.integration.warehouse_load.conftest import AUDIT, Source, Warehouse
from tests.support.loads import Lake, Table
from warehouse.load_plan import Method
from warehouse.plan_manifests import plan_manifests
from warehouse.render import main, render_load

pytestmark = pytest.mark.integration

AT = datetime(2021, 9, 16, tzinfo=UTC).replace(tzinfo=None)


@pytest.mark.parametrize("method", [Method.UPSERT, Method.REPLACE])
def test_a_first_load_executes_what_is_rendered(
    method: Method, warehouse: Warehouse, lake: Lake, caplog: pytest.LogCaptureFixture
) -> None:
    table = Table(f"rendered_{method.lower()}", {"id": "BIGINT", "note": "VARCHAR(9)", "updated_at": "TIMESTAMP"})
    url, manifest = lake.put_batch(table, [(1, "x", AT)], target=f"r.{table.name}", window=None)
    plan = plan_manifests({url: manifest}, audit=AUDIT, method=method)
    warehouse.execute("CREATE SCHEMA IF NOT EXISTS r", "DROP TABLE IF EXISTS audit.loads")
    caplog.set_level(logging.INFO, "warehouse.redshift")

    warehouse.load(lambda _: plan, loaded_by="me")

    looks = ("FROM svv_columns", "FROM svv_tables")
    executed = [record.getMessage() for record in caplog.records if record.name == "warehouse.redshift"]
    assert [text for text in executed if not any(look in text for look in looks)] == render_load(
        plan, warehouse.authorization.sql, loaded_by="me"
    )


@pytest.fixture
def config(source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    access = source.arguments
    mysql = {
        "conn_type": "mysql",
        "host": access["host"],
        "port": access["port"],
        "login": access["user"],
        "password": access["password"],
        "schema": access["database"],
        "extra": {"charset": "utf8mb4"},
    }
    monkeypatch.setenv("AIRFLOW_CONN_MYSQL_PROD", json.dumps(mysql))
    source.execute(
        "CREATE TABLE IF NOT EXISTS shown (id int PRIMARY KEY, email varchar(40), amount decimal(9,2),"
        " updated_at datetime NOT NULL, gone tinyint(1), KEY (updated_at))"
    )
    path = tmp_path / "tables.yml"
    path.write_text(
        f"tables:\n  shown:\n    source: {source.database}.shown\n    target: marts.shown\n    primary_key: [id]\n"
        "    mode: mutable\n    cursor: updated_at\n    deleted_flag: gone\n    pii: {email: hash}\n    distkey: id\n"
    )
    return path


@pytest.mark.parametrize("options", [[], ["--full-refresh"]])
def test_the_command_prints_a_tables_load(options: list[str], config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["shown", "--config", str(config), *options]) == 0

    printed = capsys.readouterr().out
    assert '"email" VARCHAR(64)' in printed
    assert 'DISTKEY ("id")' in printed
    assert ("MERGE INTO" in printed) == (not options)
    statements = printed.split(";\n\n")
    assert len(statements) > 15
    for statement in statements:
        sqlfluff.parse(statement.rstrip(";\n"), dialect="redshift")


def test_the_command_says_what_is_wrong(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nope", "--config", str(config)]) == 1
    assert "there is no table 'nope'; there are shown" in capsys.readouterr().err
