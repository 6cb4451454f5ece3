"""Distributions in leaves and of numbers: as smooth as the data allow, and no smoother."""

from __future__ import annotations

import numpy as np
import pytest

from services.gretel.engine.leaves import tilt
from services.gretel.engine.numbers import learn_tokens

EVEN = np.full(11, 1 / 11)


@pytest.mark.parametrize("nominal", [True, False])
def test_a_leaf_that_says_nothing_clear_is_as_its_parent(nominal: bool) -> None:
    counts = np.array([0 if not nominal else 2, 3, 1, 2, 2, 3, 1, 2, 3, 2, 1])
    expected = EVEN if nominal else np.concatenate([[0.0], np.full(10, 0.1)])
    assert tilt(EVEN, counts, nominal=nominal) == pytest.approx(expected)


@pytest.mark.parametrize("nominal", [True, False])
def test_a_leaf_that_is_clear_is_as_its_rows(nominal: bool) -> None:
    counts = np.array([0, 100, 100, 0, 0, 0, 0, 0, 0, 0, 0])
    found = tilt(EVEN, counts, nominal=nominal)
    assert found.sum() == pytest.approx(1)
    assert found[1:3] == pytest.approx([0.5, 0.5])


def test_one_row_in_a_leaf_does_not_name_its_value() -> None:
    counts = np.zeros(11, dtype=int)
    counts[7] = 1
    assert tilt(EVEN, counts, nominal=True) == pytest.approx(EVEN)


def test_heaps_keep_their_share_and_the_rest_its_shape() -> None:
    rng = np.random.default_rng(1)
    values = np.concatenate([np.full(2000, 9.99), np.round(rng.lognormal(3, 1, 8000), 2)])
    tokens = learn_tokens(values, unit=0.01, bins=100, rare=5)
    codes = tokens.encode(values)
    made = tokens.draw(codes, rng)
    assert np.mean(made == 9.99) == pytest.approx(0.2, abs=0.01)
    assert np.quantile(made, [0.05, 0.25, 0.5, 0.75, 0.95]) == pytest.approx(
        np.quantile(values, [0.05, 0.25, 0.5, 0.75, 0.95]), rel=0.05
    )


def test_an_outlier_is_not_drawn() -> None:
    values = np.concatenate([np.arange(1000.0), [5e9, 6e9]])
    tokens = learn_tokens(values, unit=1.0, bins=100, rare=5)
    assert tokens.draw(np.arange(tokens.size).repeat(1000), np.random.default_rng(1)).max() < 2000


@pytest.mark.parametrize("values", [[10.0, 2e9, 4e9, 7e9, 9e12], [1e17] * 5 + [2e17], [0.0] * 5, [-1e-300] * 6])
def test_few_and_extreme_numbers_have_tokens(values: list[float]) -> None:
    tokens = learn_tokens(np.array(values), unit=0.0, bins=100, rare=5)
    made = tokens.draw(tokens.encode(np.array(values)), np.random.default_rng(1))
    assert np.isfinite(made).all()
