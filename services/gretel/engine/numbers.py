"""Numbers as tokens, and a smooth distribution that turns tokens back into numbers.

The distribution of a column is a quantile function of few segments. A value that many rows share (people round,
prices end in .99) is a segment of its own; all other values share segments of even density, as few as the data
supports. Each edge of a segment is the mean of several neighbouring rows, so no number that few people have is stored,
or drawn again other than by chance.

Tokens cut the quantile function's domain, 0 … 1: one token for each value that fills a bin alone, and bins of about
equal probability for the rest.
"""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Self

import numpy as np
from scipy.special import xlogy
from scipy.stats import poisson

# A value counts as heaped when its neighbourhood explains how often it is seen with less than this probability.
HEAP_CHANCE = 1e-6
# Distinct values on each side that are the neighbourhood.
HEAP_WINDOW = 5
# Groups of neighbouring rows from which segments are merged: rows in each at least, and how many groups at most.
GROUP_ROWS = 10
MAX_GROUPS = 500
# A gap is wider than this many times the usual spacing beside it; no density is spread over it.
GAP_SPACINGS = 12.0
# Neighbouring segments stay apart when the likelihood ratio of two densities over one, in nats, is above this.
SPLIT_NATS = 5.0
# What is narrower is a rounding error: of a segment in scaled units, of a token in probability.
MIN_WIDTH = 1e-9
MIN_TOKEN = 1e-9


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
        """Token of each value; values outside all segments go to the nearest.

        :param values: float64 without NaN.
        :returns: tokens 0 … size - 1.
        """
        return np.clip(np.searchsorted(self.edges, self.position(values), side="right") - 1, 0, self.size - 1)

    def position(self, values: np.ndarray) -> np.ndarray:
        """Cumulative probability at each value; in the middle of its own where the value is heaped."""
        scaled = np.arcsinh(values / self.scale)
        left = np.where(self.kept, np.arcsinh(self.left / self.scale), self.left)
        right = np.where(self.kept, left, self.right)
        last = len(left) - 1
        segment = np.clip(np.searchsorted(left, scaled, side="right") - 1, 0, last)
        # Of a heaped value inside a segment and the rest of that segment, both starting at the value, only it is meant.
        heap = np.maximum(segment - 1, 0)
        segment = np.where(self.kept[heap] & (self.left[heap] == values), heap, segment)
        after = np.minimum(segment + 1, last)
        segment = np.where((scaled > right[segment]) & (left[after] - scaled < scaled - right[segment]), after, segment)
        width = right[segment] - left[segment]
        inside = np.where(width > 0, (scaled - left[segment]) / np.where(width > 0, width, 1), 0.5)
        return self.mass[segment] + np.clip(inside, 0, 1) * (self.mass[segment + 1] - self.mass[segment])

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
    heaped = _heaped(distinct, counts, unit, rare)
    # Where values have a unit, a heaped value is a segment one unit wide; else it has no width, and is put in later.
    points = heaped & (unit == 0)
    rest = np.repeat(distinct[~points], counts[~points])
    scale = max(float(np.median(np.abs(rest))) if len(rest) else 1.0, unit) or 1.0
    segments = _segments(rest, distinct[heaped & ~points], unit, scale, rare, needed=not points.any())
    left, right, weight, kept = _interleave(segments, distinct[points], counts[points], scale)
    mass = np.concatenate([[0.0], np.cumsum(weight) / weight.sum()])
    mass[-1] = 1.0
    low = 0.0 if distinct[0] >= 0 else float("-inf")
    whole = NumberTokens(unit, low, scale, mass, left, right, kept, edges=np.array([0.0, 1.0]))
    return replace(whole, edges=_token_edges(whole, bins))


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
    return (counts >= rare) & (poisson.sf(counts - 1, expected) < HEAP_CHANCE)


def _segments(rest: np.ndarray, heaps: np.ndarray, unit: float, scale: float, rare: int, *, needed: bool) -> np.ndarray:
    """Cut sorted values into segments of even density, as few as the likelihood allows, none of them over a gap.

    Runs of fewer than `rare` rows between two gaps are outliers and left out.

    :param heaps: heaped values, which start as segments of their own.
    :param needed: there has to be a segment, over the gaps if all are outliers.
    :returns: left edge, right edge and rows of each segment, 3 x segments.
    """
    scaled = np.arcsinh(rest / scale)
    steps = unit / np.hypot(scale, rest)  # from each value to the next possible one
    runs = [run for run in np.split(np.arange(len(rest)), _gaps(scaled, steps)) if len(run) >= rare]
    if needed and not runs:
        runs = [np.arange(len(rest))]
    size = max(GROUP_ROWS, rare, -(-len(rest) // MAX_GROUPS))
    parts = []
    for run in runs:
        edges, rows = _groups(scaled[run], size, rare, narrowest=float(steps[run].max()))
        if unit:
            edges = np.arcsinh((np.round(scale * np.sinh(edges) / unit - 0.5) + 0.5) * unit / scale)
            edges, rows = _cut_out(edges, heaps, unit, scale, rest[run])
        parts.append(_merge(edges, rows))
    for before, after in pairwise(parts):
        if before[1, -1] > after[0, 0]:
            before[1, -1] = after[0, 0] = (before[1, -1] + after[0, 0]) / 2
    return np.concatenate([np.zeros((3, 0)), *parts], axis=1)


def _cut_out(
    edges: np.ndarray, heaps: np.ndarray, unit: float, scale: float, rest: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Add edges around each heaped value, drop those without rows between, and count rows anew."""
    around = np.arcsinh((heaps[:, None] + np.array([-0.5, 0.5]) * unit) / scale).ravel()
    around = around[(around > edges[0]) & (around < edges[-1])]
    edges = np.unique(np.concatenate([edges, around]))
    edges = edges[np.concatenate([[True], np.diff(edges) > MIN_WIDTH])]
    if len(edges) < 2:
        edges = edges[0] + np.array([-MIN_WIDTH, MIN_WIDTH])
    rows = np.histogram(np.clip(np.arcsinh(rest / scale), edges[0], edges[-1]), edges)[0].astype(float)
    return edges, rows


def _gaps(scaled: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Positions before which there is a gap."""
    if len(scaled) < 2:
        return np.zeros(0, dtype=int)
    positions = np.arange(1, len(scaled))
    left = scaled[positions - 1] - scaled[np.maximum(positions - 1 - GROUP_ROWS, 0)]
    right = scaled[np.minimum(positions + GROUP_ROWS, len(scaled) - 1)] - scaled[positions]
    usual = np.maximum(np.maximum(left, right) / GROUP_ROWS, steps[:-1])
    return positions[np.diff(scaled) > GAP_SPACINGS * usual]


def _groups(run: np.ndarray, size: int, rare: int, narrowest: float) -> tuple[np.ndarray, np.ndarray]:
    """Cut sorted values every `size` rows, or where the value changes next.

    :returns: edges, and rows between them. The outermost edges mirror the inner ones around the mean of the rows
        between, so that the smallest and the largest value stay unknown.
    """
    cuts = np.searchsorted(run, run[np.arange(size, len(run) - size + 1, size) - 1], side="right")
    cuts = np.unique(cuts[len(run) - cuts >= rare])
    rows = np.diff(np.concatenate([[0], cuts, [len(run)]])).astype(float)
    if not len(cuts):
        half = max(float(np.sqrt(3) * run.std()), narrowest / 2, MIN_WIDTH)
        return np.array([run.mean() - half, run.mean() + half]), rows
    window = (rare + 1) // 2
    inner = [float(run[cut - window : cut + window].mean()) for cut in cuts]
    first, last = run[: cuts[0]].mean(), run[cuts[-1] :].mean()
    return np.array([2 * first - inner[0], *inner, 2 * last - inner[-1]]), rows


def _merge(edges: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Merge neighbours until every two that are left differ in density.

    :returns: left edges, right edges and rows.
    """
    while len(rows) > 1:
        widths = np.maximum(np.diff(edges), MIN_WIDTH)
        both = rows[:-1] + rows[1:]
        alone = xlogy(rows, rows / widths)
        loss = alone[:-1] + alone[1:] - xlogy(both, both / (widths[:-1] + widths[1:]))
        weakest = int(np.argmin(loss))
        if loss[weakest] > SPLIT_NATS:
            break
        rows[weakest] = both[weakest]
        rows = np.delete(rows, weakest + 1)
        edges = np.delete(edges, weakest + 1)
    return np.array([edges[:-1], edges[1:], rows])


def _interleave(
    segments: np.ndarray, values: np.ndarray, counts: np.ndarray, scale: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Put heaped values between, or inside, the segments of even density.

    :returns: left, right, rows and whether it is one value, per segment in the order of values.
    """
    at = np.arcsinh(values / scale)
    pieces: list[tuple[float, float, float, bool]] = []
    following = 0
    for left, right, count in segments.T:
        start = left
        while following < len(at) and at[following] < right:
            if at[following] > start:
                pieces.append((start, at[following], count * (at[following] - start) / (right - left), False))
                start = at[following]
            pieces.append((values[following], values[following], float(counts[following]), True))
            following += 1
        if right > start:
            pieces.append((start, right, count * (right - start) / (right - left), False))
    pieces.extend((v, v, float(count), True) for v, count in zip(values[following:], counts[following:], strict=True))
    left, right, weight, kept = (np.array(part) for part in zip(*pieces, strict=True))
    return left, right, weight, kept


def _token_edges(tokens: NumberTokens, bins: int) -> np.ndarray:
    """Cut 0 … 1 evenly, but around heaped values that fill a token, and through no value that many rows share."""
    even = np.linspace(0, 1, bins + 1)[1:-1]
    heaps = tokens.kept & (np.diff(tokens.mass) >= 1 / bins)
    cuts = np.concatenate([tokens.mass[:-1][heaps], tokens.mass[1:][heaps]])
    segment = np.searchsorted(tokens.mass, even, side="right") - 1
    even, segment = even[~tokens.kept[segment]], segment[~tokens.kept[segment]]
    if tokens.unit:
        # Between two possible values.
        inside = (even - tokens.mass[segment]) / np.diff(tokens.mass)[segment]
        values = tokens.scale * np.sinh(tokens.left[segment] + inside * (tokens.right - tokens.left)[segment])
        even = tokens.position((np.round(values / tokens.unit - 0.5) + 0.5) * tokens.unit)
    edges = np.unique(np.concatenate([[0.0, 1.0], cuts, even]))
    return edges[np.concatenate([[True], np.diff(edges) > MIN_TOKEN])] if edges[-1] - edges[-2] > MIN_TOKEN else edges
