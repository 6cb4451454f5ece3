"""No retry, no lost answer and no race trains a model twice."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from hooks.gretel import GretelHook
from hooks.gretel_errors import GretelError, GretelFatalError, GretelUnavailableError
from hooks.gretel_models import attach, cancel_all, find_models
from operators.gretel_submission import submit_once
from tests.integration.gretel.conftest import CART, SLOW
from tests.support.fault_proxy import FaultProxy, answer, held_request, held_response, lost_request, lost_response
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration

NAME = "bookings-run-0123456789abcdef"
CREATE = r"/models\?"
AT_WORK = {"created", "pending", "active"}


@pytest.fixture
def submit(upload: Callable[..., str]) -> Callable[..., object]:
    """Submit the one piece of work of this module through a hook; data are uploaded past the proxy."""

    def run(hook: GretelHook, name: str = NAME, data: bytes = SLOW, **options):
        return submit_once(
            hook,
            hook.default_project,
            name=name,
            config=CART,
            upload=lambda: upload(data, f"{name}.csv"),
            **options,
        )

    return run


def test_the_second_time_it_attaches(hook: GretelHook, submit, statuses, proxy: FaultProxy) -> None:
    first, second = submit(hook), submit(GretelHook(hook.gretel_conn_id))
    assert first.model_id == second.model_id
    assert len(statuses()) == 1
    assert proxy.count("POST", CREATE) == 1


def test_it_attaches_to_a_completed_model(hook: GretelHook, direct: GretelHook, submit, statuses) -> None:
    first = submit(hook, data=b"a,b\n1,2\n3,4\n5,6\n7,8\n9,1\n2,3\n4,5\n6,7\n8,9\n1,2\n")
    wait_until(lambda: statuses()[0] not in AT_WORK)
    assert statuses() == ["completed"], direct.get_model(direct.default_project, first.model_id).errors
    again = submit(hook)
    assert (again.model_id, again.status.value) == (first.model_id, "completed")
    assert statuses() == ["completed"]


def test_names_must_be_equal_not_alike(hook: GretelHook, submit, statuses) -> None:
    """Gretel's search finds every name that contains the one asked for."""
    longer = submit(hook, f"{NAME}0")
    assert attach(hook, hook.default_project, NAME) is None
    assert submit(hook).model_id != longer.model_id
    assert len(statuses()) == 2
    assert [model.model_id for model in find_models(hook, hook.default_project, f"{NAME}0")] == [longer.model_id]


def test_more_models_than_a_page_holds(hook: GretelHook, submit, statuses, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hooks.gretel_models.SEARCH_PAGE", 2)
    others = [submit(hook, f"{NAME}{number}") for number in range(3)]
    mine = submit(hook)
    assert submit(hook).model_id == mine.model_id
    assert len(statuses()) == len(others) + 1


@pytest.mark.parametrize("dead", ["cancelled", "error"])
def test_a_dead_model_is_not_taken_over(hook: GretelHook, submit, statuses, dead: str) -> None:
    first = submit(hook, data=SLOW if dead == "cancelled" else b"a\n1\n")  # one row is too few
    if dead == "cancelled":
        hook.cancel_model(first)
    wait_until(lambda: statuses() == [dead])
    second = submit(hook)
    assert second.model_id != first.model_id
    assert [statuses()[0], statuses()[1] in AT_WORK] == [dead, True]


def test_a_lost_answer(hook: GretelHook, submit, statuses, proxy: FaultProxy) -> None:
    proxy.inject("POST", CREATE, lost_response())
    model = submit(hook)
    assert model.name == NAME
    assert len(statuses()) == 1
    assert proxy.count("POST", CREATE) == 1


def test_an_answer_that_comes_too_late(hasty: GretelHook, submit, statuses, proxy: FaultProxy) -> None:
    release = threading.Event()
    proxy.inject("POST", CREATE, held_response(release))
    submit(hasty)
    release.set()
    assert len(statuses()) == 1
    assert proxy.count("POST", CREATE) == 1


@pytest.mark.parametrize("fault", [lost_request(), answer(503), answer(502)])
def test_a_request_that_never_arrives_is_sent_again(
    hook: GretelHook, submit, statuses, proxy: FaultProxy, fault
) -> None:
    proxy.inject("POST", CREATE, fault)
    submit(hook)
    assert len(statuses()) == 1
    assert proxy.count("POST", CREATE) == 2


def test_a_request_that_arrives_late(hasty: GretelHook, submit, statuses, proxy: FaultProxy) -> None:
    """It starts a second model after all; whoever looks next cancels that one and keeps the first."""
    release = threading.Event()
    proxy.inject("POST", CREATE, held_request(release))
    kept = submit(hasty)
    release.set()
    wait_until(lambda: len(statuses()) == 2)
    assert submit(hasty).model_id == kept.model_id
    assert statuses()[0] in AT_WORK
    assert statuses()[1] == "cancelled"


def test_a_service_that_stays_away(hook: GretelHook, direct: GretelHook, submit, statuses, proxy: FaultProxy) -> None:
    proxy.inject("POST", CREATE, answer(503), times=None)
    with pytest.raises(GretelUnavailableError, match=f"could not submit model '{NAME}'.*HTTP 503"):
        submit(hook)
    assert statuses() == []
    kept = [artifact["key"] for artifact in direct.default_project.artifacts]
    assert len(kept) == 1  # the model might exist after all, and need its data
    proxy.heal()
    model = submit(hook)
    assert [artifact["key"] for artifact in direct.default_project.artifacts] == [model.data_source]
    assert kept != [model.data_source]


def test_a_refused_model_leaves_no_data_behind(hook: GretelHook, direct: GretelHook, upload) -> None:
    with pytest.raises(GretelFatalError, match="Unknown parameter"):
        submit_once(
            hook,
            hook.default_project,
            name=NAME,
            config={"schema_version": "1.0", "models": [{"cart": {"epochs": 1}}]},
            upload=lambda: upload(name=f"{NAME}.csv"),
        )
    assert direct.default_project.artifacts == []


def test_another_try_was_faster(hook: GretelHook, direct: GretelHook, statuses, upload) -> None:
    """It has submitted meanwhile, and deleted what it took for the leftovers of a dead try."""
    faster = []

    def upload_slowly() -> str:
        key = upload(SLOW, f"{NAME}.csv")
        direct.delete_artifact(direct.default_project, key)
        other = upload(SLOW, f"{NAME}.csv")
        faster.append(direct.submit_model(direct.default_project, CART, name=NAME, data_source=other).model_id)
        return key

    model = submit_once(hook, hook.default_project, name=NAME, config=CART, upload=upload_slowly)
    assert [model.model_id] == faster
    assert len(statuses()) == 1
    assert [artifact["key"] for artifact in direct.default_project.artifacts] == [model.data_source]


def test_four_tries_at_the_same_time(hook: GretelHook, submit, statuses, direct: GretelHook) -> None:
    start = threading.Barrier(4)

    def race(_: int) -> str:
        mine = GretelHook(hook.gretel_conn_id)
        mine.get_project()
        start.wait(30)
        with contextlib.suppress(GretelError):  # such as: cannot delete what another try uses by now; a retry attaches
            return submit(mine).model_id
        return ""

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(race, range(4)))
    assert sum(status in AT_WORK for status in statuses()) == 1
    assert set(statuses()) <= AT_WORK | {"cancelled"}
    kept = attach(hook, hook.default_project, NAME)
    assert kept.data_source in {artifact["key"] for artifact in direct.default_project.artifacts}


def test_killed_before_it_was_submitted(hook: GretelHook, direct: GretelHook, submit, statuses) -> None:
    with pytest.raises(GretelError, match="The task was killed before"):
        submit(hook, cancelled=lambda: True)
    assert statuses() == []
    assert direct.default_project.artifacts == []


def test_cancelling_all_of_a_name(hook: GretelHook, direct: GretelHook, submit, statuses, upload) -> None:
    other = submit(hook, f"{NAME}0")
    key = upload(SLOW, f"{NAME}.csv")
    for _ in range(2):
        direct.submit_model(direct.default_project, CART, name=NAME, data_source=key)
    cancel_all(hook, hook.default_project, NAME)
    assert [status in AT_WORK for status in statuses()] == [True, False, False]
    assert statuses()[1:] == ["cancelled", "cancelled"]
    assert [artifact["key"] for artifact in direct.default_project.artifacts] == [other.data_source]


def test_duplicates_are_named_in_the_log(
    hook: GretelHook, direct: GretelHook, upload, statuses, caplog: pytest.LogCaptureFixture
) -> None:
    key = upload(SLOW, f"{NAME}.csv")
    models = [direct.submit_model(direct.default_project, CART, name=NAME, data_source=key) for _ in range(3)]
    caplog.set_level(logging.INFO)
    assert attach(hook, hook.default_project, NAME).model_id == models[0].model_id
    assert f"Gretel trains {NAME} twice; cancelling {models[1].model_id}" in caplog.text
    assert statuses()[1:] == ["cancelled", "cancelled"]
