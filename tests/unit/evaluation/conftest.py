"""One honest release, measured once for all tests that only read it."""

import pytest

from services.gretel.evaluation import Report, evaluate
from tests.unit.evaluation.populations import QUASI_IDENTIFIERS, SENSITIVE, people, table


@pytest.fixture(scope="session")
def honest() -> Report:
    """The report on rows of the same population that no engine ever saw."""
    return evaluate(
        table(people(2000, 1)),
        table(people(500, 2)),
        table(people(2000, 3)),
        quasi_identifiers=QUASI_IDENTIFIERS,
        sensitive=SENSITIVE,
        seed=7,
    )
