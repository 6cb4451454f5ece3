"""Numbers as tokens, and a smooth distribution that turns tokens back into numbers.

The distribution of a column is a quantile function of few segments. A value that many rows share (people round,
prices end in .99) is a segment of its own; all other values share segments of even density, as few as the data
supports. Each edge of a segment is the mean of several neighbouring rows, so no number that few people have is stored,
or drawn again other than by chance.

Tokens cut the quantile function's domain, 0 … 1: one token for each value that fills a bin alone, and bins of about
equal probability for the rest.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np

# A value counts as heaped when it is seen this many standard deviations more often than its neighbourhood explains.
HEAP_DEVIATIONS = 4.0
# Distinct values on each side that are the neighbourhood.
HEAP_WINDOW = 5
# Groups of neighbouring rows from which segments are merged: rows in each at least, and how many groups at most.
GROUP_ROWS = 10
MAX_GROUPS = 500
# A gap is wider than this many times the usual spacing beside it; no density is spread over it.
GAP_SPACINGS = 12.0
# Neighbouring segments stay apart when the likelihood ratio of two densities over one, in nats, is above this.
SPLIT_NATS = 3.0


@dataclass(frozen=True, slots=True)
class NumberTokens:
    """Tokens of a column of numbers.

    :param unit: all values are multiples of it; 0 if there is no such unit.
    :param low: no value is below it.
    :param scale: values are evenly dense over `arcsinh(value / scale)` inside a segment: linear near 0, logarithmic
        far from it.
    :param mass: cumulative probability at segment edges, segments + 1.
    :param left: left edge of each segment, as `arcsinh(value / scale)`; the value itself where a value is kept.
    :param right: right edge.
    :param kept: whether the segment is one value, kept as it is.
    :param edges: cumulative probability at token edges, tokens + 1.
    """

    unit: float
    low: float
    scale: float
    mass: np.ndarray
    left: np.ndarray
    right: np.ndarray
    kept: np.ndarray
    edges: np.ndarray

    @property
    def size(self) -> int:
        return len(self.edges) - 1

    def to_parts(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        arrays = {name: getattr(self, name) for name in ("mass", "left", "right", "kept", "edges")}
        return {"unit": self.unit, "low": self.low if np.isfinite(self.low) else None, "scale": self.scale}, arrays

    @classmethod
    def from_parts(cls, header: dict[str, Any], arrays: dict[str, np.ndarray]) -> Self:
        low = float("-inf") if header["low"] is None else header["low"]
        return cls(unit=header["unit"], low=low, scale=header["scale"], **arrays)

    def encode(self, values: np.ndarray) -> np.ndarray:
        """Token of each value; values far from all segments go to the nearest.

        :param values: float64 without NaN.
        :returns: tokens 0 … size - 1.
        """
        scaled = np.arcsinh(values / self.scale)
        left = np.where(self.kept, np.arcsinh(self.left / self.scale), self.left)
        right = np.where(self.kept, left, self.right)
        segment = np.clip(np.searchsorted(left, scaled, side="right") - 1, 0, len(left) - 1)
        between = (scaled > right[segment]) & (segment < len(left) - 1)
        nearer = between & (left[np.minimum(segment + 1, len(left) - 1)] - scaled < scaled - right[segment])
        segment += nearer
        width = right[segment] - left[segment]
        inside = np.clip((scaled - left[segment]) / np.where(width > 0, width, 1), 0, 1)
        inside = np.where(width > 0, inside, 0.5)
        at = self.mass[segment] + inside * (self.mass[segment + 1] - self.mass[segment])
        return np.clip(np.searchsorted(self.edges, at, side="right") - 1, 0, self.size - 1)

    def draw(self, tokens: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw one number per token.

        :param tokens: 0 … size - 1.
        :returns: float64, same length.
        """
        at = self.edges[tokens] + rng.random(len(tokens)) * (self.edges[tokens + 1] - self.edges[tokens])
        segment = np.clip(np.searchsorted(self.mass, at, side="right") - 1, 0, len(self.left) - 1)
        inside = (at - self.mass[segment]) / (self.mass[segment + 1] - self.mass[segment])
        scaled = self.left[segment] + inside * (self.right[segment] - self.left[segment])
        kept = self.kept[segment]
        values = self.scale * np.sinh(np.where(kept, 0, scaled))
        if self.unit:
            values = np.round(values / self.unit) * self.unit
        return np.where(kept, self.left[segment], np.maximum(values, self.low))


def learn_tokens(values: np.ndarray, *, unit: float, bins: int, rare: int) -> NumberTokens:
    """Learn the distribution of numbers and cut it into tokens.

    :param values: float64 without NaN, at least `rare` of them.
    :param unit: all values are multiples of it; 0 if there is no such unit.
    :param bins: about how many tokens.
    :param rare: values seen in fewer rows are not kept.
    """
    distinct, counts = np.unique(values, return_counts=True)
    kept = counts >= max(rare, -(-len(values) // bins))
    own = kept.copy()
    kept |= _heaped(distinct, counts, unit, rare)
    rest = np.repeat(distinct[~kept], counts[~kept])
    scale = max(float(np.median(np.abs(rest))) if len(rest) else 1.0, unit) or 1.0
    beside = np.searchsorted(distinct[own], rest)
    segments = _segments(np.arcsinh(rest / scale), beside, rare, narrowest=unit / np.hypot(scale, rest))
    left, right, weight, is_kept, is_own = _interleave(segments, distinct[kept], counts[kept], own[kept], scale)
    mass = np.concatenate([[0.0], np.cumsum(weight) / weight.sum()])
    mass[-1] = 1.0
    low = 0.0 if distinct[0] >= 0 else float("-inf")
    return NumberTokens(unit, low, scale, mass, left, right, is_kept, _token_edges(mass, is_own, bins))


def no_tokens(unit: float) -> NumberTokens:
    """Tokens of a column whose numbers are all null, or taken for null."""
    nothing = np.zeros(0)
    return NumberTokens(unit, 0.0, 1.0, np.zeros(1), nothing, nothing, nothing.astype(bool), np.zeros(1))


def _heaped(distinct: np.ndarray, counts: np.ndarray, unit: float, rare: int) -> np.ndarray:
    """Which values are seen far more often than their neighbours."""
    positions = np.arange(len(distinct))
    first, last = np.maximum(positions - HEAP_WINDOW, 0), np.minimum(positions + HEAP_WINDOW, len(distinct) - 1)
    total = np.concatenate([[0], np.cumsum(counts)])
    around = total[last + 1] - total[first] - counts
    steps = (distinct[last] - distinct[first]) / unit if unit else np.full(len(distinct), np.inf)
    expected = around / np.maximum(steps, 1)
    return (counts >= rare) & (counts > expected + HEAP_DEVIATIONS * np.sqrt(expected))


def _segments(scaled: np.ndarray, beside: np.ndarray, rare: int, narrowest: np.ndarray) -> np.ndarray:
    """Cut sorted values into segments of even density, as few as the likelihood allows, none of them over a gap.

    Runs of fewer than `rare` rows between two gaps are outliers and left out.

    :param beside: how many values that are a token of their own lie below each value; there is a gap at each of them.
    :param narrowest: per value, the step to the next possible one.
    :returns: left edge, right edge and rows of each segment, 3 x segments.
    """
    gaps = np.union1d(_gaps(scaled, narrowest), np.flatnonzero(np.diff(beside)) + 1)
    runs = [
        (run, steps.max(initial=0))
        for run, steps in zip(np.split(scaled, gaps), np.split(narrowest, gaps), strict=True)
        if len(run) >= rare
    ]
    if not runs:
        return np.zeros((3, 0))
    step = max(GROUP_ROWS, rare, -(-len(scaled) // MAX_GROUPS))
    parts = [_merge(*_groups(run, step, rare, least)) for run, least in runs]
    for before, after in pairwise(parts):
        if before[1, -1] > after[0, 0]:
            before[1, -1] = after[0, 0] = (before[1, -1] + after[0, 0]) / 2
    return np.concatenate(parts, axis=1)


def _gaps(scaled: np.ndarray, narrowest: np.ndarray) -> np.ndarray:
    """Positions before which there is a gap."""
    if len(scaled) < 2:
        return np.zeros(0, dtype=int)
    spacing = np.diff(scaled)
    positions = np.arange(1, len(scaled))
    left = scaled[positions - 1] - scaled[np.maximum(positions - 1 - GROUP_ROWS, 0)]
    right = scaled[np.minimum(positions + GROUP_ROWS, len(scaled) - 1)] - scaled[positions]
    usual = np.maximum(np.maximum(left, right) / GROUP_ROWS, narrowest[:-1])
    return positions[spacing > GAP_SPACINGS * usual]


def _groups(run: np.ndarray, step: int, rare: int, narrowest: float) -> tuple[np.ndarray, np.ndarray]:
    """Cut sorted values every `step` rows, or where the value changes next.

    :returns: edges, and rows between them. The outermost edges mirror the inner ones around the mean of the rows
        between, so that the smallest and the largest value stay unknown.
    """
    cuts = np.searchsorted(run, run[np.arange(step, len(run) - step + 1, step) - 1], side="right")
    cuts = np.unique(cuts[len(run) - cuts >= rare])
    rows = np.diff(np.concatenate([[0], cuts, [len(run)]])).astype(float)
    if not len(cuts):
        half = max(float(np.sqrt(3) * run.std()), narrowest / 2)
        return np.array([run.mean() - half, run.mean() + half]), rows
    half_window = (rare + 1) // 2
    inner = [float(run[cut - half_window : cut + half_window].mean()) for cut in cuts]
    first, last = run[: cuts[0]].mean(), run[cuts[-1] :].mean()
    return np.array([2 * first - inner[0], *inner, 2 * last - inner[-1]]), rows


def _merge(edges: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Merge neighbours until every two that are left differ in density.

    :returns: left edges, right edges and rows.
    """
    while len(rows) > 1:
        both, width = rows[:-1] + rows[1:], edges[2:] - edges[:-2]
        alone = rows * np.log(rows / np.diff(edges))
        loss = alone[:-1] + alone[1:] - both * np.log(both / width)
        weakest = int(np.argmin(loss))
        if loss[weakest] > SPLIT_NATS:
            break
        rows[weakest] = both[weakest]
        rows = np.delete(rows, weakest + 1)
        edges = np.delete(edges, weakest + 1)
    return np.array([edges[:-1], edges[1:], rows])


def _interleave(
    segments: np.ndarray, values: np.ndarray, counts: np.ndarray, own: np.ndarray, scale: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Put kept values between, or inside, the segments of even density.

    :returns: left, right, rows, whether kept and whether a token of its own, per segment in the order of values.
    """
    at = np.arcsinh(values / scale)
    pieces: list[tuple[float, float, float, bool, bool]] = []
    following = 0
    for left, right, count in segments.T:
        start = left
        while following < len(at) and at[following] < right:
            if at[following] > start:
                pieces.append((start, at[following], count * (at[following] - start) / (right - left), False, False))
                start = at[following]
            pieces.append((values[following], values[following], float(counts[following]), True, bool(own[following])))
            following += 1
        if right > start:
            pieces.append((start, right, count * (right - start) / (right - left), False, False))
    pieces.extend(
        (value, value, float(count), True, bool(alone))
        for value, count, alone in zip(values[following:], counts[following:], own[following:], strict=True)
    )
    left, right, weight, kept, alone = (np.array(part) for part in zip(*pieces, strict=True))
    return left, right, weight, kept, alone


def _token_edges(mass: np.ndarray, own: np.ndarray, bins: int) -> np.ndarray:
    """Cut 0 … 1 at values that are a token of their own, and evenly between them."""
    fixed = np.unique(np.concatenate([[0.0, 1.0], mass[:-1][own], mass[1:][own]]))
    alone = set(mass[:-1][own])
    edges = [0.0]
    for low, high in pairwise(fixed):
        parts = 1 if low in alone else max(1, round((high - low) * bins))
        edges.extend(np.linspace(low, high, parts + 1)[1:])
    return np.array(edges)
