"""Order rules between columns, such as min <= avg <= max: found in the data, kept in every drawn row.

A column that is never below others is learned as its distance from the largest of them (difference encoding), so
rows keep the rule by construction and the distance keeps its own distribution.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# Rows in which both values are known, below which nothing is concluded.
MIN_ROWS = 30
# A rule is encoded when independent columns with the same values would break it in this share of rows. One that they
# hardly would break says little about the distance, and is only enforced.
ENCODED_FROM = 0.01


@dataclass(frozen=True, slots=True)
class OrderRule:
    """`low <= high` in every row where both are known.

    :param encoded: `high` is learned as its distance from `low`; else a drawn `high` is raised where it is too low.
    """

    low: str
    high: str
    encoded: bool


def find_order_rules(columns: dict[str, np.ndarray]) -> list[OrderRule]:
    """Find the order rules that no row breaks.

    :param columns: float64 with NaN for null, by name, comparable with each other.
    :returns: rules without those that follow from two others, and at most one of `a <= b` and `b <= a`.
    """
    names = list(columns)
    chance = np.zeros((len(names), len(names)))
    for i, low in enumerate(names):
        for j, high in enumerate(names):
            if i != j and not chance[j, i]:
                chance[i, j] = _broken_by_chance(columns[low], columns[high])
    return [
        OrderRule(names[i], names[j], bool(encoded[i, j]))
        for encoded in (chance >= ENCODED_FROM,)
        for i, j in zip(*np.nonzero(_reduced(encoded) | _reduced(chance > 0) & ~encoded), strict=True)
    ]


def _broken_by_chance(low: np.ndarray, high: np.ndarray) -> float:
    """Share of rows in which independent columns with these values would break the rule; 0 if a row breaks it."""
    known = ~(np.isnan(low) | np.isnan(high))
    low, high = low[known], high[known]
    if len(low) < MIN_ROWS or (low > high).any():
        return 0.0
    # Of all pairs of a low and a high, whatever their rows, those that break the rule.
    return float((len(low) - np.searchsorted(np.sort(low), high, side="right")).mean()) / len(low)


def _reduced(rules: np.ndarray) -> np.ndarray:
    """Leave out what follows from two others."""
    return rules & ~(rules.astype(int) @ rules.astype(int) > 0)


def learning_order(names: list[str], rules: Sequence[OrderRule]) -> list[str]:
    """Sort columns so that each comes after those it is the distance from, else in the order given."""
    return _lows_first(names, [rule for rule in rules if rule.encoded])


def floor_of(name: str, rules: Sequence[OrderRule], columns: dict[str, np.ndarray]) -> np.ndarray | None:
    """Return what the column is the distance from, 0 where that is null; None if no rule bounds it."""
    bounds = [columns[rule.low] for rule in rules if rule.encoded and rule.high == name]
    return np.nan_to_num(np.fmax.reduce(bounds)) if bounds else None


def enforce(rules: Sequence[OrderRule], columns: dict[str, np.ndarray], units: dict[str, float]) -> None:
    """Raise values, in place, that are below what a rule allows.

    :param columns: drawn numbers by name, NaN for null.
    :param units: what each column's values are multiples of, 0 for none.
    """
    for name in _lows_first(list(columns), rules):
        bounds = [columns[rule.low] for rule in rules if rule.high == name]
        if bounds:
            floor = np.fmax.reduce(bounds)
            unit = units[name]
            raised = np.ceil(floor / unit - 1e-9) * unit if unit else floor
            columns[name] = np.where(columns[name] < floor, raised, columns[name])


def _lows_first(names: list[str], rules: Sequence[OrderRule]) -> list[str]:
    ordered: list[str] = []
    waiting = list(names)
    while waiting:
        bound = {rule.high for rule in rules if rule.low in waiting}
        following = next(name for name in waiting if name not in bound)
        ordered.append(following)
        waiting.remove(following)
    return ordered
