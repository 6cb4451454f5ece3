"""Columns as tokens: what the trees learn and draw, and the way back to values.

Token 0 is null. Numbers, dates and times become number tokens; words and booleans one token per label.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from services.gretel.engine.numbers import NumberTokens, learn_tokens, no_tokens
from services.gretel.table import Column, Kind

NUMBERS = (Kind.NUMERIC, Kind.INTEGER)
MOMENTS = (Kind.DATE, Kind.DATETIME)
RARE_LABEL = "_RARE_"

SECONDS_PER_DAY = 86_400.0
ROUND_NUMBERS = tuple(10.0**power for power in range(9, -10, -1))
ROUND_SECONDS = (SECONDS_PER_DAY, 3_600.0, 60.0, 1.0, *(10.0**-power for power in range(1, 7)))
LARGEST_INTEGER = 10**18 - 1


@dataclass(frozen=True, slots=True)
class Labels:
    """Tokens 1 … of a nominal column."""

    labels: tuple[str, ...]

    @property
    def size(self) -> int:
        return len(self.labels)

    def to_parts(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        return {"labels": list(self.labels)}, {}

    @classmethod
    def from_parts(cls, header: dict[str, Any], arrays: dict[str, np.ndarray]) -> Self:
        assert not arrays
        return cls(tuple(header["labels"]))


def to_numbers(column: Column, series: pd.Series) -> np.ndarray:
    """Numbers as they are, dates and times as seconds since 1970; NaN for null.

    :returns: float64, one per row.
    """
    if column.kind in MOMENTS:
        known = series.notna().to_numpy()
        seconds = np.full(len(series), np.nan)
        seconds[known] = series[known].to_numpy("datetime64[ns]").astype("int64") // 1000 / 1e6
        return seconds
    return series.to_numpy(dtype="float64", na_value=np.nan)


def to_values(column: Column, numbers: np.ndarray) -> pd.Series:
    """Undo `to_numbers`, rounded to what the column can hold."""
    known = ~np.isnan(numbers)
    if column.kind in MOMENTS:
        microseconds = np.round(np.where(known, numbers, 0) * 1e6).astype("int64")
        moments = microseconds.astype("datetime64[us]").astype("datetime64[ns]")
        moments[~known] = np.datetime64("NaT")
        return pd.Series(moments)
    if column.kind is Kind.INTEGER:
        whole = np.clip(np.round(np.where(known, numbers, 0)), -LARGEST_INTEGER, LARGEST_INTEGER).astype("int64")
        return pd.Series(pd.array(whole, dtype="Int64")).mask(~known)
    return pd.Series(numbers if column.scientific else np.round(numbers, column.decimals[1]))


def resolution_of(column: Column) -> float:
    """Smallest step between two values that the column can spell, 0 if there is none."""
    if column.scientific:
        return 0.0
    if column.kind is Kind.DATE:
        return SECONDS_PER_DAY
    return 10.0 ** -column.decimals[1]


def unit_of(numbers: np.ndarray, resolution: float, larger: tuple[float, ...]) -> float:
    """Largest unit that all numbers are multiples of.

    :param numbers: without NaN.
    :param resolution: a unit of all of them, 0 if there is none.
    :param larger: units to try, largest first.
    """
    if not resolution:
        return 0.0
    steps = np.round(numbers / resolution)
    for unit in larger:
        multiple = round(unit / resolution)
        if multiple > 1 and steps.any() and not (steps % multiple).any():
            return unit
    return resolution


def code_numbers(numbers: np.ndarray, *, unit: float, bins: int, rare: int) -> tuple[NumberTokens, np.ndarray]:
    """Tokenize numbers with nulls; fewer than `rare` known ones count as nulls.

    :returns: tokens, and each row's code, 0 for null.
    """
    known = ~np.isnan(numbers)
    codes = np.zeros(len(numbers), dtype=np.int64)
    if known.sum() < rare:
        return no_tokens(unit), codes
    tokens = learn_tokens(numbers[known], unit=unit, bins=bins, rare=rare)
    codes[known] = tokens.encode(numbers[known]) + 1
    return tokens, codes


def draw_numbers(tokens: NumberTokens, codes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw a number per code, NaN for code 0."""
    numbers = np.full(len(codes), np.nan)
    known = codes > 0
    numbers[known] = tokens.draw(codes[known] - 1, rng)
    return numbers


def code_labels(column: Column, series: pd.Series, *, rare: int, merge: bool) -> tuple[Labels, np.ndarray]:
    """One token per label that at least `rare` rows have; the others are merged, or replaced by the most frequent.

    :param merge: merge rare labels under `_RARE_`, if together they are not rare.
    :returns: labels, and each row's code, 0 for null.
    """
    words = series.map(column.spelling.__getitem__, na_action="ignore") if column.kind is Kind.BOOLEAN else series
    codes, distinct = pd.factorize(words, sort=True)
    counts = np.bincount(codes[codes >= 0], minlength=len(distinct))
    kept = np.flatnonzero(counts >= rare)
    rest = int(counts.sum() - counts[kept].sum())
    labels = [str(label) for label in distinct.take(kept)]
    new = np.zeros(len(distinct) + 1, dtype=np.int64)  # the last is for code -1, null
    if merge and column.kind is Kind.CATEGORICAL and rest >= rare:
        labels.append(RARE_LABEL)
        new[:-1] = len(labels)
    elif len(kept):
        new[:-1] = 1 + int(np.argmax(counts[kept]))
    new[kept] = np.arange(1, len(kept) + 1)
    return Labels(tuple(labels)), new[codes]


def draw_labels(column: Column, labels: Labels, codes: np.ndarray) -> pd.Series:
    """Labels of codes, with the dtype of the column's kind."""
    if column.kind is Kind.BOOLEAN:
        truth = [pd.NA, *(label == column.spelling[True] for label in labels.labels)]
        return pd.Series(pd.array([truth[code] for code in codes], dtype="boolean"))
    words = np.empty(labels.size + 1, dtype=object)
    words[:] = [None, *labels.labels]
    return pd.Series(words[codes], dtype=object)
