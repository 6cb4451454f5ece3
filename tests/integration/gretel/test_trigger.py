"""The trigger, run in a real event loop against the real service."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import structlog
from airflow.sdk.module_loading import import_string

from hooks.gretel import GretelHook
from hooks.gretel_errors import GretelError, GretelFatalError
from tests.integration.gretel.conftest import CART, SLOW, SMALL
from tests.support.fault_proxy import FaultProxy, answer, held_response, lost_request
from tests.support.waiting import wait_until
from triggers.gretel import GretelModelTrigger

pytestmark = pytest.mark.integration

NAME = "bookings-run-0123456789abcdef"
READ = r"/models/[0-9a-f]+\?"


@pytest.fixture
def model(direct: GretelHook, upload: Callable[..., str], request: pytest.FixtureRequest):
    """A model on its way; by `indirect` parameter with other data than the slow ones."""
    key = upload(getattr(request, "param", SLOW), f"{NAME}.csv")
    config = {**CART, "models": [{"cart": {"evaluate": {"skip": True}}}]}
    return direct.submit_model(direct.default_project, config, name=NAME, data_source=key)


@pytest.fixture
def make(model, hook: GretelHook) -> Callable[..., GretelModelTrigger]:
    def build(**changes: Any) -> GretelModelTrigger:
        values = {
            "gretel_conn_id": hook.gretel_conn_id,
            "project": model.project.project_guid,
            "model_id": model.model_id,
            "model_name": NAME,
            "poll_interval": 0.1,
            "deadline": time.time() + 120,
            "error_tolerance": 60.0,
            **changes,
        }
        classpath, kwargs = GretelModelTrigger(**values).serialize()
        return import_string(classpath)(**kwargs)  # as the triggerer makes it

    return build


async def first_event(trigger: GretelModelTrigger) -> dict[str, Any]:
    async for event in trigger.run():
        return event.payload
    raise AssertionError("the trigger ended without an event")


def run(trigger: GretelModelTrigger) -> dict[str, Any]:
    return asyncio.run(asyncio.wait_for(first_event(trigger), 100))


@pytest.mark.parametrize("model", [SMALL], indirect=True)
def test_to_the_end(make, direct: GretelHook, model) -> None:
    with structlog.testing.capture_logs() as entries:
        assert run(make()) == {"status": "completed", "message": ""}
    lines = [entry["event"] for entry in entries]
    told = direct.get_model(direct.default_project, model.model_id).logs
    shown = [line for line in lines if line.startswith("[")]
    assert len(shown) == len(told)
    for line, entry in zip(shown, told, strict=True):
        assert line.startswith(f"[{entry['stage']}] {entry['msg']}")
    assert any("record_count=200" in line for line in lines)
    assert lines[-1] == "status: completed"


@pytest.mark.parametrize("model", [b"a,b\n1,2\n"], indirect=True)
def test_an_error_of_the_model(make, direct: GretelHook, model) -> None:
    event = run(make())
    assert event["status"] == "error"
    assert event["message"] == direct.get_model(direct.default_project, model.model_id).errors


def test_cancelled_in_gretel(make, direct: GretelHook, model) -> None:
    async def cancel_meanwhile() -> dict[str, Any]:
        waiting = asyncio.create_task(first_event(make()))
        await asyncio.to_thread(direct.cancel_model, direct.get_model(direct.default_project, model.model_id))
        return await waiting

    assert asyncio.run(cancel_meanwhile())["status"] == "cancelled"


def test_deleted_in_gretel(make, direct: GretelHook, model) -> None:
    model.delete()
    event = run(make())
    assert event["status"] == "refused"
    assert f"could not read model {model.model_id}" in event["message"]
    assert "deleted in Gretel. Clear the task to train a new model." in event["message"]


def test_too_long(make, statuses) -> None:
    event = run(make(deadline=time.time() + 0.5))
    assert event["status"] == "timeout"
    assert statuses()[0] in {"created", "pending", "active"}  # cancelling is up to the task


@pytest.mark.parametrize("model", [SMALL], indirect=True)
def test_a_service_that_comes_back(make, proxy: FaultProxy, task_log: Callable[[], str]) -> None:
    proxy.inject("GET", READ, answer(500), times=2)
    proxy.inject("GET", READ, lost_request(), times=2)
    assert run(make())["status"] == "completed"
    assert "injected (HTTP 500)" in task_log()
    assert "Looking again in 0.1 s" in task_log()
    assert make().gretel_conn_id in task_log()


def test_a_service_that_stays_away(make, proxy: FaultProxy, statuses) -> None:
    proxy.inject("GET", READ, answer(500), times=None)
    event = run(make(error_tolerance=1.0))
    assert event["status"] == "unreachable"
    assert "HTTP 500" in event["message"]
    assert statuses()[0] in {"created", "pending", "active"}


def test_a_key_that_was_withdrawn(make, proxy: FaultProxy, statuses) -> None:
    proxy.inject("GET", READ, answer(401, '{"message": "key expired"}'), times=None)
    event = run(make())
    assert event["status"] == "refused"
    assert "the API key was refused: key expired" in event["message"]
    assert statuses()[0] in {"created", "pending", "active"}


def test_a_killed_task_cancels_its_model(make, direct: GretelHook, statuses) -> None:
    asyncio.run(make().on_kill())
    assert statuses() == ["cancelled"]
    assert direct.default_project.artifacts == []


def test_cancelling_is_tried_again(make, proxy: FaultProxy, statuses) -> None:
    proxy.inject("PATCH", "/models/", answer(500), times=2)
    asyncio.run(make().on_kill())
    assert statuses() == ["cancelled"]


def test_a_model_that_cannot_be_cancelled_is_named(make, model, proxy: FaultProxy, statuses) -> None:
    proxy.inject("PATCH", "/models/", answer(500), times=None)
    with pytest.raises(GretelError, match=f"could not cancel model {model.model_id} .*HTTP 500"):
        asyncio.run(make().on_kill())
    proxy.heal()
    proxy.inject("PATCH", "/models/", answer(403))
    with pytest.raises(GretelFatalError, match="the API key may not do this"):
        asyncio.run(make().on_kill())
    assert statuses()[0] in {"created", "pending", "active"}


def test_a_restart_of_the_triggerer_cancels_nothing(make, statuses) -> None:
    async def restart() -> None:
        trigger = make()
        waiting = asyncio.create_task(first_event(trigger))
        await asyncio.sleep(0.5)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await trigger.cleanup()

    asyncio.run(restart())
    assert statuses()[0] in {"created", "pending", "active"}


def test_a_duplicate_that_turns_up_later_is_cancelled(make, direct: GretelHook, model, statuses) -> None:
    direct.submit_model(direct.default_project, CART, name=NAME, data_source=model.data_source)
    trigger = make()

    async def watch() -> None:
        waiting = asyncio.create_task(first_event(trigger))
        await asyncio.to_thread(wait_until, lambda: "cancelled" in statuses())
        waiting.cancel()

    asyncio.run(watch())
    assert statuses()[0] in {"created", "pending", "active"}
    assert statuses()[1] == "cancelled"


def test_one_request_per_look(make, proxy: FaultProxy) -> None:
    """A wait of hours must not cost more than one GET per interval."""
    before: list[int] = []

    async def watch() -> None:
        waiting = asyncio.create_task(first_event(make()))
        await asyncio.to_thread(wait_until, lambda: proxy.count("GET", READ) >= 5)
        before.append(len(proxy.requests) - proxy.count("GET", READ))
        await asyncio.to_thread(wait_until, lambda: proxy.count("GET", READ) >= 15)
        waiting.cancel()

    asyncio.run(watch())
    others = len(proxy.requests) - proxy.count("GET", READ) - before[0]
    assert others <= 2  # a search when created → pending → active was seen only now


def test_a_service_that_hangs_does_not_block_the_event_loop(make, proxy: FaultProxy) -> None:
    release = threading.Event()
    proxy.inject("GET", READ, held_response(release), times=None)
    triggers = [make() for _ in range(40)]

    async def watch() -> float:
        waiting = [asyncio.create_task(first_event(trigger)) for trigger in triggers]
        longest = 0.0
        for _ in range(40):
            begun = time.perf_counter()
            await asyncio.sleep(0.05)
            longest = max(longest, time.perf_counter() - begun - 0.05)
            await asyncio.wait_for(asyncio.to_thread(lambda: None), 1)  # other triggers' threads are free
        for task in waiting:
            task.cancel()
        return longest

    try:
        longest = asyncio.run(watch())
    finally:
        release.set()
    assert longest < 0.5
