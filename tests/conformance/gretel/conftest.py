"""The endpoint under test: a real one if it is named in the environment, else the local stack's.

VERIFY_GRETEL_ENDPOINT and VERIFY_GRETEL_API_KEY name a real one. It then trains a few small models there, in a project
of its own, which is deleted in the end; names of gretel-client's own variables are left alone, so that nobody who has
them set pays for running the tests.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest
from gretel_client.config import ClientConfig
from gretel_client.projects import Project, get_project
from gretel_client.projects.jobs import Status
from gretel_client.projects.models import Model

from tests.support.gretel_jobs import bookings, config, wait_for

TRAINING_SECONDS = 1800.0


def plain_config(model_type: str = "actgan", *, name: str = "conformance", **section: Any) -> dict[str, Any]:
    """A configuration of Gretel's own keys only."""
    return config(model_type, name=name, **{"evaluate": {"skip": True}, **section})


@pytest.fixture(scope="session")
def session(request: pytest.FixtureRequest) -> ClientConfig:
    """A gretel-client session on the endpoint under test."""
    endpoint, api_key = os.environ.get("VERIFY_GRETEL_ENDPOINT"), os.environ.get("VERIFY_GRETEL_API_KEY")
    if bool(endpoint) != bool(api_key):
        raise pytest.UsageError("set both VERIFY_GRETEL_ENDPOINT and VERIFY_GRETEL_API_KEY, or neither")
    if endpoint and api_key:
        return ClientConfig(endpoint=endpoint, api_key=api_key)
    local = request.getfixturevalue("gretel")
    return ClientConfig(endpoint=local.endpoint, api_key=local.api_key)


@pytest.fixture(scope="session")
def project(session: ClientConfig) -> Iterator[Project]:
    """A project of the tests' own."""
    fresh = get_project(create=True, display_name="Conformance tests", session=session)
    yield fresh
    fresh.delete()


@pytest.fixture(scope="session")
def frame() -> pd.DataFrame:
    return bookings(rows=500, seed=3)


@pytest.fixture(scope="session")
def trained(project: Project, frame: pd.DataFrame) -> Model:
    """A completed model."""
    settings = {"params": {"epochs": 2}, "generate": {"num_records": 120}, "evaluate": {"skip": False}}
    model = project.create_model_obj(plain_config(name="conformance-actgan", **settings), data_source=frame)
    model.submit()
    assert wait_for(model, seconds=TRAINING_SECONDS) == Status.COMPLETED, model.errors
    return model
