"""What the operator makes of its arguments; nothing here needs a service."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException

from hooks.gretel_errors import GretelFatalError
from operators.gretel import GretelConsoleLink, GretelSyntheticsOperator
from operators.gretel_config import load_model_config, with_settings
from operators.gretel_source import S3Source
from operators.gretel_submission import model_name
from triggers.gretel import GretelModelTrigger

CONFIG = {"schema_version": "1.0", "models": [{"actgan": {"params": {"epochs": 10}, "generate": {"max_invalid": 5}}}]}
TASK = ("bookings", "manual__2026-11-20T09:00:00+00:00", "generate", "-1")


def test_a_name_says_where_it_comes_from() -> None:
    name = model_name(TASK, CONFIG, "data", 100)
    assert name.startswith("bookings-manual-2026-11-20t09-00-00-00-00-")
    assert name == model_name(TASK, dict(reversed(CONFIG.items())), "data", 100)


@pytest.mark.parametrize(
    "other",
    [
        (("other", *TASK[1:]), CONFIG, "data", 100),
        ((TASK[0], "other", *TASK[2:]), CONFIG, "data", 100),
        ((*TASK[:2], "other", "-1"), CONFIG, "data", 100),
        ((*TASK[:3], "0"), CONFIG, "data", 100),
        (TASK, {**CONFIG, "models": [{"actgan": {}}]}, "data", 100),
        (TASK, CONFIG, "other", 100),
        (TASK, CONFIG, "data", 101),
    ],
)
def test_any_difference_makes_another_name(other: tuple) -> None:
    assert model_name(*other) != model_name(TASK, CONFIG, "data", 100)


def test_long_and_strange_names_fit() -> None:
    name = model_name(("ä" * 300, "run/../" * 100, "t", "-1"), CONFIG, "data", 1)
    assert len(name) <= 97
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


def test_settings_of_a_run_go_into_the_config() -> None:
    changed = with_settings(CONFIG, num_records=7, evaluate={"sensitive": ["age"]})
    assert changed["models"][0]["actgan"] == {
        "params": {"epochs": 10},
        "generate": {"max_invalid": 5, "num_records": 7},
        "evaluate": {"sensitive": ["age"]},
    }
    assert "num_records" not in CONFIG["models"][0]["actgan"]["generate"]
    assert "evaluate" not in with_settings(CONFIG, num_records=7, evaluate={})["models"][0]["actgan"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "cart.yml").write_text("schema_version: '1.0'\nmodels:\n  - cart:\n      params: {}\n")
    (tmp_path / "configs" / "broken.yml").write_text("models: [\n")
    (tmp_path / "configs" / "other.yaml").write_text("- a\n- b\n")
    return tmp_path


@pytest.mark.parametrize("name", ["configs/cart.yml", "configs/cart"])
def test_a_config_is_found_below_the_folders(folder: Path, name: str) -> None:
    assert load_model_config(name, [folder / "configs", folder])["models"] == [{"cart": {"params": {}}}]
    assert load_model_config(str(folder / name), [])["models"] == [{"cart": {"params": {}}}]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("missing", "Model config 'missing' was not found in .* There is: broken.yml, cart.yml, other.yaml"),
        ("../configs/cart", "was not found"),
        ("configs/broken", "(?s)broken.yml is not YAML: .*line 2"),
        ("configs/other", "other.yaml is no Gretel model config: expected `models:` with one entry"),
        ({"models": []}, "model_config is no Gretel model config"),
        ({"models": [{"cart": {}}, {"cart": {}}]}, "no Gretel model config"),
        ({"models": [{"cart": None}]}, "no Gretel model config"),
        ({}, "no Gretel model config"),
    ],
)
def test_a_bad_config_is_named(folder: Path, source: Any, said: str) -> None:
    with pytest.raises(GretelFatalError, match=said):
        load_model_config(source, [folder])


@pytest.mark.parametrize("uri", ["", "bucket/key.csv", "s3://bucket/key.parquet", "s3:///key.csv", "https://x/key.csv"])
def test_only_csv_on_s3_is_training_data(uri: str) -> None:
    with pytest.raises(AirflowFailException, match=r"expected s3://bucket/key ending in .csv or .csv.gz"):
        S3Source(uri, "aws_default")


def operator(**changes: Any) -> GretelSyntheticsOperator:
    values = {"task_id": "generate", "model_config": CONFIG, "data_source": "s3://b/k.csv", "num_records": 5, **changes}
    with DAG("bookings", schedule=None):
        return GretelSyntheticsOperator(**values)


@pytest.mark.parametrize("records", [0, -1, "many", None, ""])
def test_num_records_must_be_a_number(records: Any) -> None:
    with pytest.raises(GretelFatalError, match=r"num_records is .*, expected a whole number of 1 or more"):
        operator(num_records=records).records()


def test_the_shorter_limit_counts() -> None:
    """Airflow does not apply execution_timeout to deferred tasks."""
    assert operator(timeout=timedelta(hours=2)).patience == timedelta(hours=2)
    assert operator(timeout=timedelta(hours=2), execution_timeout=timedelta(hours=1)).patience == timedelta(hours=1)


def test_every_argument_that_can_be_a_template_is_one() -> None:
    built = operator()
    assert set(built.template_fields) <= set(vars(built))
    for name in ("model_config", "data_source", "data_sha256", "num_records", "project"):
        assert name in built.template_fields


def test_the_link_is_named() -> None:
    assert [link.name for link in operator().operator_extra_links] == ["Quality report", "Gretel model"]
    assert GretelConsoleLink().xcom_key == "_link_GretelConsoleLink"


def test_a_trigger_survives_its_serialization() -> None:
    values = {
        "gretel_conn_id": "gretel_default",
        "project": "proj_1",
        "model_id": "m1",
        "model_name": "bookings-1",
        "poll_interval": 1.5,
        "deadline": 12.0,
        "error_tolerance": 3.0,
    }
    assert GretelModelTrigger(**values).serialize() == ("triggers.gretel.GretelModelTrigger", values)
