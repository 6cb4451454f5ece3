"""The hook against the real service."""

from __future__ import annotations

import contextlib
import gzip
import io
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from airflow.sdk.log import redact
from gretel_client.config import get_session_config

from hooks.gretel import GretelHook
from hooks.gretel_errors import GretelError, GretelFatalError, GretelUnavailableError
from local.components.gretel import Gretel
from tests.integration.gretel.conftest import CART, SLOW, SMALL
from tests.support.fault_proxy import FaultProxy, answer, held_response, lost_request, lost_response, truncated
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration


def train(hook: GretelHook, key: str, name: str = "tested", **settings: object):
    config = {"schema_version": "1.0", "models": [{"cart": settings}]}
    return hook.submit_model(hook.default_project, config, name=name, data_source=key)


def completed(hook: GretelHook, key: str, *, evaluate: bool = False):
    model = train(hook, key, generate={"num_records": 50}, evaluate={"skip": not evaluate})

    def ended() -> bool:
        hook.refresh_model(model)
        return model.status.value not in {"created", "pending", "active"}

    wait_until(ended)
    assert model.status.value == "completed", model.errors
    return model


def test_projects(hook: GretelHook, direct: GretelHook) -> None:
    project = hook.default_project
    assert project.name == direct.settings.project
    for name in (project.name, project.project_id, project.project_guid):
        assert hook.get_project(name).project_guid == project.project_guid
    with pytest.raises(GretelFatalError, match=f"could not create project '{project.name}': .*already exists"):
        hook.create_project(project.name)
    with pytest.raises(GretelFatalError, match=r"Correct the project's name"):
        hook.create_project("a b")


def test_test_connection(hook: GretelHook, connect: Callable[..., str], gretel: Gretel) -> None:
    worked, message = hook.test_connection()
    assert worked, message
    assert (
        message == f"Logged in to {hook.settings.endpoint} as demo@example.org; project '{hook.settings.project}' found"
    )
    worked, message = GretelHook(connect(gretel.endpoint, "gretel_lost", project="no-such-project")).test_connection()
    assert not worked
    assert "could not look up project 'no-such-project': not found" in message


def test_a_wrong_key(connect: Callable[..., str], gretel: Gretel, task_log: Callable[[], str]) -> None:
    wrong = "grtuffffffffffffffffffffffffffff"
    hook = GretelHook(connect(gretel.endpoint, "gretel_wrong", api_key=wrong, project="any-project"))
    with pytest.raises(GretelFatalError) as caught:
        _ = hook.default_project
    assert "the API key was refused" in str(caught.value)
    assert "Put a valid key into the password of connection gretel_wrong." in str(caught.value)
    assert wrong not in str(caught.value) + task_log()


def test_neither_key_nor_links_are_logged(
    hook: GretelHook, task_log: Callable[[], str], caplog: pytest.LogCaptureFixture
) -> None:
    """At DEBUG the client would log whole answers, and urllib3 the addresses it calls; Airflow masks the latter."""
    caplog.set_level("DEBUG", "urllib3.connectionpool")
    model = completed(hook, hook.upload_training_data(hook.default_project, "data.csv", source(SMALL), len(SMALL)))
    with hook.open_artifact(model, "data_preview") as stream:
        stream.read()
    text = task_log()
    assert "/uploads/" in text
    assert "/downloads/" in text
    assert hook.settings.api_key not in text
    assert not re.search(r"sig=[0-9a-f]", str(redact(text)))


def source(data: bytes) -> Callable[[], contextlib.AbstractContextManager]:
    return lambda: contextlib.closing(io.BytesIO(data))


@pytest.mark.parametrize("packed", [False, True])
def test_from_upload_to_artifact(hook: GretelHook, packed: bool) -> None:
    data = gzip.compress(SMALL) if packed else SMALL
    filename = "data.csv.gz" if packed else "data.csv"
    key = hook.upload_training_data(hook.default_project, filename, source(data), len(data))
    assert key.endswith(f"_{filename}")
    model = completed(hook, key, evaluate=not packed)
    with hook.open_artifact(model, "data_preview") as stream:
        lines = stream.read().decode().splitlines()
    assert lines[0] == SMALL.decode().splitlines()[0]
    assert len(lines) == 1 + 50
    if not packed:
        assert hook.get_report(model)["synthetic_data_quality_score"]["score"] > 0
    assert hook.console_url(hook.default_project, model.model_id) is None


def test_deleting_training_data(hook: GretelHook, direct: GretelHook, upload: Callable[..., str]) -> None:
    mine = {upload(name="bookings-1a.csv"), upload(name="bookings-1a.csv.gz")}
    others = {upload(name="bookings-1ab.csv"), upload(name="more-bookings-1b.csv")}
    assert set(hook.delete_training_data(hook.default_project, "bookings-1a")) == mine
    assert {artifact["key"] for artifact in direct.default_project.artifacts} == others
    hook.delete_artifact(hook.default_project, mine.pop())  # gone already: no error


def test_an_artifact_in_use_is_not_deleted(hook: GretelHook, upload: Callable[..., str]) -> None:
    key = upload(SLOW)
    model = train(hook, key)
    with pytest.raises(GretelError, match=f"could not delete artifact '{key}' .*in use") as caught:
        hook.delete_artifact(hook.default_project, key)
    assert not isinstance(caught.value, GretelFatalError)
    assert hook.cancel_model(model)
    hook.delete_artifact(hook.default_project, key)


def test_cancel(hook: GretelHook, direct: GretelHook, upload: Callable[..., str]) -> None:
    model = train(hook, upload(SLOW))
    assert hook.cancel_model(model)
    assert direct.get_model(direct.default_project, model.model_id).status.value == "cancelled"
    assert not hook.cancel_model(hook.get_model(hook.default_project, model.model_id))


def test_the_report_of_a_model_without_one(hook: GretelHook, upload: Callable[..., str]) -> None:
    model = train(hook, upload(SLOW))
    hook.cancel_model(model)
    with pytest.raises(GretelFatalError, match=f"could not download report_json of model {model.model_id}: .*HTTP 404"):
        hook.get_report(model)


def test_refusals_carry_gretels_own_words(hook: GretelHook, upload: Callable[..., str]) -> None:
    key = upload()
    with pytest.raises(GretelFatalError, match=r"Unknown parameter epochs.* Correct the model config") as caught:
        train(hook, key, epochs=3)
    assert "(HTTP 400)" in str(caught.value)
    with pytest.raises(GretelFatalError, match=r"'synthetics' has been discontinued.* Choose another model type"):
        hook.submit_model(hook.default_project, {**CART, "models": [{"synthetics": {}}]}, name="old", data_source=key)
    with pytest.raises(GretelFatalError, match=r"does not exist in the project"):
        train(hook, "gretel_" + "0" * 32 + "_data.csv")


def test_too_many_jobs(hook: GretelHook, direct: GretelHook, upload: Callable[..., str]) -> None:
    key = upload(SLOW)

    def train_many() -> None:
        for number in range(1000):
            train(direct, key, name=f"many-{number}")

    with pytest.raises(GretelError, match=r"Maximum number of jobs.* Wait for other jobs to end or cancel") as caught:
        train_many()
    assert not isinstance(caught.value, GretelFatalError | GretelUnavailableError)


def test_no_credits(hook: GretelHook, proxy: FaultProxy, upload: Callable[..., str]) -> None:
    proxy.inject("POST", "/models", answer(400, '{"message": "Cannot run job, credits exhausted: 0 left."}'))
    with pytest.raises(GretelFatalError, match=r"credits exhausted: 0 left .*Buy credits or wait"):
        train(hook, upload())


# Faults on the way


def test_a_get_is_tried_again_and_a_post_is_not(
    hook: GretelHook, proxy: FaultProxy, upload: Callable[..., str]
) -> None:
    key = upload()
    proxy.inject("GET", "/projects/", answer(503), times=2)
    assert hook.default_project.name == hook.settings.project
    proxy.inject("POST", "/models", answer(503), times=None)
    with pytest.raises(GretelUnavailableError, match=r"injected .HTTP 503.* retry later"):
        train(hook, key)
    assert proxy.count("POST", "/models") == 1


def test_no_answer(hasty: GretelHook, proxy: FaultProxy) -> None:
    release = threading.Event()
    proxy.inject("GET", "/projects/", held_response(release), times=None)
    with pytest.raises(GretelUnavailableError, match=r"no answer within 2 s.* raise `read_timeout`"):
        _ = hasty.default_project
    release.set()
    assert proxy.count("GET", "/projects/") <= 4


def test_a_broken_upload_is_sent_again(hook: GretelHook, direct: GretelHook, proxy: FaultProxy) -> None:
    proxy.inject("PUT", "/uploads/", lost_request())
    proxy.inject("PUT", "/uploads/", answer(500))
    key = hook.upload_training_data(hook.default_project, "data.csv", source(SMALL), len(SMALL))
    assert proxy.count("PUT", "/uploads/") == 3
    assert [artifact["key"] for artifact in direct.default_project.artifacts] == [key]
    with direct.default_project.get_artifact_handle(key) as stream:
        assert stream.read() == SMALL


def test_an_upload_that_never_works_leaves_nothing(hook: GretelHook, direct: GretelHook, proxy: FaultProxy) -> None:
    proxy.inject("PUT", "/uploads/", lost_response(), times=None)
    with pytest.raises(GretelUnavailableError, match=r"the upload of 'data.csv' broke off") as caught:
        hook.upload_training_data(hook.default_project, "data.csv", source(SMALL), len(SMALL))
    assert "sig" not in str(caught.value)
    assert direct.default_project.artifacts == []


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_a_truncated_artifact(hook: GretelHook, proxy: FaultProxy, upload: Callable[..., str], share: float) -> None:
    model = completed(hook, upload())
    proxy.inject("GET", "/downloads/", truncated(share))
    with (
        pytest.raises(GretelError, match=f"data_preview of model {model.model_id} is truncated, damaged") as caught,
        hook.open_artifact(model, "data_preview") as stream,
    ):
        stream.read()
    assert not isinstance(caught.value, GretelFatalError)
    assert "sig=" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_not_gretel_at_all(hook: GretelHook, proxy: FaultProxy) -> None:
    proxy.inject("GET", "/projects/", answer(200, "<html>Welcome</html>"))
    with pytest.raises(GretelFatalError, match=r"not what Gretel's API sends.* something else answers there"):
        _ = hook.default_project


def test_https_where_there_is_none(connect: Callable[..., str], proxy: FaultProxy) -> None:
    conn_id = connect(proxy.endpoint.replace("http:", "https:"), "gretel_tls", project="any-project")
    with pytest.raises(GretelFatalError, match=r"no trusted TLS connection.* Check host and schema"):
        _ = GretelHook(conn_id).default_project


# Two hooks in one process


def test_two_hooks_do_not_know_of_each_other(
    gretel: Gretel, direct: GretelHook, connect: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    before = dict(get_session_config().as_dict)
    wrong = "grtu00000000000000000000000000"
    with FaultProxy(gretel.endpoint) as right_proxy, FaultProxy(gretel.endpoint) as wrong_proxy:
        right = GretelHook(connect(right_proxy.endpoint, "gretel_right", project=direct.settings.project))
        refused = GretelHook(connect(wrong_proxy.endpoint, "gretel_refused", api_key=wrong, project="other"))

        def ask(hook: GretelHook) -> str:
            try:
                return hook.get_project().name
            except GretelFatalError as exc:
                return str(exc)

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(ask, [right, refused] * 20))
        keys = [{request.headers["Authorization"] for request in p.requests} for p in (right_proxy, wrong_proxy)]
    assert set(answers[::2]) == {direct.settings.project}
    assert all("the API key was refused" in text and "gretel_refused" in text for text in answers[1::2])
    assert keys == [{gretel.api_key}, {wrong}]
    assert dict(get_session_config().as_dict) == before
    assert capsys.readouterr().out == ""
