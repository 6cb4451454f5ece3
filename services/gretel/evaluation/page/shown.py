"""What a report may show of the data: shares of groups of ten people or more, and nothing near the extremes."""

from typing import Any

import numpy as np

from services.gretel.evaluation.fidelity.correlation import Correlations
from services.gretel.evaluation.fidelity.distribution import ColumnDistance
from services.gretel.evaluation.fidelity.structure import Projection
from services.gretel.evaluation.inputs import SECONDS_A_DAY, Feature
from services.gretel.evaluation.measure import SMALL_CELL, rounded, suppressed
from services.gretel.table import Kind

MIDDLE = 0.95  # share of training's values that an axis spans
MIN_ROWS = 50  # with fewer rows in training, matrices and components would show people
BINS = 24
BARS = 10
STEPS = (1.0, 2.0, 5.0, 10.0)
DAY_STEPS = (1, 2, 7, 14, 30, 91, 182, 365)
MAX_GRID = 18
ROWS_PER_CELL = 20


def field(column: ColumnDistance, rows: dict[str, int]) -> dict[str, Any]:
    """Describe a column the way Gretel's reports do, with its two distributions."""
    feature = column.feature
    labels, train, synthetic = distribution(feature)
    return {
        "name": feature.name,
        "left_field_features": _features(feature, "train", rows),
        "right_field_features": _features(feature, "synthetic", rows),
        "left_distribution": dict(zip(labels, train, strict=True)),
        "right_distribution": dict(zip(labels, synthetic, strict=True)),
        "distribution_distance": rounded(column.distance),
        "distribution_stability": column.score.to_json(),
    }


def distribution(feature: Feature) -> tuple[list[str], list[float | None], list[float | None]]:
    """Shares of training's and synthetic known values, None where fewer than ten training rows stand behind one.

    :returns: labels (lower bin edges of ordered columns, names of common categories), training's and synthetic shares.
    """
    return _bins(feature) if feature.ordered else _bars(feature)


def matrices(found: Correlations | None, rows: dict[str, int]) -> dict[str, Any] | None:
    """Both correlation matrices, two decimals; None if they could show people."""
    if found is None or rows["train"] < MIN_ROWS:
        return None
    return {
        "columns": list(found.names),
        "training": np.round(found.train, 2).tolist(),
        "synthetic": np.round(found.synthetic, 2).tolist(),
    }


def components(projection: Projection | None) -> dict[str, Any] | None:
    """Both tables' density along the components: shares of rows in the cells of a grid over training's middle.

    None for a cell with fewer than ten rows. The grid has no scale: positions along a component mean nothing outside.
    """
    if projection is None or len(projection.train) < MIN_ROWS:
        return None
    cells = int(np.clip(np.sqrt(len(projection.train) / ROWS_PER_CELL), 2, MAX_GRID))
    tail = (1 - MIDDLE) / 2
    edges = [
        np.linspace(*_widened(*np.quantile(projection.train[:, axis], [tail, 1 - tail])), cells + 1) for axis in (0, 1)
    ]
    grids = {}
    for part, points in (("training", projection.train), ("synthetic", projection.synthetic)):
        counts = np.histogram2d(points[:, 0], points[:, 1], bins=edges)[0]
        grids[part] = [
            [None if count < SMALL_CELL else round(float(count / len(points)), 4) for count in row] for row in counts
        ]
    return {"explained_variance": list(projection.explained), **grids}


def _features(feature: Feature, part: str, rows: dict[str, int]) -> dict[str, Any]:
    return {
        "name": feature.name,
        "type": "numeric" if feature.ordered else "categorical",
        "kind": feature.kind.value,
        "count": rows[part],
        "missing": suppressed(int(feature.missing(part).sum())),
    }


def _bins(feature: Feature) -> tuple[list[str], list[float | None], list[float | None]]:
    train, synthetic = (feature.part(part)[~feature.missing(part)] for part in ("train", "synthetic"))
    tail = (1 - MIDDLE) / 2
    if len(train) * tail < SMALL_CELL / 2 or not len(synthetic):
        tail = SMALL_CELL / max(1, len(train))
    if tail >= 0.25 or not len(synthetic):
        return [], [], []
    low, high = np.quantile(train, [tail, 1 - tail])
    edges = _round_edges(feature.kind, float(low), float(high))
    left, right = (np.histogram(values, bins=edges)[0] for values in (train, synthetic))
    labels = [_label(feature.kind, edge, edges[1] - edges[0]) for edge in edges[:-1]]
    return labels, *_shares(left, right, len(train), len(synthetic))


def _bars(feature: Feature) -> tuple[list[str], list[float | None], list[float | None]]:
    assert feature.categories is not None
    size = len(feature.categories)
    counts = [np.bincount(values[values >= 0], minlength=size) for values in (feature.train, feature.synthetic)]
    common = [position for position in range(size) if counts[0][position] >= SMALL_CELL][:BARS]
    rest = np.ones(size, dtype=bool)
    rest[common] = False
    labels = [feature.categories[position] for position in common]
    # The rest counts only if it is a group itself; its members' names are not shown.
    left, right = ([*count[common], count[rest].sum()] for count in counts)
    if rest.any():
        labels.append("other" if "other" not in labels else "(all other)")
    else:
        left, right = left[:-1], right[:-1]
    return labels, *_shares(np.asarray(left), np.asarray(right), int(counts[0].sum()), int(counts[1].sum()))


def _shares(
    train: np.ndarray, synthetic: np.ndarray, train_rows: int, synthetic_rows: int
) -> tuple[list[float | None], list[float | None]]:
    hidden = [
        [None if count < SMALL_CELL else round(float(count / rows), 4) for count in counts]
        for counts, rows in ((train, max(1, train_rows)), (synthetic, max(1, synthetic_rows)))
    ]
    return hidden[0], hidden[1]


def _round_edges(kind: Kind, low: float, high: float) -> np.ndarray:
    """Bin edges at round numbers, so that no value of the data can be read off them."""
    low, high = _widened(low, high)
    raw = (high - low) / BINS
    if kind is Kind.DATE or (kind is Kind.DATETIME and raw >= 1):
        step = float(next((days for days in DAY_STEPS if days >= raw), np.ceil(raw / 365) * 365))
    else:
        scale = 10.0 ** np.floor(np.log10(raw))
        step = next(factor * scale for factor in STEPS if factor * scale >= raw * (1 - 1e-9))
        step = max(step, 1.0) if kind is Kind.INTEGER else step
    first, last = np.floor(low / step), np.floor(high / step) + 1
    return np.arange(first, last + 1) * step


def _widened(low: float, high: float) -> tuple[float, float]:
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _label(kind: Kind, value: float, step: float) -> str:
    if kind in {Kind.DATE, Kind.DATETIME}:
        moment = np.datetime64("1970-01-01", "s") + np.timedelta64(round(value * SECONDS_A_DAY), "s")
        return str(moment).replace("T", " ") if step < 1 else str(moment.astype("datetime64[D]"))
    return f"{round(value, max(0, -int(np.floor(np.log10(step))))):,.12g}"
