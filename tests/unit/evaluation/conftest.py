"""One honest release, measured once for all tests that only read it."""

import pytest

from services.gretel.evaluation import Report
from tests.unit.evaluation.canaries import measured


@pytest.fixture(scope="session")
def honest() -> Report:
    """The report on rows of the same population that no engine ever saw."""
    return measured("honest")
