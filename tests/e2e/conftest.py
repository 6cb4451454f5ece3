"""A whole Airflow with data to work on."""

from __future__ import annotations

import pytest

from local.airbnb.database import replace_tables
from local.airbnb.generator import generate
from local.airflow_api import AirflowApi
from local.stack import Stack


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/e2e/" in str(item.path):
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def bookings(engines: Stack, airflow: AirflowApi) -> str:
    """The source database, filled; its DSN."""
    dsn = engines.postgres.dsn("bookings", "bookings")
    replace_tables(dsn, generate(16_000, seed=3))
    return dsn
