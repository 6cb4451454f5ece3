"""Model configurations become plans."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.gretel.api.errors import ApiError
from services.gretel.model_config import plan_model
from services.gretel.model_types import MODEL_TYPES
from services.gretel.record_params import plan_records

KEY = f"gretel_{'0' * 32}_data.csv"


def config(model_type: str, **section: Any) -> dict[str, Any]:
    return {"schema_version": "1.0", "name": "x", "models": [{model_type: {"data_source": KEY, **section}}]}


def test_every_default_is_filled_in_and_the_given_one_is_left_alone() -> None:
    given = config("actgan", generate={"num_records": None})
    before = repr(given)

    plan = plan_model(given, max_records=10_000)

    assert repr(given) == before
    section = plan.config["models"][0]["actgan"]
    assert section["params"] == {"epochs": "auto"}  # gretel-client reads it when it polls
    assert section["generate"] == {"num_records": 5000}
    assert section["evaluate"] == {
        "skip": False,
        "holdout": 0.2,
        "quasi_identifiers": [],
        "sensitive": [],
        "targets": [],
        "seed": plan.task["seed"],
    }
    assert plan.data_source == KEY
    assert plan.task["engine"] == "cart"
    assert plan.task["params"] == {}


def test_the_engines_own_parameters_reach_it() -> None:
    plan = plan_model(config("cart", params={"min_leaf": 20}, evaluate={"seed": "3", "holdout": 0.3}), max_records=9999)

    assert plan.task["params"] == {"min_leaf": 20}
    assert (plan.task["seed"], plan.task["evaluate"]["holdout"]) == (3, 0.3)
    assert plan.task["unused"] == []


def test_a_data_source_may_come_as_a_list_of_one() -> None:
    assert plan_model(config("cart", data_source=[KEY]), max_records=9999).data_source == KEY
    with pytest.raises(ApiError, match="must be one artifact key"):
        plan_model(config("cart", data_source=[KEY, KEY]), max_records=9999)


def test_a_model_without_a_name_gets_one() -> None:
    nameless = {key: value for key, value in config("tabular_ft").items() if key != "name"}

    first, second = (plan_model(nameless, max_records=9999) for _ in range(2))

    assert first.name.startswith("tabular-ft-")
    assert first.name != second.name
    assert first.config["name"] == first.name


def test_what_the_engine_does_not_use_is_listed() -> None:
    section = {
        "train": {"group_training_examples_by": "user", "params": {"rope_scaling_factor": 2}},
        "params": {"num_input_records_to_sample": "auto", "lora_r": None},
        "generate": {"num_records": 5, "temperature": 0.7},
        "privacy_params": {"dp": False},
        "evaluate": {"seed": 1, "correlation_columns": 5},
        "order_training_examples_by": None,
    }

    plan = plan_model(config("tabular_ft", **section), max_records=9999)

    assert plan.task["unused"] == [
        "evaluate.correlation_columns",
        "generate.temperature",
        "params.num_input_records_to_sample",
        "privacy_params.dp",
        "train.group_training_examples_by",
        "train.params.rope_scaling_factor",
    ]


@pytest.mark.parametrize("name", sorted(MODEL_TYPES))
def test_every_model_type_takes_its_minimum(name: str) -> None:
    assert plan_model(config(name), max_records=9999).model_type == name


@pytest.mark.parametrize("bad", [None, [], "text", 3])
def test_a_configuration_is_an_object(bad: object) -> None:
    with pytest.raises(ApiError, match="Invalid model config: expected an object"):
        plan_model(bad, max_records=9999)


@pytest.mark.parametrize("share", [0.0, 0.19, 0.51])
def test_a_fifth_of_the_rows_or_more_is_kept_from_training(share: float) -> None:
    with pytest.raises(ApiError, match=r"evaluate\.holdout must be a share of the rows from 0\.2 to 0\.5"):
        plan_model(config("cart", evaluate={"holdout": share}), max_records=9999)


def test_records_default_to_what_the_model_was_asked_for() -> None:
    params, task = plan_records(None, data_source=None, ref_data={}, model_task={"num_records": 12}, max_records=99)

    assert params["num_records"] == task["num_records"] == 12
    assert params["seed"] == task["seed"]


def test_records_take_numbers_as_the_command_line_sends_them() -> None:
    asked = {"num_records": "30", "seed": "4", "max_invalid": None, "temperature": 0.3}

    _, task = plan_records(asked, data_source="", ref_data=None, model_task={"num_records": 12}, max_records=99)

    assert task == {"num_records": 30, "seed": 4, "unused": ["params.temperature"]}


@pytest.mark.parametrize("value", ["many", "-3", "", 0, 100, 2.0, False, [5]])
def test_a_bad_number_of_records_is_refused(value: object) -> None:
    with pytest.raises(ApiError, match=r"params\.num_records"):
        plan_records(
            {"num_records": value}, data_source=None, ref_data=None, model_task={"num_records": 1}, max_records=99
        )


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
KNOWN_NAMES = (
    "params",
    "generate",
    "evaluate",
    "train",
    "privacy_params",
    "data_source",
    "ref_data",
    "privacy_filters",
)
SECTIONS = st.dictionaries(
    st.sampled_from(KNOWN_NAMES),
    VALUES | st.dictionaries(st.sampled_from(("num_records", "seed", "holdout", "skip", "dp", "params")), VALUES),
)


unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def status_of(attempt: Callable[[], object]) -> int:
    """200, or the status of the refusal."""
    try:
        attempt()
    except ApiError as error:
        return error.status
    return 200


@unhurried
@given(st.sampled_from(sorted(MODEL_TYPES)), SECTIONS)
def test_whatever_is_posted_is_planned_or_refused(model_type: str, section: dict[str, Any]) -> None:
    assert status_of(lambda: plan_model(config(model_type, **section), max_records=9999)) in {200, 400}


@unhurried
@given(VALUES, VALUES)
def test_whatever_is_asked_of_a_record_handler_is_planned_or_refused(params: object, data_source: object) -> None:
    model = {"num_records": 1}

    def attempt() -> object:
        return plan_records(params, data_source=data_source, ref_data=None, model_task=model, max_records=99)

    assert status_of(attempt) in {200, 400}
