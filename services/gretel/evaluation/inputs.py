"""The three tables made comparable: checked against each other and turned into arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from services.gretel.table import Kind, Table

PARTS = ("train", "holdout", "synthetic")
ORDERED = frozenset({Kind.NUMERIC, Kind.INTEGER, Kind.DATE, Kind.DATETIME})
NOMINAL = frozenset({Kind.CATEGORICAL, Kind.BOOLEAN, Kind.CONSTANT, Kind.EMPTY})
MISSING = -1  # the code of a null in a nominal feature
SECONDS_A_DAY = 86_400


@dataclass(frozen=True)
class Feature:
    """One column of all three tables in a common encoding.

    :param train: shape (rows,); float64 with NaN for nulls, dates in days, when ordered; else int64 codes.
    :param holdout: likewise.
    :param synthetic: likewise.
    :param categories: the value behind each code, most frequent in training first; None when ordered.
    """

    name: str
    kind: Kind
    train: np.ndarray
    holdout: np.ndarray
    synthetic: np.ndarray
    categories: tuple[str, ...] | None = None

    @property
    def ordered(self) -> bool:
        return self.categories is None

    def part(self, name: str) -> np.ndarray:
        array: np.ndarray = getattr(self, name)
        return array

    def missing(self, part: str) -> np.ndarray:
        """Where a part's values are null: boolean, shape (rows,)."""
        values = self.part(part)
        return np.isnan(values) if self.ordered else values == MISSING

    @cached_property
    def varies(self) -> bool:
        """Whether training and synthetic values together are more than one."""
        return len(np.unique(np.concatenate([self.train, self.synthetic]))) > 1


@dataclass(frozen=True)
class Inputs:
    """What every measure works on.

    :param features: columns that can be compared by value.
    :param labels: per part, the frame of the columns that hardly repeat (keys, free text) as strings with None.
    :param kinds: the training table's kind of every column.
    """

    features: tuple[Feature, ...]
    labels: dict[str, pd.DataFrame]
    kinds: dict[str, Kind]
    rows: dict[str, int]
    quasi_identifiers: tuple[str, ...]
    sensitive: tuple[str, ...]
    targets: tuple[str, ...]
    seed: int

    def rng(self, purpose: str) -> np.random.Generator:
        """A random generator of its own per purpose, so that no measure changes another's numbers."""
        return np.random.default_rng([self.seed, *purpose.encode()])

    def sample(self, part: str, limit: int, purpose: str) -> np.ndarray:
        """At most `limit` row positions of a part, drawn without replacement, sorted."""
        rows = self.rows[part]
        if rows <= limit:
            return np.arange(rows)
        return np.sort(self.rng(f"sample {part} {purpose}").choice(rows, limit, replace=False))

    def feature(self, name: str) -> Feature:
        return next(feature for feature in self.features if feature.name == name)


def prepare(
    train: Table,
    holdout: Table,
    synthetic: Table,
    *,
    quasi_identifiers: Sequence[str],
    sensitive: Sequence[str],
    targets: Sequence[str],
    seed: int,
) -> Inputs:
    """Check that the tables can be compared and bring their columns into a common encoding.

    The training table's schema decides how each column is read in all three.

    :raises ValueError: no rows in the training or synthetic table, columns that differ, values that do not fit their
        column's kind, or a declared column that does not exist.
    """
    tables = {"train": train, "holdout": holdout, "synthetic": synthetic}
    names = train.schema.names
    for part, table in tables.items():
        _check_columns(names, part, table)
    for part in ("train", "synthetic"):
        if len(tables[part]) == 0:
            raise ValueError(f"the {part} table has no rows; an evaluation needs at least one")
    for role, declared in (
        ("quasi-identifiers", quasi_identifiers),
        ("sensitive columns", sensitive),
        ("targets", targets),
    ):
        if unknown := [name for name in declared if name not in names]:
            raise ValueError(f"{role} {unknown} are no columns of the table; it has {names}")
    kinds = {column.name: column.kind for column in train.schema.columns}
    comparable = [name for name in names if kinds[name] in ORDERED | NOMINAL]
    others = [name for name in names if name not in comparable]
    return Inputs(
        features=tuple(
            _feature(name, kinds[name], {part: table.frame[name] for part, table in tables.items()})
            for name in comparable
        ),
        labels={part: table.frame[others].map(_text).reset_index(drop=True) for part, table in tables.items()},
        kinds=kinds,
        rows={part: len(table) for part, table in tables.items()},
        quasi_identifiers=tuple(dict.fromkeys(quasi_identifiers)),
        sensitive=tuple(dict.fromkeys(sensitive)),
        targets=tuple(dict.fromkeys(targets)),
        seed=seed,
    )


def _check_columns(names: list[str], part: str, table: Table) -> None:
    found = table.schema.names
    if set(found) == set(names):
        return
    lacking = [name for name in names if name not in found]
    extra = [name for name in found if name not in names]
    differences = ([f"lacks {lacking}"] if lacking else []) + ([f"has {extra} besides"] if extra else [])
    raise ValueError(
        f"the {part} table {' and '.join(differences)}; expected exactly the training table's columns. "
        "Evaluate a model's own output against the data it was trained on"
    )


def _feature(name: str, kind: Kind, series: dict[str, pd.Series]) -> Feature:
    if kind in ORDERED:
        train, holdout, synthetic = (_numbers(name, kind, part, series[part]) for part in PARTS)
        return Feature(name, kind, train, holdout, synthetic)
    texts = {part: values.map(_text).to_numpy(dtype=object) for part, values in series.items()}
    known = pd.Series(texts["train"], dtype=object).value_counts()
    later = pd.unique(pd.Series(np.concatenate([texts["holdout"], texts["synthetic"]]), dtype=object).dropna())
    frequent_first = sorted(known.index, key=lambda value: (-known[value], value))
    categories = (*frequent_first, *sorted(set(later) - set(frequent_first)))
    code = {value: position for position, value in enumerate(categories)}
    train, holdout, synthetic = (
        np.fromiter((code.get(value, MISSING) for value in texts[part]), dtype=np.int64, count=len(texts[part]))
        for part in PARTS
    )
    return Feature(name, kind, train, holdout, synthetic, categories)


def _numbers(name: str, kind: Kind, part: str, values: pd.Series) -> np.ndarray:
    try:
        if kind in {Kind.DATE, Kind.DATETIME}:
            moments = pd.to_datetime(values)
            seconds = (moments - pd.Timestamp("1970-01-01")).dt.total_seconds()
            return seconds.to_numpy(dtype=np.float64, na_value=np.nan) / SECONDS_A_DAY
        numbers = pd.to_numeric(values).astype("Float64").to_numpy(dtype=np.float64, na_value=np.nan)
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"column {name!r} of the {part} table holds values that are no {kind.value}s, which it is in the training "
            "table; evaluate tables of one schema"
        ) from error
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _text(value: object) -> str | None:
    return None if value is None or value is pd.NA or value is pd.NaT or value != value else str(value)  # noqa: PLR0124
