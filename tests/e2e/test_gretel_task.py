"""The Gretel connection type and the Gretel task in a real Airflow: what people do to a task that waits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from local.airflow_api import AirflowApi
from local.health import wait_until
from local.stack import Stack
from tests.e2e.test_synthetics import DAG_ID, model_statuses
from tests.support.runs import Run, trigger

TASK = "generate_synthetic_features"
LONG = {"row_limit": 6000, "num_records": 4_000_000}
AT_WORK = {"created", "pending", "active"}


def test_gretel_is_a_connection_type_with_a_form(airflow: AirflowApi) -> None:
    answer = airflow.session.get(f"{airflow.url}/ui/connections/hook_meta", timeout=60)
    assert answer.ok, answer.text
    [form] = [entry for entry in answer.json() if entry["connection_type"] == "gretel"]
    assert form["hook_name"] == "Gretel"
    standard = form["standard_fields"]
    assert {name: field["title"] for name, field in standard.items() if field and field["title"]} == {
        "host": "API host",
        "url_schema": "Scheme",
        "password": "API key",
    }
    assert standard["login"]["hidden"]
    assert standard["host"]["placeholder"] == "api.gretel.ai"
    labels = {name: field["schema"]["title"] for name, field in form["extra_fields"].items()}
    assert labels == {
        "project": "Project",
        "connect_timeout": "Connect timeout (seconds)",
        "read_timeout": "Read timeout (seconds)",
        "allow_http": "Allow http over a network",
    }


@pytest.mark.parametrize(
    "conf",
    [
        {"row_limit": "1; DROP TABLE users"},
        {"row_limit": 0},
        {"num_records": "many"},
        {"sql_file": "../../../../etc/passwd"},
        {"model_config": "../model_configs/tabular-actgan.yml"},
        {"min_quality": None},
        {"max_membership_auc": 2},
    ],
    ids=str,
)
def test_parameters_that_the_form_would_refuse_start_no_run(airflow: AirflowApi, conf: dict[str, Any]) -> None:
    airflow.wait_for_dag(DAG_ID)
    answer = airflow.session.post(
        f"{airflow.url}/api/v2/dags/{DAG_ID}/dagRuns", json={"logical_date": None, "conf": conf}, timeout=30
    )
    assert answer.status_code == 400, answer.text
    [name] = conf
    assert name in answer.text


@pytest.fixture
def waiting(engines: Stack, airflow: AirflowApi, bookings: str) -> Iterator[tuple[Run, str]]:
    """A run whose model is at work, with nobody waiting for it but the triggerer; and that model."""
    earlier = set(model_statuses(engines))
    run = trigger(airflow, DAG_ID, LONG)
    run.wait_for_task(TASK, {"deferred"})
    [model] = set(model_statuses(engines)) - earlier
    wait_until(lambda: None if _count(run, " starting") else "the triggerer has not taken over yet", seconds=60)
    yield run, model
    airflow.session.patch(
        f"{airflow.url}/api/v2/dags/{DAG_ID}/dagRuns/{run.run_id}", json={"state": "failed"}, timeout=30
    )


def becomes(engines: Stack, model: str, statuses: set[str]) -> None:
    def unmet() -> str | None:
        status = model_statuses(engines)[model]
        return None if status in statuses else f"the model is {status}, expected {statuses}"

    wait_until(unmet, seconds=60)


def mark(airflow: AirflowApi, run: Run, state: str) -> None:
    path = f"dags/{DAG_ID}/dagRuns/{run.run_id}/taskInstances/{TASK}"
    answer = airflow.session.patch(f"{airflow.url}/api/v2/{path}", json={"new_state": state}, timeout=30)
    assert answer.ok, answer.text


def test_marking_it_successful_cancels_the_model(engines: Stack, airflow: AirflowApi, waiting: tuple[Run, str]) -> None:
    run, model = waiting
    mark(airflow, run, "success")
    becomes(engines, model, {"cancelled"})


def test_clearing_it_leaves_one_model_at_work(engines: Stack, airflow: AirflowApi, waiting: tuple[Run, str]) -> None:
    run, model = waiting
    earlier = set(model_statuses(engines))
    answer = airflow.post(
        f"dags/{DAG_ID}/clearTaskInstances",
        {"dry_run": False, "dag_run_id": run.run_id, "task_ids": [TASK], "only_failed": False, "reset_dag_runs": True},
    )
    assert [task["task_id"] for task in answer["task_instances"]] == [TASK]

    def unmet() -> str | None:
        task = run.tasks()[TASK]
        return None if (task["state"], task["try_number"]) == ("deferred", 2) else f"{TASK} is {task['state']}"

    wait_until(unmet, seconds=120)
    statuses = model_statuses(engines)
    assert sum(statuses[uid] in AT_WORK for uid in {model, *(set(statuses) - earlier)}) == 1
    if statuses[model] not in AT_WORK:  # the usual case: cancelled before the second try began
        assert statuses[model] == "cancelled"
        assert len(set(statuses) - earlier) == 1


def test_a_restart_of_the_triggerer_goes_unnoticed_until_it_is_marked_failed(
    engines: Stack, airflow: AirflowApi, waiting: tuple[Run, str]
) -> None:
    run, model = waiting
    wait_until(lambda: None if "Beginning model training" in run.log(TASK) else "training has not begun", seconds=60)
    engines.supervisor.stop("airflow-triggerer")
    assert model_statuses(engines)[model] in AT_WORK
    engines.supervisor.start("airflow-triggerer")
    wait_until(lambda: None if _count(run, " starting") == 2 else "the new triggerer has not taken over", seconds=90)
    assert run.tasks()[TASK]["state"] == "deferred"
    assert model_statuses(engines)[model] in AT_WORK
    assert _count(run, "Beginning model training") == 1  # the log goes on, it does not start again
    mark(airflow, run, "failed")
    becomes(engines, model, {"cancelled"})


def _count(run: Run, text: str) -> int:
    return sum(text in line for line in run.log(TASK).splitlines())
