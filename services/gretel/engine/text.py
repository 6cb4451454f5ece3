"""Keys and free text: made up from the structure of what was there, never copied.

A value's shape is the value with every letter and digit masked. Per shape and position it is remembered which kind
of character stands there (a digit, a hexadecimal digit, a lower-case letter …) or, if all of at least `rare` values
agree, which one.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

DIGITS = "0123456789"
LOWER = "abcdefghijklmnopqrstuvwxyz"
ALPHABETS = (
    DIGITS,
    DIGITS + "abcdef",
    DIGITS + "ABCDEF",
    LOWER,
    LOWER.upper(),
    LOWER + LOWER.upper(),
    DIGITS + LOWER,
    DIGITS + LOWER.upper(),
    DIGITS + LOWER + LOWER.upper(),
)


@dataclass(frozen=True, slots=True)
class Shapes:
    """Shapes of values.

    :param positions: per shape, the characters that may stand at each position.
    :param weights: share of each shape.
    """

    positions: tuple[tuple[str, ...], ...]
    weights: tuple[float, ...]

    @property
    def size(self) -> int:
        return 1  # a token for any value at all

    def draw(self, codes: np.ndarray, rng: np.random.Generator) -> pd.Series:
        """Make up a value per code, None for code 0."""
        made = np.full(len(codes), None, dtype=object)
        shapes = rng.choice(len(self.weights), size=int((codes > 0).sum()), p=self.weights)
        made[codes > 0] = [
            "".join(chars[rng.integers(len(chars))] for chars in self.positions[shape]) for shape in shapes
        ]
        return pd.Series(made, dtype=object)

    def to_parts(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        return {"positions": self.positions, "weights": self.weights}, {}

    @classmethod
    def from_parts(cls, header: dict[str, Any], arrays: dict[str, np.ndarray]) -> Self:
        assert not arrays
        return cls(tuple(tuple(chars) for chars in header["positions"]), tuple(header["weights"]))


def learn_shapes(values: Iterable[str], *, rare: int) -> Shapes:
    """Learn shapes; those of fewer than `rare` values are left out, unless there are no others."""
    groups: dict[str, list[str]] = defaultdict(list)
    for value in values:
        groups["".join("x" if char.isalnum() else char for char in value)].append(value)
    kept = [group for group in groups.values() if len(group) >= rare]
    if not kept:
        return Shapes(((DIGITS + LOWER,) * 12,), (1.0,))
    total = sum(map(len, kept))
    return Shapes(tuple(_positions(group) for group in kept), tuple(len(group) / total for group in kept))


def _positions(group: list[str]) -> tuple[str, ...]:
    return tuple(_alphabet(frozenset(chars)) for chars in zip(*group, strict=True))


def _alphabet(chars: frozenset[str]) -> str:
    if len(chars) == 1:
        return next(iter(chars))
    return next((alphabet for alphabet in ALPHABETS if chars <= set(alphabet)), LOWER)
