"""Distribution of each column: training against synthetic."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import jensenshannon

from services.gretel.evaluation.inputs import Feature, Inputs
from services.gretel.evaluation.measure import Measure, Score, not_measurable

MAX_BINS = 500
FEW_VALUES = 20  # numbers with so few distinct values are compared value by value


@dataclass(frozen=True)
class ColumnDistance:
    """How far one column's synthetic distribution is from training's.

    :param distance: Jensen-Shannon distance, base 2, 0 (same) to 1.
    :param reference: the same for the holdout; None without one.
    :param shape: Kolmogorov-Smirnov statistic of ordered columns, total variation distance of nominal ones, 0 to 1.
    """

    feature: Feature
    distance: float
    reference: float | None
    shape: float

    @property
    def score(self) -> Score:
        return distribution_score(self.distance)


def compare_columns(inputs: Inputs) -> list[ColumnDistance]:
    """Measure every comparable column."""
    compared = []
    for feature in inputs.features:
        holdout = _distance(feature, "holdout") if inputs.rows["holdout"] else None
        compared.append(ColumnDistance(feature, _distance(feature, "synthetic"), holdout, _shape(feature)))
    return compared


def average_distance(columns: list[ColumnDistance]) -> Measure:
    """Average the columns' Jensen-Shannon distances."""
    if not columns:
        return not_measurable("no column can be compared by value: all are keys or free text")
    references = [column.reference for column in columns if column.reference is not None]
    return Measure(
        value=float(np.mean([column.distance for column in columns])),
        reference=float(np.mean(references)) if references else None,
        detail={
            "columns": {
                column.feature.name: {
                    "js_distance": column.distance,
                    "holdout_js_distance": column.reference,
                    "shape_distance": column.shape,
                }
                for column in columns
            }
        },
    )


def distribution_score(distance: float | None) -> Score:
    """Scale a Jensen-Shannon distance to 0..10 by the formula NeMo Safe Synthesizer publishes."""
    if distance is None:
        return Score.of(None, None)
    if distance > 0.99:
        return Score.of(distance, 0.0)
    if distance < 0.02:
        return Score.of(distance, 10.0)
    return Score.of(distance, 7.44 * distance**2 - 16.646 * distance + 10.305)


def histogram_distance(first: np.ndarray, second: np.ndarray) -> float:
    """Jensen-Shannon distance of two samples of numbers in common bins (Doane's rule, at most 500).

    NaN counts as a bin of its own, so that a column whose nulls are wrong does not look right.
    """
    known = [values[~np.isnan(values)] for values in (first, second)]
    pooled = np.concatenate(known)
    edges = _edges(pooled) if len(pooled) else np.array([0.0, 1.0])
    counts = [
        np.append(np.histogram(rest, bins=edges)[0], len(values) - len(rest))
        for values, rest in zip((first, second), known, strict=True)
    ]
    return _jensen_shannon(counts[0], counts[1])


def _edges(pooled: np.ndarray) -> np.ndarray:
    low, high = pooled.min(), pooled.max()
    if low == high:
        return np.array([low, np.nextafter(high, np.inf)])
    # Doane's rule sets the number of bins: count them before NumPy makes millions for a heavy tail.
    skew_error = np.sqrt(6.0 * (len(pooled) - 2) / ((len(pooled) + 1.0) * (len(pooled) + 3))) if len(pooled) > 2 else 0
    deviation = pooled.std()
    bins = 1.0
    if skew_error > 0 and deviation > 0:
        skewness = np.mean(((pooled - pooled.mean()) / deviation) ** 3)
        bins = 1.0 + np.log2(len(pooled)) + np.log2(1.0 + abs(skewness) / skew_error)
    return np.unique(np.linspace(low, high, int(np.clip(np.ceil(bins), 1, MAX_BINS)) + 1))


def _distance(feature: Feature, part: str) -> float:
    train, other = feature.train, feature.part(part)
    if feature.ordered:
        distinct = np.unique(train[~np.isnan(train)])
        if len(distinct) > FEW_VALUES:
            return histogram_distance(train, other)
    return _jensen_shannon(*_value_counts(train, other))


def _shape(feature: Feature) -> float:
    train, synthetic = feature.train, feature.synthetic
    if feature.ordered:
        known = [values[~np.isnan(values)] for values in (train, synthetic)]
        if not len(known[0]) or not len(known[1]):
            return float(len(known[0]) != len(known[1]))
        places = np.concatenate(known)
        below = [np.searchsorted(np.sort(values), places, "right") / len(values) for values in known]
        return float(np.abs(below[0] - below[1]).max())
    first, second = _value_counts(train, synthetic)
    return float(np.abs(first / first.sum() - second / second.sum()).sum() / 2)


def _value_counts(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    _, positions = np.unique(np.concatenate([first, second]), return_inverse=True)
    size = positions.max() + 1
    return (
        np.bincount(positions[: len(first)], minlength=size).astype(float),
        np.bincount(positions[len(first) :], minlength=size).astype(float),
    )


def _jensen_shannon(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.nan_to_num(jensenshannon(first, second, base=2)))
