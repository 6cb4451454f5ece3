"""Keys and free text: made up from the structure of what was there, never copied.

A value's shape is the value with every letter and digit masked. Per shape and position it is remembered which kind
of character stands there (a digit, a hexadecimal digit, a lower-case letter …) or, in keys, which one if all of at
least `rare` values agree. What is made up never equals a value that the model was trained on.
"""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Self

import numpy as np
import pandas as pd

DIGITS = "0123456789"
LOWER = "abcdefghijklmnopqrstuvwxyz"
ALPHABETS = (
    DIGITS[1:],
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
# Values get one more character when less than this share of those tried is free; so many are tried at least.
LEAST_FREE = 0.1
LEAST_TRIED = 100


@dataclass(frozen=True, slots=True)
class Taken:
    """The training values, so that none is made up again: a Bloom filter of one hash, half full.

    Half of all values that were never there are in it as well, so that finding a value in it at most doubles the odds
    that it was there (B. H. Bloom: Space/Time Trade-offs in Hash Coding with Allowable Errors, CACM 13(7), 1970).

    :param bits: one per place, boolean; at least one is free.
    """

    bits: np.ndarray

    @classmethod
    def of(cls, values: Collection[str]) -> Self:
        distinct = set(values)
        bits = np.zeros(int(len(distinct) / np.log(2)) + 1, dtype=bool)
        bits[_places(distinct, len(bits))] = True
        return cls(bits)

    def has(self, values: Collection[str]) -> np.ndarray:
        """Whether each value was there; true for about half of those that were not."""
        return self.bits[_places(values, len(self.bits))]


@dataclass(frozen=True, slots=True)
class Shapes:
    """Shapes of values.

    :param positions: per shape, the characters that may stand at each position.
    :param weights: share of each shape.
    :param unique: whether no value may come twice.
    :param taken: the values that may not come at all.
    """

    positions: tuple[tuple[str, ...], ...]
    weights: tuple[float, ...]
    unique: bool
    taken: Taken

    @property
    def size(self) -> int:
        return 1  # a token for any value at all

    def draw(self, codes: np.ndarray, rng: np.random.Generator) -> pd.Series:
        """Make up a value per code, None for code 0; where shapes have too few values, longer ones."""
        wanted = int((codes > 0).sum())
        free: list[str] = []
        known: set[str] = set()
        longer = 0
        while len(free) < wanted:
            tried = self._try(max(wanted - len(free), LEAST_TRIED), longer, rng)
            found = [value for value, taken in zip(tried, self.taken.has(tried), strict=True) if not taken]
            if self.unique:
                found = [value for value in dict.fromkeys(found) if value not in known]
                known.update(found)
            free += found[: wanted - len(free)]
            longer += len(found) < LEAST_FREE * len(tried)
        made = np.full(len(codes), None, dtype=object)
        made[codes > 0] = free
        return pd.Series(made, dtype=object)

    def _try(self, count: int, longer: int, rng: np.random.Generator) -> list[str]:
        """Draw values of the shapes, with so many digits after them."""
        shapes = np.bincount(rng.choice(len(self.weights), size=count, p=self.weights), minlength=len(self.weights))
        tried = [
            "".join(row)
            for positions, rows in zip(self.positions, shapes, strict=True)
            for row in zip(
                *(np.array(list(chars))[rng.integers(len(chars), size=rows)] for chars in positions),
                *(np.array(list(DIGITS))[rng.integers(10, size=rows)] for _ in range(longer)),
                strict=True,
            )
        ]
        return [tried[place] for place in rng.permutation(count)]

    def to_parts(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        header = {"positions": self.positions, "weights": self.weights, "unique": self.unique}
        return header, {"taken": self.taken.bits}

    @classmethod
    def from_parts(cls, header: dict[str, Any], arrays: dict[str, np.ndarray]) -> Self:
        positions = tuple(tuple(chars) for chars in header["positions"])
        return cls(positions, tuple(header["weights"]), header["unique"], Taken(arrays["taken"]))


def learn_shapes(values: Collection[str], *, rare: int, keys: bool) -> Shapes:
    """Learn shapes; those of fewer than `rare` values are left out, unless there are no others.

    :param keys: values are unique, and characters that all of them share stay.
    """
    groups: dict[str, list[str]] = defaultdict(list)
    for value in values:
        groups["".join("x" if char.isalnum() else char for char in value)].append(value)
    kept = [group for group in groups.values() if len(group) >= rare]
    if not kept:
        return Shapes(((DIGITS + LOWER,) * 12,), (1.0,), keys, Taken.of(values))
    total = sum(map(len, kept))
    positions = tuple(_positions(group, keys) for group in kept)
    return Shapes(positions, tuple(len(group) / total for group in kept), keys, Taken.of(values))


def _positions(group: list[str], keys: bool) -> tuple[str, ...]:
    return tuple(_alphabet(frozenset(chars), keys) for chars in zip(*group, strict=True))


def _alphabet(chars: frozenset[str], keys: bool) -> str:
    if len(chars) == 1 and (keys or not next(iter(chars)).isalnum()):
        return next(iter(chars))
    return next((alphabet for alphabet in ALPHABETS if chars <= set(alphabet)), LOWER)


def _places(values: Collection[str], size: int) -> np.ndarray:
    digests = (int.from_bytes(blake2b(value.encode(), digest_size=8).digest()) for value in values)
    return np.fromiter(digests, dtype=np.uint64, count=len(values)) % np.uint64(size)
