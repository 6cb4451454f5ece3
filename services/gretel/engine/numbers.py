"""Numbers as tokens: a heaped value is a token of its own, the others share bins.

Inside a bin, values seen often are kept with their frequency (people round, and prices end in .99); all others are
described by pieces, each the mean and spread of at least `rare` rows, and drawn evenly from them. So no number that
few people have is stored or comes out again, other than by chance.
"""

from dataclasses import dataclass

import numpy as np

# A value counts as heaped when it is seen this many standard deviations more often than its neighbourhood explains.
HEAP_DEVIATIONS = 4.0
# A piece whose largest value is more than this multiple of its smallest is drawn evenly on a log scale.
LOG_RATIO = 2.0


@dataclass(frozen=True, slots=True)
class NumberTokens:
    """How tokens turn back into numbers.

    :param unit: all values are multiples of it; 0 if there is no such unit.
    :param low: no value is below it.
    :param start: position of each token's first piece, and the number of pieces at the end; length tokens + 1.
    :param weight: share of each piece in its token.
    :param center: middle of each piece, in log units where `log`.
    :param half: half its width; 0 for a value that is kept as it is.
    :param log: whether it is drawn on a log scale.
    """

    unit: float
    low: float
    start: np.ndarray
    weight: np.ndarray
    center: np.ndarray
    half: np.ndarray
    log: np.ndarray

    @property
    def size(self) -> int:
        return len(self.start) - 1

    def draw(self, codes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw one number per token.

        :param codes: tokens 0 … size - 1.
        :returns: float64, same length.
        """
        token_of_piece = np.repeat(np.arange(self.size), np.diff(self.start))
        before = np.concatenate([[0.0], np.cumsum(self.weight)])
        upper = token_of_piece + before[1:] - before[self.start[token_of_piece]]
        upper[self.start[1:] - 1] = np.arange(1, self.size + 1)
        piece = np.searchsorted(upper, codes + rng.random(len(codes)), side="right")
        values = self.center[piece] + self.half[piece] * rng.uniform(-1, 1, len(codes))
        values = np.exp(values, where=self.log[piece], out=values)
        moved = self.half[piece] > 0
        return np.where(moved, np.maximum(_to_unit(values, self.unit), self.low), values)


def tokenize(
    values: np.ndarray, *, unit: float, bins: int, rare: int, piece_rows: int
) -> tuple[NumberTokens, np.ndarray]:
    """Learn tokens from numbers.

    :param values: float64 without NaN, at least `rare` of them.
    :param bins: about as many bins as this, each with as many rows.
    :param rare: values seen in fewer rows are not kept.
    :param piece_rows: rows that a piece describes, at least `rare`.
    :returns: the tokens, in the order of their values, and each value's token.
    """
    distinct, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    bin_rows = max(rare, -(-len(values) // bins))
    group = _group(distinct, counts, bin_rows, rare)
    pieces = [_pieces(distinct[group == g], counts[group == g], unit, rare, piece_rows) for g in range(group.max() + 1)]
    flat = [piece for token in pieces for piece in token]
    weight, center, half, log = (np.asarray(column) for column in zip(*flat, strict=True))
    start = np.concatenate([[0], np.cumsum([len(token) for token in pieces])])
    low = 0.0 if distinct[0] >= 0 else float("-inf")
    return NumberTokens(unit, low, start, weight, center, half, log), group[inverse]


def _group(distinct: np.ndarray, counts: np.ndarray, bin_rows: int, rare: int) -> np.ndarray:
    """Assign each distinct value to a token: its own if it fills a bin alone, else a bin of neighbours.

    :returns: token per distinct value, 0-based, ordered by value where bins do not straddle an own token.
    """
    own = counts >= bin_rows
    groups: list[list[int]] = []
    run: list[int] = []
    rows = 0
    small: list[int] = []
    for i in range(len(distinct)):
        if own[i]:
            if run and rows >= rare:
                groups.append(run)
                run, rows = [], 0
            groups.append([i])
            continue
        run.append(i)
        rows += int(counts[i])
        if rows >= bin_rows:
            groups.append(run)
            run, rows = [], 0
    small = run
    result = np.empty(len(distinct), dtype=np.int64)
    if small:
        if rows >= rare:
            groups.append(small)
        else:
            groups[-1].extend(small)
    groups.sort(key=lambda members: members[0])
    for token, members in enumerate(groups):
        result[members] = token
    return result


def _pieces(
    distinct: np.ndarray, counts: np.ndarray, unit: float, rare: int, piece_rows: int
) -> list[tuple[float, float, float, bool]]:
    """Describe one token's values as (weight, center, half, log)."""
    total = float(counts.sum())
    steps = (distinct[-1] - distinct[0]) / unit + 1 if unit else np.inf
    expected = total / steps
    heaped = (counts >= rare) & (counts > expected + HEAP_DEVIATIONS * np.sqrt(expected))
    heaped |= len(distinct) == 1
    rest = np.repeat(distinct[~heaped], counts[~heaped])
    if 0 < len(rest) < rare and heaped.any():
        return [
            (count / float(counts[heaped].sum()), value, 0.0, False)
            for value, count in zip(distinct[heaped], counts[heaped], strict=True)
        ]
    pieces = [
        (count / total, float(value), 0.0, False) for value, count in zip(distinct[heaped], counts[heaped], strict=True)
    ]
    for part in np.array_split(rest, max(1, len(rest) // piece_rows)):
        if len(part):
            pieces.append((len(part) / total, *_spread(part, unit)))
    return pieces


def _spread(part: np.ndarray, unit: float) -> tuple[float, float, bool]:
    """Center and half-width of the even distribution with this mean and variance."""
    log = bool(part[0] > 0 and part[-1] > LOG_RATIO * part[0])
    scaled = np.log(part) if log else part
    half = float(np.sqrt(3) * scaled.std())
    if not log:
        half = max(half, unit / 2)
    return float(scaled.mean()), max(half, np.finfo(float).tiny), log


def _to_unit(values: np.ndarray, unit: float) -> np.ndarray:
    return np.round(values / unit) * unit if unit else values
