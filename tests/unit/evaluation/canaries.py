"""Releases that are known to be good or bad, and their reports."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd

from services.gretel.evaluation import Report, evaluate
from services.gretel.table import Kind, Table
from tests.unit.evaluation.populations import (
    QUASI_IDENTIFIERS,
    SENSITIVE,
    eccentrics,
    jittered,
    people,
    shuffled_columns,
    stacked,
    table,
    with_replaced_cells,
)

ROWS, HOLDOUT = 1_600, 400
Parts = tuple[Table, Table, Table]


def release(train: pd.DataFrame, holdout: pd.DataFrame, synthetic: pd.DataFrame, **kinds: Kind) -> Parts:
    """Make tables of the three frames."""
    return table(train, **kinds), table(holdout, **kinds), table(synthetic, **kinds)


def real() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Training and holdout rows."""
    return people(ROWS, 1), people(HOLDOUT, 2)


def honest() -> Parts:
    """Release people of the same population that were in neither table."""
    return release(*real(), people(ROWS, 3))


def memorized() -> Parts:
    """Release the training rows."""
    train, holdout = real()
    return release(train, holdout, train.sample(ROWS, replace=True, random_state=4))


def jittered_copy() -> Parts:
    """Release the training rows with numbers moved by 1 %."""
    train, holdout = real()
    return release(train, holdout, jittered(train, 5))


def noisy_copy() -> Parts:
    """Release the training rows with four in ten cells replaced."""
    train, holdout = real()
    return release(train, holdout, with_replaced_cells(train, 6, 0.4))


def independent_noise() -> Parts:
    """Release fresh people whose columns know nothing of each other."""
    train, holdout = real()
    return release(train, holdout, shuffled_columns(people(ROWS, 3), 7))


def planted_eccentrics() -> Parts:
    """Release fresh people and, slightly moved, twelve eccentrics of the training data."""
    train, holdout = real()
    odd = eccentrics(12)
    return release(stacked(train, odd), holdout, stacked(people(ROWS, 3), jittered(odd, 8)))


def planted_categories() -> Parts:
    """Release fresh people, one of them from where only three training people are from."""
    train, holdout = real()
    train.loc[:2, "country"] = "Atlantis"
    synthetic = people(ROWS, 3)
    synthetic.loc[0, "country"] = "Atlantis"
    return release(train, holdout, synthetic)


def one_copy() -> Parts:
    """Release fresh people and one training row."""
    train, holdout = real()
    return release(train, holdout, stacked(people(ROWS - 1, 3), train.head(1)))


def encoded_identifier() -> Parts:
    """Release fresh people with the account numbers of training people."""
    train, holdout = real()
    numbers = np.random.default_rng(9).permutation(10_000_000)[: ROWS + HOLDOUT]
    train["account"] = pd.array(numbers[:ROWS] * 7 + 3, dtype="Int64")
    holdout["account"] = pd.array(numbers[ROWS:] * 7 + 3, dtype="Int64")
    return release(train, holdout, people(ROWS, 3).assign(account=train["account"]), account=Kind.INTEGER)


def trained_on_holdout() -> Parts:
    """Release the holdout's rows, moved a little."""
    train, holdout = real()
    drawn = holdout.sample(ROWS, replace=True, random_state=1, ignore_index=True)
    return release(train, holdout, jittered(drawn, 1))


def trained_on_both() -> Parts:
    """Release training and holdout rows, moved a little: against its own holdout this model looks innocent."""
    train, holdout = real()
    return release(train, holdout, jittered(stacked(train, holdout), 1))


CANARIES: dict[str, Callable[[], Parts]] = {
    make.__name__: make
    for make in (
        honest,
        memorized,
        jittered_copy,
        noisy_copy,
        independent_noise,
        planted_eccentrics,
        planted_categories,
        one_copy,
        encoded_identifier,
        trained_on_holdout,
        trained_on_both,
    )
}


@cache
def measured(name: str) -> Report:
    """Evaluate a canary, once."""
    return evaluate(*CANARIES[name](), quasi_identifiers=QUASI_IDENTIFIERS, sensitive=SENSITIVE, seed=7)


def figure(report: Report, name: str) -> float:
    """Take a measure's value, which must be there."""
    value = report.measures[name].value
    assert value is not None, report.measures[name].reason
    return value
