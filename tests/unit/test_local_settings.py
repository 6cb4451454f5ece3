"""The local stack's ports, secrets and folders."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from local import settings
from local.settings import MAX_SOCKET_PATH, Home, free_port, holder, is_free


@pytest.fixture
def taken_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_taken_port_is_avoided_and_its_holder_named(tmp_path: Path, taken_port: int) -> None:
    assert not is_free(taken_port)
    assert f"process {os.getpid()}" in holder(taken_port)
    assert free_port(taken_port) != taken_port


def test_usual_ports_are_for_the_clones_own_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = free_port()
    assert Home(tmp_path / "other").port("web", usual) != usual
    monkeypatch.setattr(settings, "OWN_HOME", tmp_path / "own")
    assert Home(tmp_path / "own").port("web", usual) == usual


def test_ports_are_remembered(tmp_path: Path) -> None:
    port = Home(tmp_path).port("web", 0)
    assert Home(tmp_path).port("web", 0) == port
    assert is_free(port)


def test_a_port_that_was_taken_since_is_given_up_and_said(tmp_path: Path) -> None:
    home = Home(tmp_path)
    port = home.port("web", 0)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", port))
        listener.listen()
        [message] = home.avoid_taken_ports()
        assert f"port {port}, last used for web, is taken" in message
        assert home.port("web", 0) != port
    assert home.avoid_taken_ports() == []


def test_secrets_are_made_once_and_readable_by_their_owner_alone(tmp_path: Path) -> None:
    secret = Home(tmp_path).secret("key", prefix="grtu")
    assert Home(tmp_path).secret("key") == secret
    assert secret.startswith("grtu")
    assert len(secret) > 40
    assert Home(tmp_path).secret("other") != secret
    assert (tmp_path / "run" / "secrets.json").stat().st_mode & 0o077 == 0


def test_the_control_socket_fits_the_kernels_limit_however_deep_the_clone_lies(tmp_path: Path) -> None:
    deep = Home(tmp_path / ("d" * 120))
    assert len(str(deep.control_socket)) <= MAX_SOCKET_PATH
    assert deep.control_socket != Home(tmp_path / ("e" * 120)).control_socket
