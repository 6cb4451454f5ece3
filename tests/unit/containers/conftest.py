"""docker-compose.yml, Dockerfile, .env.example, Makefile and code agree. No container engine is needed to see that."""

from __future__ import annotations

from typing import Any

import pytest

from local.stack import Stack
from tests.support.containers import SERVICES, fill_in, read_settings, run_env_script


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What `make env` writes."""
    folder = tmp_path_factory.mktemp("env")
    done = run_env_script(folder)
    assert done.returncode == 0, done.stderr
    return read_settings(folder / ".env")


@pytest.fixture(scope="session")
def services(settings: dict[str, str]) -> dict[str, dict[str, Any]]:
    """The services as Compose starts them: all variables filled in."""
    return fill_in(SERVICES, settings)


@pytest.fixture(scope="session")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """The stack of `make up`; not started."""
    return Stack(tmp_path_factory.mktemp("stack"))
