"""What a connection says, and what is said when it is wrong. No service is needed for that."""

from __future__ import annotations

import json
import logging
import socket

import pytest
from airflow.sdk import Connection

from hooks.gretel import GretelHook
from hooks.gretel_errors import GretelError, GretelFatalError
from hooks.gretel_settings import GretelSettings
from provider import get_provider_info

KEY = "grtu1234567890abcdef"


def settings(**changes: object) -> GretelSettings:
    values = {"conn_id": "gretel_default", "conn_type": "gretel", "password": KEY, **changes}
    if isinstance(values.get("extra"), dict):
        values["extra"] = json.dumps(values["extra"])
    return GretelSettings.from_connection(Connection(**values))


@pytest.mark.parametrize(
    ("parts", "endpoint"),
    [
        ({}, "https://api.gretel.ai"),
        ({"host": "gretel.example.org"}, "https://gretel.example.org"),
        ({"host": "gretel.example.org", "port": 8443}, "https://gretel.example.org:8443"),
        ({"host": "127.0.0.1", "port": 8100, "schema": "http"}, "http://127.0.0.1:8100"),
        ({"host": "http://localhost:8100/"}, "http://localhost:8100"),
        ({"host": "http://127.0.0.1", "port": 8100}, "http://127.0.0.1:8100"),
        ({"host": "::1", "port": 8100, "schema": "http"}, "http://[::1]:8100"),
        ({"host": "https://gretel.example.org/api/v1"}, "https://gretel.example.org/api/v1"),
    ],
)
def test_endpoint(parts: dict, endpoint: str) -> None:
    assert settings(**parts).endpoint == endpoint


@pytest.mark.parametrize(
    ("uri", "endpoint"),
    [
        (f"http://api.gretel.cloud?api_key={KEY}&project_id=bookings", "https://api.gretel.cloud"),
        (f"gretel://api.gretel.ai?api_key={KEY}&project_id=bookings", "https://api.gretel.ai"),
        (f"gretel:///?api_key={KEY}&project_id=bookings", "https://api.gretel.ai"),
        (f"gretel://http://127.0.0.1:8100?api_key={KEY}&project_id=bookings", "http://127.0.0.1:8100"),
        (f"gretel://:{KEY}@127.0.0.1:8100/http?project=bookings", "http://127.0.0.1:8100"),
    ],
)
def test_uris_old_and_new(uri: str, endpoint: str) -> None:
    read = GretelSettings.from_connection(Connection.from_uri(uri, conn_id="gretel_default"))
    assert (read.endpoint, read.api_key, read.project) == (endpoint, KEY, "bookings")


def test_timeouts_come_from_the_extras() -> None:
    assert settings().timeout == (10, 60)
    assert settings(extra={"connect_timeout": "2.5", "read_timeout": 7}).timeout == (2.5, 7)
    assert settings(extra={"connect_timeout": None, "read_timeout": ""}).timeout == (10, 60)


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"password": None}, "no API key. Put it into the connection's password"),
        ({"password": " "}, "no API key"),
        ({"password": "sk-wrong"}, "not a Gretel API key, which is one word that starts with `grt`"),
        ({"password": f"{KEY}\nX-Evil: 1"}, "not a Gretel API key"),
        ({"schema": "ftp"}, "schema is 'ftp', expected `https` or `http`"),
        ({"extra": {"read_timeout": "soon"}}, "extra `read_timeout` is 'soon', expected seconds between 0 and 3600"),
        ({"extra": {"connect_timeout": 0}}, "extra `connect_timeout` is 0, expected seconds"),
        ({"extra": {"connect_timeout": "nan"}}, "extra `connect_timeout` is 'nan', expected seconds"),
        (
            {"host": "gretel.example.org", "schema": "http"},
            "http://gretel.example.org would carry the API key and personal data in clear text",
        ),
    ],
)
def test_what_is_wrong_is_named(parts: dict, said: str) -> None:
    with pytest.raises(GretelFatalError) as caught:
        settings(**parts)
    assert said in str(caught.value)
    assert "gretel_default" in str(caught.value)
    assert (
        not parts.get("password") or parts["password"].strip() not in str(caught.value) or not parts["password"].strip()
    )


def test_http_to_another_machine_must_be_allowed() -> None:
    assert settings(host="gretel", schema="http", extra={"allow_http": True}).endpoint == "http://gretel"
    for host in ("127.0.0.1", "127.8.8.8", "localhost", "::1"):
        assert settings(host=host, schema="http").endpoint.startswith("http://")
    for host in ("127.0.0.1.example.org", "localhost.example.org", "10.0.0.1", "0.0.0.0"):
        with pytest.raises(GretelFatalError, match=r"clear text"):
            settings(host=host, schema="http")


def test_only_gretels_own_service_has_a_console() -> None:
    assert settings().hosted
    assert settings(host="api.gretel.cloud").hosted
    assert not settings(host="gretel.ai.example.org").hosted
    assert not settings(host="notgretel.ai").hosted


def test_the_key_shows_nowhere(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("AIRFLOW_CONN_GRETEL_DEFAULT", json.dumps({"conn_type": "gretel", "password": KEY}))
    hook = GretelHook()
    session = hook.get_conn()
    assert session.api_key == KEY
    shown = [repr(hook), repr(hook.settings), str(vars(hook)["settings"]), repr(session), caplog.text]
    assert not [text for text in shown if KEY in text]


def test_the_session_ignores_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "GRETEL_API_KEY": "grtuothers",
        "GRETEL_ENDPOINT": "https://elsewhere.example.org",
        "GRETEL_PROJECT": "others",
        "GRETEL_RUNNER_MODE": "hybrid",
        "GRETEL_ARTIFACT_ENDPOINT": "s3://others",
        "GRETEL_TENANT_NAME": "others",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AIRFLOW_CONN_GRETEL_DEFAULT", json.dumps({"conn_type": "gretel", "password": KEY}))
    session = GretelHook().get_conn()
    assert session.as_dict == {
        "endpoint": "https://api.gretel.ai",
        "artifact_endpoint": "cloud",
        "api_key": KEY,
        "default_project_name": None,
        "default_runner": "cloud",
        "preview_features": "disabled",
        "tenant_name": None,
    }


def test_no_project_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_GRETEL_DEFAULT", json.dumps({"conn_type": "gretel", "password": KEY}))
    with pytest.raises(GretelFatalError, match=r"no project[.] Name one in the connection's extra `project`"):
        _ = GretelHook().default_project


def test_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        connection = {"conn_type": "gretel", "host": f"http://127.0.0.1:{closed.getsockname()[1]}", "password": KEY}
        monkeypatch.setenv("AIRFLOW_CONN_GRETEL_DEFAULT", json.dumps(connection))
        with pytest.raises(GretelError) as caught:
            GretelHook().get_project("bookings")
        worked, message = GretelHook().test_connection()
    assert "could not look up project 'bookings': the endpoint cannot be reached" in str(caught.value)
    assert "Check that it runs, and host, port and schema of connection gretel_default." in str(caught.value)
    assert not worked
    assert "could not log in: the endpoint cannot be reached" in message


def test_the_form_offers_what_the_hook_reads() -> None:
    (form,) = [entry for entry in get_provider_info()["connection-types"] if entry["connection-type"] == "gretel"]
    assert form["hook-class-name"] == "hooks.gretel.GretelHook"
    assert form["hook-name"] == GretelHook.hook_name
    given = {"project": "p", "connect_timeout": 1, "read_timeout": 2, "allow_http": True}
    assert set(form["conn-fields"]) == set(given)
    read = settings(extra=given)
    assert (read.project, read.timeout, read.allow_http) == ("p", (1, 2), True)


def test_a_models_page_in_gretels_console(monkeypatch: pytest.MonkeyPatch) -> None:
    from gretel_client.projects import Project

    monkeypatch.setenv("AIRFLOW_CONN_GRETEL_DEFAULT", json.dumps({"conn_type": "gretel", "password": KEY}))
    hook = GretelHook()
    project = Project(name="bookings", project_id="1", project_guid="proj_1", session=hook.get_conn())
    assert hook.console_url(project, "m1") == "https://console.gretel.ai/proj_1/models/m1"
