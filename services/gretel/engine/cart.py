"""Sequential CART: each column is drawn from trees on the columns before it.

The method of synthpop (Nowok, Raab, Dibben: synthpop: Bespoke Creation of Synthetic Data in R, JSS 74(11), 2016; after
Reiter: Using CART to Generate Partially Synthetic Public Use Microdata, JOS 21(3), 2005), made to disclose less:
leaves hold smooth distributions over tokens instead of training values, splits that the data does not clearly support
are cut off, and a few trees on random parts of the rows are averaged.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from services.gretel.engine.base import Engine, Progress, parse_params
from services.gretel.engine.cart_model import VERSION, CartModel, Coder, LearnedColumn, features_of
from services.gretel.engine.columns import (
    MOMENTS,
    NUMBERS,
    ROUND_NUMBERS,
    ROUND_SECONDS,
    code_labels,
    code_numbers,
    resolution_of,
    to_numbers,
    unit_of,
)
from services.gretel.engine.constraints import OrderRule, find_order_rules, floor_of, learning_order
from services.gretel.engine.numbers import NumberTokens
from services.gretel.engine.text import learn_shapes
from services.gretel.engine.tree import fill, grow_tree
from services.gretel.table import Column, Kind, Table

RARE_LABELS = ("merge", "replace")


@dataclass(frozen=True, slots=True)
class CartParams:
    """Parameters of the engine; docs/engine.md shows what they trade.

    :param min_leaf: rows that each leaf of a tree has at least.
    :param significance: error probability at which a split is kept; smaller is more private, 1 keeps every split.
    :param trees: how many trees are averaged per column.
    :param subsample: share of the rows that each tree grows on.
    :param bins: into how many tokens the numbers of a column go, about.
    :param rare: a value, label or shape that fewer rows have never comes out.
    :param rare_labels: `merge` rare labels under one, or `replace` them by the most frequent.
    """

    min_leaf: int = 10
    significance: float = 0.001
    trees: int = 15
    subsample: float = 0.5
    bins: int = 100
    rare: int = 5
    rare_labels: str = "merge"

    def __post_init__(self) -> None:
        for name, least in (("min_leaf", 1), ("trees", 1), ("bins", 2), ("rare", 2)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise ValueError(f"Engine 'cart': {name} is {value!r}; expected a whole number of at least {least}.")
        for name in ("significance", "subsample"):
            value = getattr(self, name)
            if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= 1:
                raise ValueError(f"Engine 'cart': {name} is {value!r}; expected a number above 0 and up to 1.")
        if self.rare_labels not in RARE_LABELS:
            raise ValueError(
                f"Engine 'cart': rare_labels is {self.rare_labels!r}; expected {' or '.join(RARE_LABELS)}."
            )


@dataclass(frozen=True, slots=True)
class CodedColumn:
    """A training column as tokens.

    :param codes: one per row, 0 for null.
    :param unit: what the column's numbers are multiples of.
    """

    column: Column
    coder: Coder
    codes: np.ndarray
    unit: float = 0.0


class CartEngine(Engine):
    """Trains sequential CART."""

    name: ClassVar[str] = "cart"
    version: ClassVar[str] = VERSION

    def __init__(self, params: dict[str, Any], *, seed: int) -> None:
        self.params = parse_params(CartParams, params, engine=self.name)
        self.seed = seed

    def fit(self, table: Table, progress: Progress) -> CartModel:
        numbers = {
            column.name: to_numbers(column, table.frame[column.name])
            for column in table.schema.columns
            if column.kind in {*NUMBERS, *MOMENTS}
        }
        rules = [
            rule
            for family in (NUMBERS, MOMENTS)
            for rule in find_order_rules({name: numbers[name] for name in table.schema.of_kind(*family)})
        ]
        columns = [table.schema[name] for name in learning_order(table.schema.names, rules)]
        progress(f"Learning {len(columns)} columns of {len(table)} rows", {"columns": len(columns), "rows": len(table)})
        coded = [self._code(column, table, numbers, rules) for column in columns]
        seeds = np.random.SeedSequence(self.seed).spawn(len(coded))
        learned = []
        with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as threads:
            grown = threads.map(lambda position: self._grow(coded[: position + 1], seeds[position]), range(len(coded)))
            for position, column in enumerate(grown, start=1):
                learned.append(column)
                context = {"column": position, "columns": len(coded), "leaves": len(column.forest.weights)}
                progress(f"Learned column {position} of {len(coded)}", context)
        return CartModel(table.schema, tuple(learned), tuple(rules))

    def _code(
        self, column: Column, table: Table, numbers: dict[str, np.ndarray], rules: list[OrderRule]
    ) -> CodedColumn:
        """Turn a column into tokens."""
        params, series = self.params, table.frame[column.name]
        if column.kind in {Kind.TEXT, Kind.KEY}:
            shapes = learn_shapes(series.dropna().tolist(), rare=params.rare, keys=column.kind is Kind.KEY)
            return CodedColumn(column, shapes, series.notna().to_numpy().astype(int))
        if column.name not in numbers:
            return CodedColumn(
                column, *code_labels(column, series, rare=params.rare, merge=params.rare_labels == "merge")
            )
        resolution, larger = resolution_of(column), ROUND_SECONDS if column.kind in MOMENTS else ROUND_NUMBERS
        values = numbers[column.name]
        floor = floor_of(column.name, rules, numbers)
        steps = values if floor is None else values - floor
        unit = unit_of(values[~np.isnan(values)], resolution, larger)
        step_unit = unit_of(steps[~np.isnan(steps)], resolution, larger)
        return CodedColumn(column, *code_numbers(steps, unit=step_unit, bins=params.bins, rare=params.rare), unit=unit)

    def _grow(self, coded: list[CodedColumn], seed: np.random.SeedSequence) -> LearnedColumn:
        """Grow the trees of the last of these columns on the others."""
        params, target, rows = self.params, coded[-1], len(coded[-1].codes)
        rng = np.random.default_rng(seed)
        orders = tuple(order_codes(earlier, target.codes) for earlier in coded[:-1])
        features = features_of([earlier.codes for earlier in coded[:-1]], orders, rows)
        nominal = not isinstance(target.coder, NumberTokens)
        size = target.coder.size + 1
        judged = target.codes if nominal else np.column_stack([target.codes == 0, target.codes / size])
        trees = [
            grow_tree(
                features,
                judged,
                nominal=nominal,
                rows=np.sort(rng.permutation(rows)[: max(1, round(rows * params.subsample))]),
                min_leaf=params.min_leaf,
                significance=params.significance,
                seed=int(rng.integers(2**31)),
            )
            for _ in range(params.trees)
        ]
        forest = fill(trees, features, target.codes, _prior(target, size), nominal=nominal)
        return LearnedColumn(target.column, target.coder, forest, orders, target.unit)


def _prior(coded: CodedColumn, size: int) -> np.ndarray:
    """Token probabilities of the column as a whole: of numbers those of their smooth distribution, else as counted."""
    counted = np.bincount(coded.codes, minlength=size) / len(coded.codes)
    if not isinstance(coded.coder, NumberTokens):
        return counted
    return np.concatenate([counted[:1], np.diff(coded.coder.edges) * (1 - counted[0])])


def order_codes(earlier: CodedColumn, codes: np.ndarray) -> np.ndarray:
    """Rank an earlier column's codes as a feature: numbers by value, labels by the mean of the target's codes."""
    size = earlier.coder.size + 1
    if isinstance(earlier.coder, NumberTokens):
        return np.arange(size, dtype=np.float32)
    means = np.bincount(earlier.codes, weights=codes, minlength=size) / np.maximum(
        np.bincount(earlier.codes, minlength=size), 1
    )
    return np.argsort(np.argsort(means, kind="stable"), kind="stable").astype(np.float32)
