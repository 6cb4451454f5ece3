"""Distances between rows of mixed types, and the nearest neighbours under them."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from services.gretel.evaluation.inputs import Feature, Inputs

# Distances are computed between at most this many rows of each table; the work grows with its square.
MAX_ROWS = 5_000
BLOCK = 64
THREADS = 2
APART = 2.0  # any step of 1 or more counts as entirely different


class Space:
    """A Gower space (Gower, Biometrics 27, 1971): every column adds 0 (same) to 1, the mean is the distance.

    A number's place is the mean of its rank and of its position in training's range, both 0..1: ranks keep heavy tails
    from hiding the bulk, the range keeps an outlier far from everybody. Categories differ or not; a null differs from
    everything but a null.
    """

    def __init__(self, inputs: Inputs, features: Sequence[Feature]) -> None:
        self._inputs = inputs
        self._features = features

    def points(self, part: str, rows: np.ndarray) -> np.ndarray:
        """Coordinates of rows: float32, shape (len(rows), features)."""
        columns = [_coordinates(feature, feature.part(part)[rows]) for feature in self._features]
        return np.column_stack(columns).astype(np.float32)


def nearest(
    queries: np.ndarray, references: np.ndarray, count: int, *, same: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Find each query's nearest references, nearest first; of equally near ones, the earlier.

    :param queries: points, shape (n, features).
    :param references: points, shape (m, features); m >= 1.
    :param count: neighbours wanted; fewer come back if there are fewer references.
    :param same: queries and references are the same points, and none is its own neighbour.
    :returns: distances and positions, both shape (n, count).
    """
    count = min(count, len(references) - same)

    def pick(start: int, distances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if same:
            rows = np.arange(len(distances))
            distances[rows, start + rows] = np.inf
        order = distances.argmin(axis=1)[:, None] if count == 1 else _smallest(distances, count)
        return np.take_along_axis(distances, order, axis=1), order

    found = _blockwise(queries, references, pick)
    if not found:
        return np.empty((0, count), dtype=np.float32), np.empty((0, count), dtype=np.int64)
    return np.concatenate([distances for distances, _ in found]), np.concatenate([order for _, order in found])


def nearest_per_group(queries: np.ndarray, references: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Distance from each query to the nearest reference of every group.

    :param groups: shape (m,), numbers 0..g-1, each used.
    :returns: shape (n, g).
    """
    order = np.argsort(groups, kind="stable")
    starts = np.searchsorted(groups[order], np.arange(groups.max() + 1))
    found = _blockwise(queries, references[order], lambda _, d: np.minimum.reduceat(d, starts, axis=1))
    return np.concatenate(found)


def best_agreement(queries: np.ndarray, references: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weight of the values each query shares with the reference it agrees with most (Fellegi & Sunter, JASA 64, 1969).

    :param queries: one code per value, shape (n, features); equal codes are equal values.
    :param references: likewise, shape (m, features).
    :param weights: what it counts that a query's value is shared, shape (n, features).
    :returns: shape (n,).
    """

    def block(start: int) -> np.ndarray:
        part, weight = queries[start : start + BLOCK], weights[start : start + BLOCK].astype(np.float32)
        shared = np.zeros((len(part), len(references)), dtype=np.float32)
        for column in range(queries.shape[1]):
            shared += (part[:, column, None] == references[None, :, column]) * weight[:, column, None]
        best: np.ndarray = shared.max(axis=1)
        return best

    with ThreadPoolExecutor(THREADS) as threads:
        return np.concatenate(list(threads.map(block, range(0, len(queries), BLOCK))))


def _blockwise(queries: np.ndarray, references: np.ndarray, use: Callable[[int, np.ndarray], Any]) -> list[Any]:
    """Hand the distance matrix to `use`, some rows at a time: whole it would not fit the memory."""

    def block(start: int) -> Any:
        part = queries[start : start + BLOCK]
        distances = np.zeros((len(part), len(references)), dtype=np.float32)
        step = np.empty_like(distances)
        for column in range(queries.shape[1]):
            np.subtract.outer(part[:, column], references[:, column], out=step)
            np.abs(step, out=step)
            np.minimum(step, 1.0, out=step)
            distances += step
        return use(start, distances / queries.shape[1])

    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(block, range(0, len(queries), BLOCK)))


def _smallest(distances: np.ndarray, count: int) -> np.ndarray:
    order = np.sort(np.argpartition(distances, count - 1, axis=1)[:, :count], axis=1)
    ranked = np.argsort(np.take_along_axis(distances, order, axis=1), axis=1, kind="stable")
    return np.take_along_axis(order, ranked, axis=1)


def _coordinates(feature: Feature, values: np.ndarray) -> np.ndarray:
    if not feature.ordered:
        return values * APART
    known = np.sort(feature.train[~np.isnan(feature.train)])
    if not len(known):
        return np.where(np.isnan(values), -APART, 0.0)
    rank = (np.searchsorted(known, values, "left") + np.searchsorted(known, values, "right")) / (2 * len(known))
    width = known[-1] - known[0]
    place = np.clip((values - known[0]) / width, 0, 1) if width > 0 else np.full(len(values), 0.5)
    return np.where(np.isnan(values), -APART, (rank + place) / 2)
