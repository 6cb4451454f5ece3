"""Order rules between columns, such as min <= avg <= max: found in the data, kept in every drawn row.

A column that is never below others is learned as its distance from the largest of them (difference encoding), so
rows keep the rule by construction and the distance keeps its own distribution.
"""

from dataclasses import dataclass

import numpy as np

# Rows in which both values are known, below which nothing is concluded.
MIN_ROWS = 30
# Violations that independent columns with the same values would show, from which none at all is a rule.
EXPECTED_VIOLATIONS = 10.0


@dataclass(frozen=True, slots=True)
class OrderRule:
    """`low <= high` in every row where both are known."""

    low: str
    high: str


def find_order_rules(columns: dict[str, np.ndarray]) -> list[OrderRule]:
    """Find the order rules that hold in all rows and would not hold by chance.

    :param columns: float64 with NaN for null, by name, comparable with each other.
    :returns: rules without those that follow from two others, and at most one of `a <= b` and `b <= a`.
    """
    names = list(columns)
    below = np.zeros((len(names), len(names)), dtype=bool)
    for i, low in enumerate(names):
        for j, high in enumerate(names):
            if i != j and not below[j, i]:
                below[i, j] = _is_rule(columns[low], columns[high])
    implied = (below.astype(int) @ below.astype(int)) > 0
    return [OrderRule(names[i], names[j]) for i, j in zip(*np.nonzero(below & ~implied), strict=True)]


def _is_rule(low: np.ndarray, high: np.ndarray) -> bool:
    known = ~(np.isnan(low) | np.isnan(high))
    low, high = low[known], high[known]
    if len(low) < MIN_ROWS or (low > high).any():
        return False
    # Of all n*n pairs of a low and a high of different rows, those that break the rule.
    broken = len(low) - np.searchsorted(np.sort(low), high, side="right")
    return float(broken.mean()) >= EXPECTED_VIOLATIONS / len(low)


def learning_order(names: list[str], rules: list[OrderRule]) -> list[str]:
    """Sort columns so that each comes after those that bound it from below, else in the order given."""
    ordered: list[str] = []
    waiting = list(names)
    while waiting:
        bound = {rule.high for rule in rules if rule.low in waiting}
        following = next(name for name in waiting if name not in bound)
        ordered.append(following)
        waiting.remove(following)
    return ordered


def floor_of(name: str, rules: list[OrderRule], columns: dict[str, np.ndarray]) -> np.ndarray | None:
    """Return the largest known lower bound per row, NaN where none is known; None if no rule bounds the column."""
    bounds = [columns[rule.low] for rule in rules if rule.high == name]
    if not bounds:
        return None
    return np.fmax.reduce(bounds)
