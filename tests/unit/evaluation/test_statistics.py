"""Intervals, distances and risks against independent computations."""

import numpy as np
import pytest
from scipy.stats import nbinom
from sklearn.metrics import roc_auc_score

from services.gretel.evaluation.auc import auc_interval, roc_curve
from services.gretel.evaluation.disclosure.risk import residual_risk, wilson
from services.gretel.evaluation.disclosure.singling_out import extrapolate_unique
from services.gretel.evaluation.inputs import Inputs, prepare
from services.gretel.evaluation.measure import Measure, Score, rounded, suppressed
from services.gretel.evaluation.neighbours import Space, best_agreement, nearest, nearest_per_group
from tests.unit.evaluation.populations import people, table


@pytest.fixture(scope="module")
def inputs() -> Inputs:
    tables = [table(people(rows, seed)) for rows, seed in ((120, 1), (60, 2), (90, 3))]
    return prepare(*tables, quasi_identifiers=(), sensitive=(), targets=(), seed=1)


def test_auc_is_the_area_under_the_curve() -> None:
    rng = np.random.default_rng(1)
    positive, negative = rng.integers(0, 30, 400) + 4, rng.integers(0, 30, 300)
    auc, low, high = auc_interval(positive, negative)
    assert auc == pytest.approx(roc_auc_score([1] * 400 + [0] * 300, [*positive, *negative]))
    assert low < auc < high
    curve = np.array(roc_curve(positive, negative, 200))
    assert np.trapezoid(curve[:, 1], curve[:, 0]) == pytest.approx(auc, abs=0.02)
    assert curve[0].tolist() == [0, 0]
    assert curve[-1].tolist() == [1, 1]


@pytest.mark.parametrize("shift", [0.0, 0.5, 1.5])
def test_auc_interval_covers_the_truth_as_often_as_it_says(shift: float) -> None:
    from scipy.stats import norm

    rng = np.random.default_rng(2)
    truth = norm.cdf(shift / np.sqrt(2))
    inside = 0
    for _ in range(600):
        _, low, high = auc_interval(rng.normal(shift, 1, 200), rng.normal(0, 1, 80))
        inside += low <= truth <= high
    assert 0.92 < inside / 600 < 0.98


def test_auc_of_separated_scores_has_an_honest_width() -> None:
    auc, low, high = auc_interval(np.arange(10) + 100.0, np.arange(10) * 1.0)
    assert (auc, high) == (1.0, 1.0)
    assert low < 0.95


def test_wilson_matches_published_values() -> None:
    # Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(15, 148) == pytest.approx((0.0624, 0.1605), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert wilson(1, 29) == pytest.approx((0.0061, 0.1718), abs=5e-5)


def test_risk_is_what_the_attack_gains_over_its_control() -> None:
    risk = residual_risk((600, 1000), (200, 1000))
    assert risk.value == pytest.approx((0.6 - 0.2) / 0.8)
    assert risk.low is not None
    assert risk.high is not None
    assert 0 < risk.low < 0.5 < risk.high < 0.6
    assert residual_risk((100, 1000), (200, 1000)).value == 0
    always = residual_risk((100, 100), (100, 100))
    assert always.value is None
    assert "control" in always.reason


@pytest.mark.parametrize(("mean", "shape"), [(0.05, 0.5), (0.3, 0.3), (0.5, 5.0)])
def test_singling_out_is_extrapolated_to_a_larger_table(mean: float, shape: float) -> None:
    rng = np.random.default_rng(5)
    weights = rng.gamma(shape, mean / shape, 20_000)
    truth = nbinom.pmf(1, shape, shape / (shape + 4 * mean))
    assert extrapolate_unique(rng.poisson(weights), 4.0) == pytest.approx(truth, abs=0.02)
    assert extrapolate_unique(np.zeros(100), 4.0) == 0


def gower(inputs: Inputs, first: tuple[str, int], second: tuple[str, int]) -> float:
    """One distance, straight from the definition."""
    total = 0.0
    for feature in inputs.features:
        a, b = feature.part(first[0])[first[1]], feature.part(second[0])[second[1]]
        if not feature.ordered or np.isnan(a) or np.isnan(b):
            total += not (a == b or (np.isnan(a) and np.isnan(b)))
            continue
        known = feature.train[~np.isnan(feature.train)]
        places = []
        for value in (a, b):
            rank = (np.mean(known < value) + np.mean(known <= value)) / 2
            place = np.clip((value - known.min()) / (known.max() - known.min()), 0, 1)
            places.append((rank + place) / 2)
        total += abs(places[0] - places[1])
    return total / len(inputs.features)


def test_nearest_neighbours_by_gower_distance(inputs: Inputs) -> None:
    space = Space(inputs, inputs.features)
    synthetic, train = (space.points(part, np.arange(inputs.rows[part])) for part in ("synthetic", "train"))
    distances, order = nearest(synthetic, train, 3)
    for row in (0, 17, 89):
        everything = sorted(gower(inputs, ("synthetic", row), ("train", other)) for other in range(120))
        assert distances[row] == pytest.approx(everything[:3], abs=1e-5)
        for distance, other in zip(distances[row], order[row], strict=True):
            assert gower(inputs, ("synthetic", row), ("train", int(other))) == pytest.approx(distance, abs=1e-5)


def test_no_point_is_its_own_neighbour(inputs: Inputs) -> None:
    points = Space(inputs, inputs.features).points("train", np.arange(120))
    _, order = nearest(points, points, 1, same=True)
    assert (order[:, 0] != np.arange(120)).all()
    assert (nearest(points, points, 1)[0] == 0).all()


def test_nearest_per_group(inputs: Inputs) -> None:
    space = Space(inputs, inputs.features)
    synthetic, train = (space.points(part, np.arange(inputs.rows[part])) for part in ("synthetic", "train"))
    groups = np.arange(120) % 3
    found = nearest_per_group(synthetic, train, groups)
    for group in range(3):
        assert found[:, group] == pytest.approx(nearest(synthetic, train[groups == group], 1)[0][:, 0])


def test_best_agreement_is_the_heaviest_overlap() -> None:
    rng = np.random.default_rng(3)
    queries, references = rng.integers(0, 4, (150, 5)), rng.integers(0, 4, (80, 5))
    weights = rng.random((150, 5))
    expected = [max(((q == r) * w).sum() for r in references) for q, w in zip(queries, weights, strict=True)]
    assert best_agreement(queries, references, weights) == pytest.approx(expected, rel=1e-5)


def test_every_purpose_has_its_own_random_numbers(inputs: Inputs) -> None:
    assert inputs.rng("a").integers(1 << 60) == inputs.rng("a").integers(1 << 60)
    assert inputs.rng("a").integers(1 << 60) != inputs.rng("b").integers(1 << 60)
    assert len(set(inputs.sample("train", 50, "x"))) == 50


def test_grades_and_clipping() -> None:
    assert [Score.of(0.0, value).grade for value in (0, 2, 4.9, 7.9, 8, 11)] == [
        "Very Poor",
        "Poor",
        "Moderate",
        "Good",
        "Excellent",
        "Excellent",
    ]
    assert Score.of(0.0, 7.9, privacy=True).grade == "Very Good"
    assert Score.of(None, None).to_json() == {"raw_score": None, "grade": "Unavailable", "score": None}
    assert Score.of(0.3, 12.0).score == 10
    assert Score.of(0.3, -3.0).score == 0


def test_a_measure_has_a_value_or_a_reason() -> None:
    with pytest.raises(ValueError, match="either a value or a reason"):
        Measure(None)
    with pytest.raises(ValueError, match="either a value or a reason"):
        Measure(1.0, reason="none")
    with pytest.raises(ValueError, match="finite"):
        rounded(float("nan"))


def test_small_counts_are_hidden() -> None:
    assert [suppressed(count) for count in (0, 1, 9, 10, 11)] == [0, None, None, 10, 11]
