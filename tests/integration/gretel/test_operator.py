"""The operator against the real service and S3; its deferral is run by hand, as Airflow does it."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import os
import signal
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowException, AirflowFailException, TaskDeferred

from hooks.gretel import GretelHook
from hooks.gretel_errors import GretelError, GretelFatalError
from local.components.gretel import Gretel
from operators.gretel import GretelSyntheticsOperator
from tests.conftest import S3
from tests.integration.gretel.conftest import CONN_ID, SLOW, SMALL
from tests.support.fault_proxy import FaultProxy, answer, held_request, lost_response

pytestmark = pytest.mark.integration

FAST = {"schema_version": "1.0", "models": [{"cart": {"evaluate": {"skip": True}}}]}
AT_WORK = {"created", "pending", "active"}


@pytest.fixture
def make(hook: GretelHook, store: Callable[..., str]) -> Callable[..., GretelSyntheticsOperator]:
    """An operator through the proxy; each call is a new try of the same task."""

    def build(data: bytes | None = SMALL, **changes: Any) -> GretelSyntheticsOperator:
        values = {
            "task_id": "generate",
            "model_config": FAST,
            "data_source": store(data) if data is not None else "s3://no-such-bucket/raw/features.csv",
            "num_records": "20",
            "gretel_conn_id": hook.gretel_conn_id,
            "poll_interval": 0.1,
            **changes,
        }
        with DAG("bookings", schedule=None):
            return GretelSyntheticsOperator(**values)

    return build


def run(operator: GretelSyntheticsOperator, context: dict[str, Any]) -> Any:
    """Execute, and if the task defers, wait with its trigger and resume it, as Airflow does."""
    try:
        return operator.execute(context)
    except TaskDeferred as deferred:
        event = asyncio.run(asyncio.wait_for(_first_event(deferred.trigger), 100))
        return getattr(operator, deferred.method_name)(context, event=event, **(deferred.kwargs or {}))


async def _first_event(trigger: Any) -> Any:
    async for event in trigger.run():
        return event.payload
    raise AssertionError("no event")


def defer(operator: GretelSyntheticsOperator, context: dict[str, Any]) -> TaskDeferred:
    with pytest.raises(TaskDeferred) as caught:
        operator.execute(context)
    return caught.value


@pytest.mark.parametrize("deferrable", [True, False])
def test_from_s3_to_a_model(make, context, direct: GretelHook, statuses, deferrable: bool) -> None:
    result = run(make(deferrable=deferrable, extract={"rows": 200}), context)
    project = direct.default_project
    model = direct.get_model(project, result["model_id"])
    assert result == {
        "project_id": project.project_guid,
        "model_id": model.model_id,
        "model_name": model.name,
        "num_records": 20,
        "artifact_key": model.data_source,
        "gretel_conn_id": CONN_ID,
        "extract": {"rows": 200},
    }
    assert statuses() == ["completed"]
    with project.get_artifact_handle(result["artifact_key"]) as stream:
        assert stream.read() == SMALL
    with direct.open_artifact(model, "data_preview") as stream:
        assert len(stream.read().splitlines()) == 21
    assert context["ti"].xcoms == {}  # no console, no link


def test_compressed_data_and_their_digest(make, store, context, direct: GretelHook) -> None:
    packed = gzip.compress(SMALL)
    uri = store(packed, "raw/features.csv.gz")
    result = run(make(data_source=uri, data_sha256=hashlib.sha256(packed).hexdigest()), context)
    assert result["artifact_key"].endswith(".csv.gz")
    model = direct.get_model(direct.default_project, result["model_id"])
    assert model.status.value == "completed"


def test_columns_that_matter_reach_the_service(make, context, direct: GretelHook) -> None:
    deferred = defer(make(SLOW, quasi_identifiers=["c1", "c2"], sensitive=["c3"]), context)
    model = direct.get_model(direct.default_project, deferred.kwargs["facts"]["model_id"])
    settings = model.model_config["models"][0]["cart"]
    assert settings["evaluate"]["quasi_identifiers"] == ["c1", "c2"]
    assert settings["evaluate"]["sensitive"] == ["c3"]
    assert settings["generate"]["num_records"] == 20


def test_a_retry_attaches(make, context, statuses, proxy: FaultProxy) -> None:
    first = defer(make(SLOW), context).kwargs["facts"]
    again = defer(make(SLOW), context).kwargs["facts"]
    assert again == first
    assert len(statuses()) == 1
    assert proxy.count("PUT", "/uploads/") == 1


def test_a_retry_after_the_end_returns_at_once(make, context, statuses) -> None:
    result = run(make(), context)
    assert make().execute(context) == result
    assert statuses() == ["completed"]


def test_another_run_or_other_data_train_anew(make, context, statuses) -> None:
    first = defer(make(SLOW), context).kwargs["facts"]
    context["ti"].run_id = "manual__2026-11-21T09:00"
    second = defer(make(SLOW), context).kwargs["facts"]
    third = defer(make(SLOW[:-10]), context).kwargs["facts"]
    fourth = defer(make(SLOW, num_records=21), context).kwargs["facts"]
    assert len({facts["model_name"] for facts in (first, second, third, fourth)}) == 4
    assert len(statuses()) == 4


def test_the_answer_to_the_submission_is_lost(make, context, statuses, proxy: FaultProxy) -> None:
    proxy.inject("POST", r"/models\?", lost_response())
    assert run(make(), context)["num_records"] == 20
    assert statuses() == ["completed"]


# What goes wrong, and what is said


def test_the_key_never_leaves_the_connection(make, context, gretel: Gretel, task_log: Callable[[], str]) -> None:
    deferred = defer(make(SLOW), context)
    shown = [str(deferred.trigger.serialize()), str(deferred.kwargs), str(vars(make(SLOW))), task_log()]
    assert not [text for text in shown if gretel.api_key in text]


def test_a_model_that_fails(make, context, direct: GretelHook, statuses) -> None:
    with pytest.raises(GretelFatalError) as caught:
        run(make(b"a,b\n1,2\n"), context)
    model = next(direct.default_project.search_models(factory=dict))
    assert statuses() == ["error"]
    said = f"Gretel model {model['model_name']} ({model['uid']}) failed: {model['error_msg'].rstrip('.')}. "
    assert str(caught.value).startswith(said)
    assert str(caught.value).endswith("Correct the model config or the data, then clear the task.")
    assert direct.default_project.artifacts == []


def test_a_model_that_takes_too_long(make, context, direct: GretelHook, statuses) -> None:
    with pytest.raises(
        GretelFatalError, match=r"did not end within 0:00:01 .*and was cancelled. Raise the task's `timeout`"
    ):
        run(make(SLOW, timeout=timedelta(seconds=1)), context)
    assert statuses() == ["cancelled"]
    assert direct.default_project.artifacts == []


def test_a_model_that_somebody_cancels(make, context, direct: GretelHook) -> None:
    operator = make(SLOW)
    deferred = defer(operator, context)
    direct.cancel_model(direct.get_model(direct.default_project, deferred.trigger.model_id))
    event = asyncio.run(_first_event(deferred.trigger))
    with pytest.raises(GretelFatalError, match=r"was cancelled in Gretel, by a person .*Clear the task to train again"):
        operator.execute_complete(context, event, **deferred.kwargs)
    assert direct.default_project.artifacts == []
    assert defer(make(SLOW), context).kwargs["facts"]["model_id"] != deferred.trigger.model_id


def test_a_model_that_is_lost(make, context, direct: GretelHook) -> None:
    operator = make(SLOW)
    deferred = defer(operator, context)
    with pytest.raises(
        GretelError, match=r"was lost: Gretel's worker stopped answering \(gone\). The task's retry trains"
    ):
        operator.execute_complete(context, {"status": "lost", "message": "gone"}, **deferred.kwargs)


def test_a_status_that_nobody_knows(make, context) -> None:
    operator = make(SLOW)
    deferred = defer(operator, context)
    with pytest.raises(GretelFatalError, match=r"ended with the unknown status 'exploded'"):
        operator.execute_complete(context, {"status": "exploded", "message": ""}, **deferred.kwargs)


def test_gretel_goes_away_while_it_trains(make, context, proxy: FaultProxy, statuses) -> None:
    operator = make(SLOW, error_tolerance=timedelta(seconds=1))
    deferred = defer(operator, context)
    proxy.inject("GET", "/", answer(503), times=None)
    event = asyncio.run(_first_event(deferred.trigger))
    with pytest.raises(GretelError, match=r"the task's retry attaches to it"):
        operator.execute_complete(context, event, **deferred.kwargs)
    proxy.heal()
    assert statuses()[0] in AT_WORK
    assert defer(make(SLOW), context).kwargs == deferred.kwargs


def test_the_key_is_withdrawn_while_it_trains(make, context, proxy: FaultProxy, statuses) -> None:
    operator = make(SLOW)
    deferred = defer(operator, context)
    proxy.inject("GET", "/", answer(401), times=None)
    event = asyncio.run(_first_event(deferred.trigger))
    with pytest.raises(GretelFatalError, match=r"API key was refused.* clearing the task attaches to it"):
        operator.execute_complete(context, event, **deferred.kwargs)
    assert statuses()[0] in AT_WORK


def test_the_extract_is_gone(make, context, s3: S3, bucket: str, statuses) -> None:
    for uri in (f"s3://{bucket}/raw/other.csv", "s3://no-such-bucket/raw/features.csv"):
        with pytest.raises(AirflowFailException, match=f"Training data {uri} is gone .*Clear the run from the task"):
            run(make(data_source=uri), context)
    assert statuses() == []


def test_the_extract_is_not_what_was_extracted(make, context, direct: GretelHook, statuses) -> None:
    with pytest.raises(
        AirflowFailException, match=r"expected 00ff: it was changed or truncated since it was extracted"
    ):
        run(make(data_sha256="00ff"), context)
    assert statuses() == []
    assert direct.default_project.artifacts == []


def test_the_extract_is_empty(make, context, statuses) -> None:
    with pytest.raises(AirflowFailException, match=r"is empty: there is nothing to learn. Clear the run"):
        run(make(b""), context)
    assert statuses() == []


def test_s3_is_away(make, context, monkeypatch: pytest.MonkeyPatch, statuses) -> None:
    operator = make()
    extra = {
        "endpoint_url": "http://127.0.0.1:9",  # nobody listens there
        "region_name": "us-east-1",
        "config_kwargs": {"retries": {"max_attempts": 1}},
    }
    connection = {"conn_type": "aws", "login": "a", "password": "b", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(connection))
    with pytest.raises(
        AirflowException, match=r"could not be read: .*Check endpoint and key of connection aws_default"
    ) as caught:
        run(operator, context)
    assert not isinstance(caught.value, AirflowFailException)
    assert statuses() == []


def test_no_such_project(make, context, connect: Callable[..., str], proxy: FaultProxy) -> None:
    connect(proxy.endpoint, project="no-such-project")
    with pytest.raises(GretelFatalError, match=r"could not look up project 'no-such-project'"):
        run(make(gretel_conn_id=CONN_ID), context)


# Killed on the worker


def test_killed_while_the_model_is_being_submitted(
    make, context, statuses, proxy: FaultProxy, direct: GretelHook
) -> None:
    """SIGTERM arrives between the request and its answer: Airflow calls on_kill() in the signal's handler."""
    operator = make(SLOW)
    release = threading.Event()
    proxy.inject("POST", r"/models\?", held_request(release))

    def kill(*_: object) -> None:
        operator.on_kill()
        release.set()

    def terminate_when_submitting() -> None:
        while not proxy.count("POST", r"/models\?"):
            release.wait(0.05)
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, kill)
    try:
        threading.Thread(target=terminate_when_submitting).start()
        with pytest.raises(GretelError, match=r"The task was killed; Gretel model .* was cancelled"):
            operator.execute(context)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert statuses() == ["cancelled"]
    assert direct.default_project.artifacts == []


def test_killed_while_it_waits_on_the_worker(make, context, statuses, direct: GretelHook) -> None:
    operator = make(SLOW, deferrable=False)

    def kill_when_at_work() -> None:
        while not statuses():
            pass
        operator.on_kill()

    thread = threading.Thread(target=kill_when_at_work)
    thread.start()
    with pytest.raises(AirflowException, match=r"was cancelled"):
        operator.execute(context)
    thread.join()
    assert statuses() == ["cancelled"]
    assert direct.default_project.artifacts == []


def test_killed_before_anything_happened(make) -> None:
    make().on_kill()
