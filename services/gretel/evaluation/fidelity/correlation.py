"""Correlations of every pair of columns, whatever their types."""

from dataclasses import dataclass

import numpy as np

from services.gretel.evaluation.inputs import Feature, Inputs
from services.gretel.evaluation.measure import Measure, Score, not_measurable

HIGHLY_UNIQUE = 0.1  # share of distinct values above which a correlation ratio says nothing
UNIQUE_BINS = 20


@dataclass(frozen=True)
class Correlations:
    """Association matrices, shape (columns, columns), of equally many rows of each table."""

    names: tuple[str, ...]
    train: np.ndarray
    synthetic: np.ndarray
    holdout_error: float | None

    @property
    def difference(self) -> np.ndarray:
        return np.abs(self.train - self.synthetic)


def correlations(inputs: Inputs) -> Correlations | None:
    """Compute the matrices; None with fewer than two columns or two rows to compare."""
    features = inputs.features
    rows = min(inputs.rows["train"], inputs.rows["synthetic"])
    if len(features) < 2 or rows < 2:
        return None
    train = association_matrix(features, "train", inputs.sample("train", rows, "correlation"))
    synthetic = association_matrix(features, "synthetic", inputs.sample("synthetic", rows, "correlation"))
    error = None
    if inputs.rows["holdout"] >= 2:
        same = min(rows, inputs.rows["holdout"])
        error = float(
            np.abs(
                association_matrix(features, "train", inputs.sample("train", same, "correlation reference"))
                - association_matrix(features, "holdout", inputs.sample("holdout", same, "correlation reference"))
            ).mean()
        )
    return Correlations(tuple(feature.name for feature in features), train, synthetic, error)


def correlation_error(found: Correlations | None) -> Measure:
    """Mean absolute difference of the matrices."""
    if found is None:
        return not_measurable("correlations need at least two columns that can be compared by value, and two rows")
    return Measure(value=float(found.difference.mean()), reference=found.holdout_error)


def correlation_score(error: float | None) -> Score:
    """Scale the mean absolute error to 0..10 by the formula NeMo Safe Synthesizer publishes."""
    if error is None:
        return Score.of(None, None)
    if error > 0.46:
        return Score.of(error, 0.0)
    if error < 0.01:
        return Score.of(error, 10.0)
    return Score.of(error, 37.562 * error**2 - 35.643 * error + 10.056)


def association_matrix(features: tuple[Feature, ...], part: str, rows: np.ndarray) -> np.ndarray:
    """Association of every pair of columns in one table.

    Pearson's r for two ordered columns, Theil's U(row | column) for two nominal ones, the correlation ratio for one of
    each; a nominal column with more than 10 % distinct values takes Theil's U against binned numbers instead, since
    almost every one of its groups would hold one number. A column of one value correlates with nothing.

    :returns: shape (features, features), ones on the diagonal.
    """
    values = [feature.part(part)[rows] for feature in features]
    matrix = np.eye(len(features))
    for i, first in enumerate(features):
        for j, second in enumerate(features):
            if i == j:
                continue
            if first.ordered and second.ordered:
                matrix[i, j] = matrix[j, i] if j < i else _pearson(values[i], values[j])
            elif not first.ordered and not second.ordered:
                matrix[i, j] = theils_u(values[i], values[j])
            else:
                nominal, ordered = (values[j], values[i]) if first.ordered else (values[i], values[j])
                if len(np.unique(nominal)) > HIGHLY_UNIQUE * len(nominal):
                    binned = _binned(ordered)
                    matrix[i, j] = theils_u(binned, nominal) if first.ordered else theils_u(nominal, binned)
                else:
                    matrix[i, j] = correlation_ratio(nominal, ordered)
    return matrix


def _pearson(first: np.ndarray, second: np.ndarray) -> float:
    known = ~np.isnan(first) & ~np.isnan(second)
    x, y = first[known], second[known]
    if len(x) < 2:
        return 0.0
    x, y = x - x.mean(), y - y.mean()
    scale = np.sqrt((x**2).sum() * (y**2).sum())
    return float((x * y).sum() / scale) if scale > 0 else 0.0


def correlation_ratio(nominal: np.ndarray, ordered: np.ndarray) -> float:
    """Share of a number's deviation explained by a category (eta), 0 to 1; null is a category of its own."""
    known = ~np.isnan(ordered)
    numbers = ordered[known]
    if len(numbers) < 2:
        return 0.0
    _, groups = np.unique(nominal[known], return_inverse=True)
    sizes = np.bincount(groups)
    means = np.bincount(groups, weights=numbers) / sizes
    between = (sizes * (means - numbers.mean()) ** 2).sum()
    total = ((numbers - numbers.mean()) ** 2).sum()
    return float(np.sqrt(min(1.0, between / total))) if total > 0 else 0.0


def theils_u(first: np.ndarray, second: np.ndarray) -> float:
    """Uncertainty coefficient U(first | second): share of the first's entropy that the second tells, 0 to 1."""
    _, x = np.unique(first, return_inverse=True)
    _, y = np.unique(second, return_inverse=True)
    entropy = _entropy(np.bincount(x))
    if entropy == 0:
        return 0.0
    _, joint = np.unique(x.astype(np.int64) * (y.max() + 1) + y, return_counts=True)
    conditional = _entropy(joint) - _entropy(np.bincount(y))
    return float(np.clip((entropy - conditional) / entropy, 0.0, 1.0))


def _entropy(counts: np.ndarray) -> float:
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum())


def _binned(numbers: np.ndarray) -> np.ndarray:
    known = numbers[~np.isnan(numbers)]
    if not len(known):
        return np.zeros(len(numbers), dtype=np.int64)
    edges = np.unique(np.quantile(known, np.linspace(0, 1, UNIQUE_BINS + 1)[1:-1]))
    return np.where(np.isnan(numbers), -1, np.searchsorted(edges, numbers, side="right"))
