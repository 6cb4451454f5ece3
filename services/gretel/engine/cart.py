"""Sequential CART: each column is drawn from a tree on the columns before it.

The method of synthpop (Nowok, Raab, Dibben: synthpop: Bespoke Creation of Synthetic Data in R, JSS 74(11), 2016; after
Reiter: Using CART to Generate Partially Synthetic Public Use Microdata, JOS 21(3), 2005), over tokens instead of
training values.
"""

from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from services.gretel.engine import columns as coding
from services.gretel.engine.base import Engine, Model, Progress, parse_params
from services.gretel.engine.constraints import OrderRule, find_order_rules, floor_of, learning_order
from services.gretel.engine.numbers import NumberTokens
from services.gretel.engine.store import Store
from services.gretel.engine.text import Shapes, learn_shapes
from services.gretel.engine.tree import TokenTree, grow
from services.gretel.table import Column, Kind, Schema, Table


@dataclass(frozen=True, slots=True)
class CartParams:
    """Parameters of the engine.

    :param min_leaf: rows that each leaf of a tree has at least.
    :param bins: into how many bins the numbers of a column go.
    :param rare: a value, label or shape that fewer rows have never comes out.
    :param rare_labels: `merge` rare labels under one, or `replace` them by the most frequent.
    :param piece_rows: rows that share one stretch of a number's distribution.
    """

    min_leaf: int = 50
    bins: int = 100
    rare: int = 5
    rare_labels: str = "merge"
    piece_rows: int = 10

    def __post_init__(self) -> None:
        for name, least in (("min_leaf", 1), ("bins", 2), ("rare", 2), ("piece_rows", 2)):
            value = getattr(self, name)
            if not isinstance(value, int) or value < least:
                raise ValueError(f"Engine 'cart': {name} is {value!r}; expected a whole number of at least {least}.")
        if self.rare_labels not in {"merge", "replace"}:
            raise ValueError(f"Engine 'cart': rare_labels is {self.rare_labels!r}; expected 'merge' or 'replace'.")


@dataclass(frozen=True, slots=True)
class LearnedColumn:
    """What the model knows of one column.

    :param orders: per earlier column, the rank of each of its codes as a feature of this tree.
    """

    column: Column
    tokens: NumberTokens | coding.Labels
    tree: TokenTree
    orders: tuple[np.ndarray, ...]
    shapes: Shapes | None = None
    unit: float = 0.0


class CartEngine(Engine):
    """Trains sequential CART."""

    name: ClassVar[str] = "cart"
    version: ClassVar[str] = "1"

    def __init__(self, params: dict[str, Any], *, seed: int) -> None:
        self.params = parse_params(CartParams, params, engine=self.name)
        self.seed = seed

    def fit(self, table: Table, progress: Progress) -> "CartModel":
        numbers = {
            column.name: coding.to_numbers(column, table.frame[column.name])
            for column in table.schema.columns
            if column.kind in {*coding.NUMBERS, *coding.MOMENTS}
        }
        rules = [
            rule
            for family in (coding.NUMBERS, coding.MOMENTS)
            for rule in find_order_rules({name: numbers[name] for name in table.schema.of_kind(*family)})
        ]
        learned: list[LearnedColumn] = []
        codes: list[np.ndarray] = []
        order = learning_order(table.schema.names, rules)
        for position, name in enumerate(order):
            column = table.schema[name]
            progress(f"Learning column {position + 1} of {len(order)}", {"column": position + 1, "columns": len(order)})
            model, code = self._learn(column, table.frame[name], numbers, rules, codes, learned)
            learned.append(model)
            codes.append(code)
        return CartModel(table.schema, tuple(learned), tuple(rules), rows=len(table))

    def _learn(
        self,
        column: Column,
        series: pd.Series,
        numbers: dict[str, np.ndarray],
        rules: list[OrderRule],
        codes: list[np.ndarray],
        learned: list[LearnedColumn],
    ) -> tuple[LearnedColumn, np.ndarray]:
        params = self.params
        tokens: NumberTokens | coding.Labels
        shapes, unit = None, 0.0
        if column.name in numbers:
            values = numbers[column.name]
            unit = coding.unit_of(column, values[~np.isnan(values)])
            floor = floor_of(column.name, rules, numbers)
            steps = values if floor is None else values - np.nan_to_num(floor)
            step_unit = coding.unit_of(column, steps[~np.isnan(steps)])
            tokens, code = coding.code_numbers(
                steps, unit=step_unit, bins=params.bins, rare=params.rare, piece_rows=params.piece_rows
            )
        elif column.kind in {Kind.TEXT, Kind.KEY}:
            shapes = learn_shapes(series.dropna(), rare=params.rare)
            tokens, code = coding.Labels(("",)), series.notna().to_numpy().astype(np.int64)
        else:
            tokens, code = coding.code_labels(column, series, rare=params.rare, merge=params.rare_labels == "merge")
        orders = tuple(_order(earlier, code, model.tokens) for earlier, model in zip(codes, learned, strict=True))
        features = _features(codes, orders, len(code))
        nominal = isinstance(tokens, coding.Labels)
        tree = grow(
            features,
            code if nominal else np.column_stack([code == 0, code / max(tokens.size, 1)]),
            code,
            size=tokens.size + 1,
            nominal=nominal,
            min_leaf=params.min_leaf,
            seed=self.seed,
        )
        return LearnedColumn(column, tokens, tree, orders, shapes, unit), code


@dataclass(frozen=True, slots=True)
class CartModel(Model):
    """Learned columns, in the order in which they are drawn."""

    schema: Schema
    learned: tuple[LearnedColumn, ...]
    rules: tuple[OrderRule, ...]
    rows: int

    def sample(self, n: int, *, seed: int) -> Table:
        streams = np.random.SeedSequence(seed).spawn(len(self.learned))
        codes: list[np.ndarray] = []
        numbers: dict[str, np.ndarray] = {}
        series: dict[str, pd.Series] = {}
        for model, stream in zip(self.learned, streams, strict=True):
            rng = np.random.default_rng(stream)
            code = model.tree.draw(_features(codes, model.orders, n), rng)
            codes.append(code)
            column = model.column
            if isinstance(model.tokens, NumberTokens):
                numbers[column.name] = self._draw_numbers(model, code, numbers, rng)
                series[column.name] = coding.to_values(column, numbers[column.name])
            elif model.shapes is not None:
                made = np.full(n, None, dtype=object)
                made[code > 0] = model.shapes.draw(int((code > 0).sum()), rng)
                series[column.name] = pd.Series(made, dtype=object)
            else:
                series[column.name] = coding.draw_labels(column, model.tokens, code)
        return Table(pd.DataFrame({name: series[name] for name in self.schema.names}), self.schema)

    def _draw_numbers(
        self, model: LearnedColumn, code: np.ndarray, numbers: dict[str, np.ndarray], rng: np.random.Generator
    ) -> np.ndarray:
        assert isinstance(model.tokens, NumberTokens)
        drawn = coding.draw_numbers(model.tokens, code, rng)
        floor = floor_of(model.column.name, list(self.rules), numbers)
        if floor is None:
            return drawn
        drawn += np.nan_to_num(floor)
        if model.unit:
            drawn = np.round(drawn / model.unit) * model.unit
            drawn = np.where(drawn < floor, np.ceil(floor / model.unit) * model.unit, drawn)
        return drawn

    def to_store(self) -> Store:
        arrays: dict[str, np.ndarray] = {}
        described = []
        for position, model in enumerate(self.learned):
            tree = {f.name: getattr(model.tree, f.name) for f in fields(model.tree)}
            orders = {str(i): order for i, order in enumerate(model.orders)}
            entry: dict[str, Any] = {"name": model.column.name, "unit": model.unit}
            if isinstance(model.tokens, NumberTokens):
                entry["numbers"], tokens = coding.number_tokens_to_arrays(model.tokens)
            else:
                entry["labels"], tokens = list(model.tokens.labels), {}
            if model.shapes is not None:
                entry["shapes"] = model.shapes.to_json()
            described.append(entry)
            for part, values in (("tree", tree), ("order", orders), ("tokens", tokens)):
                arrays.update({f"{position}.{part}.{key}": value for key, value in values.items()})
        header = {
            "engine": CartEngine.name,
            "version": CartEngine.version,
            "schema": self.schema.to_json(),
            "rules": [[rule.low, rule.high] for rule in self.rules],
            "columns": described,
            "rows": self.rows,
        }
        return Store(header, arrays)

    @classmethod
    def from_store(cls, store: Store) -> Self:
        schema = Schema.from_json(store.header["schema"])
        learned = []
        for position, entry in enumerate(store.header["columns"]):

            def part(name: str, position: int = position) -> dict[str, np.ndarray]:
                prefix = f"{position}.{name}."
                return {
                    key.removeprefix(prefix): array for key, array in store.arrays.items() if key.startswith(prefix)
                }

            numeric = "numbers" in entry
            learned.append(
                LearnedColumn(
                    column=schema[entry["name"]],
                    tokens=coding.number_tokens_from_arrays(entry["numbers"], part("tokens"))
                    if numeric
                    else coding.Labels(tuple(entry["labels"])),
                    tree=TokenTree(**part("tree")),
                    orders=tuple(part("order")[str(i)] for i in range(position)),
                    shapes=Shapes.from_json(entry["shapes"]) if "shapes" in entry else None,
                    unit=entry["unit"],
                )
            )
        rules = tuple(OrderRule(low, high) for low, high in store.header["rules"])
        return cls(schema, tuple(learned), rules, store.header["rows"])


def _order(earlier: np.ndarray, code: np.ndarray, tokens: NumberTokens | coding.Labels) -> np.ndarray:
    """Rank the codes of an earlier column as a feature: numbers by value, labels by their association with the target."""
    size = tokens.size + 1
    if isinstance(tokens, NumberTokens):
        return np.arange(size, dtype=np.float32)
    counts = np.bincount(earlier, minlength=size)
    means = np.bincount(earlier, weights=code, minlength=size) / np.maximum(counts, 1)
    return np.argsort(np.argsort(means, kind="stable"), kind="stable").astype(np.float32)


def _features(codes: list[np.ndarray], orders: tuple[np.ndarray, ...], rows: int) -> np.ndarray:
    features = np.zeros((rows, len(codes)), dtype=np.float32)
    for i, (code, order) in enumerate(zip(codes, orders, strict=True)):
        features[:, i] = order[code]
    return features
