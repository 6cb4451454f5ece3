"""Keys and free text: made up from the structure of what was there, never copied.

A value's shape is the value with every letter and digit masked. Per shape and position it is remembered which kind
of character stands there (a digit, a hexadecimal digit, a lower-case letter …) or, if all of at least `rare` values
agree, which one.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

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

    def draw(self, n: int, rng: np.random.Generator) -> list[str]:
        shapes = rng.choice(len(self.weights), size=n, p=self.weights)
        return ["".join(chars[rng.integers(len(chars))] for chars in self.positions[shape]) for shape in shapes]

    def to_json(self) -> dict[str, Any]:
        return {"positions": self.positions, "weights": self.weights}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Shapes":
        return cls(tuple(tuple(chars) for chars in value["positions"]), tuple(value["weights"]))


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
