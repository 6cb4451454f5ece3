"""What sequential CART learned: drawing rows from it, and its file."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from services.gretel.engine.base import Model
from services.gretel.engine.columns import Labels, draw_labels, draw_numbers, to_values
from services.gretel.engine.constraints import OrderRule, enforce, floor_of
from services.gretel.engine.numbers import NumberTokens
from services.gretel.engine.store import Store
from services.gretel.engine.text import Shapes
from services.gretel.engine.tree import Forest
from services.gretel.table import Column, Schema, Table

Coder = NumberTokens | Labels | Shapes
CODERS: dict[str, type[Coder]] = {"numbers": NumberTokens, "labels": Labels, "shapes": Shapes}
ENGINE, VERSION = "cart", "2"


@dataclass(frozen=True, slots=True)
class LearnedColumn:
    """What the model knows of one column.

    :param coder: turns tokens into values.
    :param forest: draws tokens given the columns before.
    :param orders: per column before, the rank of each of its codes as a feature.
    :param unit: what the column's numbers are multiples of, 0 for none.
    """

    column: Column
    coder: Coder
    forest: Forest
    orders: tuple[np.ndarray, ...]
    unit: float


@dataclass(frozen=True, slots=True)
class CartModel(Model):
    """Learned columns, in the order in which they are drawn."""

    schema: Schema
    learned: tuple[LearnedColumn, ...]
    rules: tuple[OrderRule, ...]

    def sample(self, n: int, *, seed: int) -> Table:
        codes: list[np.ndarray] = []
        numbers: dict[str, np.ndarray] = {}
        series: dict[str, pd.Series] = {}
        for model, stream in zip(self.learned, np.random.SeedSequence(seed).spawn(len(self.learned)), strict=True):
            rng = np.random.default_rng(stream)
            column, coder = model.column, model.coder
            code = model.forest.draw(features_of(codes, model.orders, n), rng)
            codes.append(code)
            if isinstance(coder, NumberTokens):
                floor = floor_of(column.name, self.rules, numbers)
                drawn = draw_numbers(coder, code, rng) + (0 if floor is None else floor)
                numbers[column.name] = np.round(drawn / model.unit) * model.unit if model.unit else drawn
            elif isinstance(coder, Shapes):
                series[column.name] = coder.draw(code, rng)
            else:
                series[column.name] = draw_labels(column, coder, code)
        enforce(self.rules, numbers, {model.column.name: model.unit for model in self.learned})
        series.update({name: to_values(self.schema[name], drawn) for name, drawn in numbers.items()})
        return Table(pd.DataFrame({name: series[name] for name in self.schema.names}), self.schema)

    def to_store(self) -> Store:
        arrays: dict[str, np.ndarray] = {}
        entries: list[dict[str, Any]] = []
        for position, model in enumerate(self.learned):
            kind = next(kind for kind, coder in CODERS.items() if isinstance(model.coder, coder))
            described, tokens = model.coder.to_parts()
            entries.append({"name": model.column.name, "unit": model.unit, "kind": kind, "coder": described})
            orders = {str(i): order for i, order in enumerate(model.orders)}
            for part, values in (("forest", model.forest.to_arrays()), ("coder", tokens), ("order", orders)):
                arrays.update({f"{position}.{part}.{name}": array for name, array in values.items()})
        header = {
            "engine": ENGINE,
            "version": VERSION,
            "schema": self.schema.to_json(),
            "rules": [[rule.low, rule.high, rule.encoded] for rule in self.rules],
            "columns": entries,
        }
        return Store(header, arrays)

    @classmethod
    def from_store(cls, store: Store) -> Self:
        schema = Schema.from_json(store.header["schema"])
        learned = []
        for position, entry in enumerate(store.header["columns"]):
            forest, tokens, orders = (store.part(f"{position}.{part}.") for part in ("forest", "coder", "order"))
            learned.append(
                LearnedColumn(
                    column=schema[entry["name"]],
                    coder=CODERS[entry["kind"]].from_parts(entry["coder"], tokens),
                    forest=Forest(**forest),
                    orders=tuple(orders[str(i)] for i in range(position)),
                    unit=entry["unit"],
                )
            )
        rules = tuple(OrderRule(low, high, encoded) for low, high, encoded in store.header["rules"])
        return cls(schema, tuple(learned), rules)


def features_of(codes: list[np.ndarray], orders: tuple[np.ndarray, ...], rows: int) -> np.ndarray:
    """Features for a tree: the ranks of the codes of the columns before, float32, rows x columns."""
    features = np.zeros((rows, len(codes)), dtype=np.float32)
    for i, (code, order) in enumerate(zip(codes, orders, strict=True)):
        features[:, i] = order[code]
    return features
