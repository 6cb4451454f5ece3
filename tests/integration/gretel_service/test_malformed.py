"""Malformed requests: each is refused in Gretel's own form of an error, none is a fault of the service."""

from __future__ import annotations

import http.client
import json
import socket
from typing import Any

import pandas as pd
import pytest
from gretel_client.projects import Project
from gretel_client.projects.jobs import Status
from gretel_client.projects.models import Model

from tests.integration.gretel_service.conftest import ALICE, ServiceProcess
from tests.support.gretel_jobs import config, wait_for

pytestmark = pytest.mark.integration

HUGE = 10**30
NESTED: Any = None
for _ in range(500):
    NESTED = [NESTED]
WRONG: list[Any] = [None, True, -1, 0, 1.5, HUGE, "", "\0", "ä" * 5000, "\ud800", [], [[]], {}, {"\ud800": 1}, NESTED]
"""Values of every type that JSON has, and of lengths and characters that nobody means."""


@pytest.fixture(scope="module")
def trained(shared: ServiceProcess, frame: pd.DataFrame) -> Model:
    model = shared.project("malformed").create_model_obj(config(), data_source=frame).submit()
    assert wait_for(model) == Status.COMPLETED, model.errors
    return model


@pytest.fixture
def key(project: Project, frame: pd.DataFrame) -> str:
    return project.upload_artifact(frame)


def ask(shared: ServiceProcess, method: str, path: str, body: bytes = b"") -> tuple[int, dict[str, Any]]:
    """Send a path and a body as they are; returns status and answer."""
    connection = http.client.HTTPConnection("127.0.0.1", shared.port, timeout=30)
    connection.request(method, path, body, {"Authorization": ALICE})
    response = connection.getresponse()
    return response.status, json.loads(response.read())


def refused(shared: ServiceProcess, method: str, path: str, body: bytes = b"") -> bool:
    """Whether it is a 4xx with a message; a success is none, and anything else fails the test."""
    status, answer = ask(shared, method, path, body)
    assert status < 500, (method, path[:200], body[:200], answer)
    if status < 400:
        return False
    assert set(answer) == {"message", "context"}
    assert answer["message"]
    assert isinstance(answer["context"], dict)
    return True


@pytest.mark.parametrize("value", WRONG, ids=lambda value: repr(value)[:12])
def test_a_field_of_any_type_is_taken_or_refused(
    shared: ServiceProcess, project: Project, trained: Model, key: str, value: Any
) -> None:
    inside, model = f"/projects/{project.project_guid}", f"/projects/{trained.project.project_guid}/models"
    good = config(data_source=key)
    settings = good["models"][0]["cart"]

    def cart(section: Any) -> dict[str, Any]:
        return {**good, "models": [{"cart": section}]}

    bodies: list[tuple[str, str, Any]] = [
        *(("POST", "/projects", {name: value}) for name in ("name", "display_name", "description", "runner_mode")),
        ("POST", f"{inside}/artifacts", {"filename": value}),
        ("POST", f"{inside}/invites", {"email": value, "level": value}),
        *(
            ("POST", f"{inside}/models?dry_run=yes", body)
            for body in (
                *({**good, name: value} for name in (*good, "notifications")),
                {"provenance": value, "config": value},
                cart(value),
                *(cart({**settings, name: value}) for name in ("data_source", "ref_data", "params", "generate")),
                *(cart({**settings, "evaluate": {name: value}}) for name in ("seed", "skip", "holdout", "targets")),
                *(cart({**settings, "params": {name: value}}) for name in ("min_leaf", "significance", "rare_labels")),
                {**good, "models": [{"actgan": {**settings, "params": {"epochs": value}}}]},
            )
        ),
        ("PATCH", f"{model}/{trained.model_id}", {"status": value}),
        *(
            ("POST", f"{model}/{trained.model_id}/record_handlers", {"data_source": "refused", **body})
            for body in (
                {"params": value},
                {"params": {"num_records": value}},
                {"params": {"seed": value}},
                {"params": {"num_records": 0}, "data_source": value, "ref_data": value},
            )
        ),
    ]
    for method, path, body in bodies:
        refused(shared, method, path, json.dumps(body).encode())


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff\xfe{}",
        b'{"name": "\xff"}',
        b"[]",
        b"7",
        b'"text"',
        b"null",
        b'{"name": NaN}',
        b'{"name": 1e999}',
        b'{"models": [{"actgan": {"params": {"epochs": -1e999}}}]}',
        b'{"description": "\\ud800"}',
        b'{"\\ud800": 1}',
        b'{"name": ' + b"9" * 5000 + b"}",
        b'{"name": ' + b"[" * 100_000,
        b'{"name": "' + b"x" * 2**20 + b'"}',
        b"{}{}",
    ],
    ids=lambda body: repr(body[:16]),
)
@pytest.mark.parametrize("path", ["/projects", "/projects/{project}/artifacts", "/projects/{project}/models"])
def test_a_body_that_is_no_plain_json_object_is_refused(
    shared: ServiceProcess, project: Project, path: str, body: bytes
) -> None:
    assert refused(shared, "POST", path.format(project=project.project_guid), body)


@pytest.mark.parametrize(
    "query",
    [
        *(f"{name}={value}" for name in ("limit", "skip") for value in ("-1", "x", "1.5", HUGE, "1e9", "%00", "")),
        *(f"sort_by={value}" for value in ("up", "", "%00")),
        "sort_field=config;drop",
        "status=%00",
        "status=a,b",
    ],
)
def test_a_bad_search_is_refused(shared: ServiceProcess, trained: Model, query: str) -> None:
    assert refused(shared, "GET", f"/projects/{trained.project.project_guid}/models?{query}")


@pytest.mark.parametrize(
    "odd", ["%00", "%ff", "%ed%a0%80", "%F0%9F%98%80", "x" * 8000, "..", "%2e%2e%2f%2e%2e", "%0a", "'--", "%"]
)
def test_an_odd_id_is_not_found(shared: ServiceProcess, trained: Model, odd: str) -> None:
    project, model = f"/projects/{trained.project.project_guid}", str(trained.model_id)
    for method, path in [
        ("GET", f"/projects/{odd}"),
        ("DELETE", f"/projects/{odd}"),
        ("GET", f"{project}/models/{odd}"),
        ("GET", f"{project}/models/{odd}/artifact?type=model"),
        ("GET", f"{project}/models/{model}/record_handlers/{odd}"),
        ("GET", f"{project}/models/{model}/artifact?type={odd}"),
        ("GET", f"{project}/artifacts/download?key={odd}"),
        ("GET", f"{project}/artifacts/manifest?key={odd}"),
        ("DELETE", f"{project}/artifacts?key={odd}"),
        ("PUT", f"/uploads/{odd}?expires=9999999999&sig={odd}"),
        ("GET", f"/downloads/artifacts/{odd}?expires={odd}&sig={odd}"),
        ("GET", f"/downloads/jobs/{odd}/{odd}?expires=9999999999&sig={odd}"),
    ]:
        assert refused(shared, method, path)
    refused(shared, "GET", f"{project}/models?model_name={odd}")
    refused(shared, "GET", f"/projects?query={odd}")


@pytest.mark.parametrize(
    "path",
    [
        "//projects",
        "/projects//",
        "/projects//models",
        "/",
        "//",
        "/projects/{project}//models",
        "/./projects",
        "/PROJECTS",
        "/users/me/",
    ],
)
def test_a_path_that_is_not_there_says_so(shared: ServiceProcess, project: Project, path: str) -> None:
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"):
        assert refused(shared, method, path.format(project=project.project_guid))


def test_a_method_that_is_not_there_says_so(shared: ServiceProcess, project: Project) -> None:
    for path in ("/users/me", "/projects", f"/projects/{project.project_guid}/models"):
        status, answer = ask(shared, "PUT", path)
        assert (status, answer["message"]) == (405, f"PUT {path}: Method Not Allowed.")


@pytest.mark.parametrize(
    "head",
    [
        "Content-Length: -1",
        "Content-Length: x",
        f"Content-Length: {HUGE}",
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: nonsense",
        "Bad Header",
        "Bad\0Header: x",
        "X: " + "x" * 200_000,
    ],
)
def test_a_request_that_is_no_http_is_refused(shared: ServiceProcess, head: str) -> None:
    with socket.create_connection(("127.0.0.1", shared.port), timeout=10) as connection:
        request = f"POST /projects HTTP/1.1\r\nHost: x\r\nAuthorization: {ALICE}\r\n{head}\r\n\r\nhello"
        connection.sendall(request.encode())
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(65536)

    assert answer.startswith(b"HTTP/1.1 4") or not answer, answer


def test_no_malformed_request_was_a_fault_of_the_service(shared: ServiceProcess) -> None:
    """Whatever was sent above, or anywhere else to this service."""
    assert "Traceback" not in shared.log.read_text()
    assert shared.call("GET", "/health").json() == {"status": "ok"}
