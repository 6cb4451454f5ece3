"""Every DAG file parses quickly, and every DAG keeps the house rules."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from synthetics.feature_query import read_feature_query

REPOSITORY = Path(__file__).resolve().parents[2]
DAG_IDS = {"gretel_synthetics_airbnb_bookings", "mysql_to_redshift", "nps_summary"}
HEAVY = ("pandas", "gretel_client", "sklearn", "MySQLdb", "psycopg2", "pyarrow")

# Parsed in a process of its own, with an Airflow of its own: what a parse imports is part of what is tested.
PARSE = """
import json, sys
from pathlib import Path
from airflow.dag_processing.dagbag import BundleDagBag
bag = BundleDagBag(sys.argv[1], bundle_path=Path(sys.argv[1]), bundle_name="dags-folder")
heavy = [name for name in sys.argv[2].split(",") if name in sys.modules]
dags = {
    dag.dag_id: {
        "doc": bool(dag.doc_md),
        "description": dag.description,
        "tags": sorted(dag.tags),
        "file": dag.fileloc,
        "tasks": {
            task.task_id: {"down": sorted(task.downstream_task_ids), "owner": task.owner, "retries": task.retries}
            for task in dag.tasks
        },
    }
    for dag in bag.dags.values()
}
print("RESULT" + json.dumps({"errors": bag.import_errors, "dags": dags, "heavy": heavy}))
"""


def parse(folder: Path, airflow_home: Path, plugins: Path = REPOSITORY / "plugins") -> dict:
    env = {
        **os.environ,
        "AIRFLOW_HOME": str(airflow_home),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(plugins),
        "PYTHONPATH": str(plugins),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }
    command = [sys.executable, "-c", PARSE, str(folder), ",".join(HEAVY)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=120, cwd=airflow_home)
    assert "RESULT" in done.stdout, done.stderr
    return json.loads(done.stdout.split("RESULT")[1])


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> dict:
    return parse(REPOSITORY / "dags", tmp_path_factory.mktemp("airflow"))


def test_no_import_errors(parsed: dict) -> None:
    assert parsed["errors"] == {}


def test_exactly_these_dags(parsed: dict) -> None:
    assert set(parsed["dags"]) == DAG_IDS, "a DAG was added or lost: change DAG_IDS, and test it"


def test_nothing_heavy_is_imported_while_parsing(parsed: dict) -> None:
    assert parsed["heavy"] == [], "import these inside tasks: every parse pays for them"


def test_house_rules(parsed: dict) -> None:
    for dag_id, dag in parsed["dags"].items():
        assert dag["doc"], f"{dag_id}: give it doc_md=__doc__, which says what it does and what to do when it fails"
        assert dag["tags"], f"{dag_id}: give it a tag, by which people find it"
        for task_id, task in dag["tasks"].items():
            assert task["owner"] != "airflow", f"{dag_id}.{task_id}: name an owner who answers for it"
            assert task["retries"] >= 1, f"{dag_id}.{task_id}: let it retry, networks fail"


def test_the_synthetics_pipeline_is_the_picture_in_its_documentation(parsed: dict) -> None:
    tasks = parsed["dags"]["gretel_synthetics_airbnb_bookings"]["tasks"]
    assert {task_id: task["down"] for task_id, task in tasks.items()} == {
        "extract_features": ["generate_synthetic_features"],
        "generate_synthetic_features": ["evaluate_synthetic_features", "upload_synthetic_features"],
        "evaluate_synthetic_features": ["upload_synthetic_features"],
        "upload_synthetic_features": ["delete_raw_features"],
        "delete_raw_features": [],
    }


def test_the_querys_description_is_shown_with_its_pipeline(parsed: dict) -> None:
    query = read_feature_query(REPOSITORY / "sql" / "features" / "session_rollups__by_user.sql")
    assert parsed["dags"]["gretel_synthetics_airbnb_bookings"]["description"] == query.description


def test_a_mistake_in_the_front_matter_is_an_import_error(tmp_path: Path) -> None:
    for part in ("dags", "sql"):
        shutil.copytree(REPOSITORY / part, tmp_path / part)
    query = tmp_path / "sql" / "features" / "session_rollups__by_user.sql"
    query.write_text(query.read_text().replace("entity_key:", "entity:"))
    found = parse(tmp_path / "dags", tmp_path)
    [(file, error)] = found["errors"].items()
    assert "airbnb" in file
    assert f"{query}:4: found the key 'entity'; expected only description, entity_key," in error
    assert set(found["dags"]) == DAG_IDS - {"gretel_synthetics_airbnb_bookings"}


def test_each_table_is_a_task_group(parsed: dict) -> None:
    tasks = parsed["dags"]["mysql_to_redshift"]["tasks"]
    down = {"plan_extracts": ["extract"], "extract": ["load"], "load": []}
    assert {task_id: task["down"] for task_id, task in tasks.items()} == {
        f"{table}.{task}": [f"{table}.{name}" for name in names]
        for table in ("nps", "numbers_and_times", "texts_and_bytes")
        for task, names in down.items()
    }


def test_a_further_table_is_a_block_and_a_further_summary_a_file(tmp_path: Path) -> None:
    for part in ("dags", "plugins", "sql"):
        shutil.copytree(REPOSITORY / part, tmp_path / part)
    with (tmp_path / "dags" / "warehouse" / "tables.yml").open("a") as tables:
        tables.write(
            "  orders: {source: shop.orders, target: analytics.orders, primary_key: [id], mode: append, cursor: at}\n"
        )
    summaries = tmp_path / "sql" / "summaries"
    summary = (summaries / "nps_summary.sql").read_text()
    (summaries / "orders_by_day.sql").write_text(summary.replace("nps_summary", "orders_by_day"))
    found = parse(tmp_path / "dags", tmp_path, tmp_path / "plugins")
    assert found["errors"] == {}
    assert set(found["dags"]) == DAG_IDS | {"orders_by_day"}
    steps = [task_id for task_id in found["dags"]["mysql_to_redshift"]["tasks"] if task_id.startswith("orders.")]
    assert steps == ["orders.plan_extracts", "orders.extract", "orders.load"]
    assert list(found["dags"]["orders_by_day"]["tasks"]) == ["check_inputs", "build", "check_output", "publish"]


def test_a_mistake_in_a_tables_block_is_an_import_error_with_its_line(tmp_path: Path) -> None:
    for part in ("dags", "sql"):
        shutil.copytree(REPOSITORY / part, tmp_path / part)
    tables = tmp_path / "dags" / "warehouse" / "tables.yml"
    lines = tables.read_text().replace("cursor: updated_at", "curser: updated_at", 1)
    tables.write_text(lines)
    found = parse(tmp_path / "dags", tmp_path)
    number = lines[: lines.index("curser")].count("\n") + 1
    [(file, error)] = found["errors"].items()
    assert "mysql_to_redshift" in file
    assert f"tables.yml:{number}: nps.curser: unknown key; known are source, target, primary_key" in error


def test_every_dag_file_is_short(parsed: dict) -> None:
    lines = {dag["file"]: len(Path(dag["file"]).read_text().splitlines()) for dag in parsed["dags"].values()}
    assert {file: count for file, count in lines.items() if count > 100} == {}
