"""What holds for a model of any table at all."""

from __future__ import annotations

import io
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.gretel.engine import create_engine, load_model
from services.gretel.engine.base import Model
from services.gretel.table import Kind, Table, read_table

ROWS = 200
CELLS = {
    "numeric": st.floats(allow_nan=False, allow_infinity=False, width=32).map(repr),
    "integer": st.integers(-(10**17), 10**17).map(str),
    "few_integers": st.integers(0, 3).map(str),
    "category": st.sampled_from(["red", "green", "blue", 'é, "quoted"']),
    "boolean": st.sampled_from(["true", "false"]),
    "date": st.dates(pd.Timestamp("1700-01-01").date(), pd.Timestamp("2250-01-01").date()).map(str),
    "moment": st.datetimes(pd.Timestamp("1990-01-01"), pd.Timestamp("2030-01-01")).map(
        lambda moment: moment.strftime("%Y-%m-%d %H:%M:%S")
    ),
    "text": st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF), min_size=1, max_size=30),
    "constant": st.just("same"),
    "empty": st.just(""),
}


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """A table as the service reads it: any kinds of columns, any nulls, few rows or many."""
    rows = draw(st.integers(1, ROWS))
    columns = {}
    for position, kind in enumerate(draw(st.lists(st.sampled_from(sorted(CELLS)), min_size=1, max_size=5))):
        different = draw(st.lists(CELLS[kind], min_size=1, max_size=12))
        rng = np.random.default_rng(draw(st.integers(0, 2**31)))
        cells = rng.choice(np.array(different, dtype=object), rows)
        cells[rng.random(rows) < draw(st.sampled_from([0.0, 0.3]))] = ""
        columns[f"{kind}_{position}"] = cells
    columns["row"] = np.arange(rows)  # so that no line of the file is blank
    return read_table(io.BytesIO(pd.DataFrame(columns).to_csv(index=False).encode()))


def fit(table: Table, seed: int) -> Model:
    return create_engine("cart", {}, seed=seed).fit(table, lambda _message, _context: None)


def copied(table: Table, made: Table) -> list[str]:
    """Columns of keys or free text with a value of the training table."""
    names = table.schema.of_kind(Kind.KEY, Kind.TEXT)
    return [name for name in names if set(table.frame[name].dropna()) & set(made.frame[name].dropna())]


def rare_labels(table: Table, made: Table) -> list[str]:
    """Columns with a category that fewer than five training rows have."""
    found = []
    for name in table.schema.of_kind(Kind.CATEGORICAL):
        counts = table.frame[name].value_counts()
        if set(made.frame[name].dropna()) & set(counts.index[counts < 5]):
            found.append(name)
    return found


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(table=tables(), seed=st.integers(0, 2**31))
def test_a_model_of_any_table(table: Table, seed: int) -> None:
    model = fit(table, seed)
    made = model.sample(ROWS, seed=seed)
    assert made.schema == table.schema
    assert list(made.frame.columns) == list(table.frame.columns)
    assert len(made) == ROWS
    for column in table.schema.columns:
        if table.frame[column.name].isna().all():
            assert made.frame[column.name].isna().all()
        if table.frame[column.name].notna().all() and len(table) >= 5:
            assert made.frame[column.name].notna().all()
        if column.kind is Kind.KEY:
            assert made.frame[column.name].is_unique
    assert copied(table, made) == []
    assert rare_labels(table, made) == []
    with TemporaryDirectory() as folder:
        model.save(Path(folder) / "model")
        again = load_model(Path(folder) / "model").sample(ROWS, seed=seed)
    pd.testing.assert_frame_equal(again.frame, made.frame)
    pd.testing.assert_frame_equal(fit(table, seed).sample(ROWS, seed=seed).frame, made.frame)
    assert len(model.sample(0, seed=seed)) == 0


@pytest.mark.parametrize("column", ["text", "category"])
def test_the_checks_find_a_model_that_copies(column: str) -> None:
    cells = {"text": [f"line {number % 40} of all" for number in range(100)], "category": ["a", "b"] * 49 + ["c", "c"]}
    table = read_table(io.BytesIO(pd.DataFrame({column: cells[column]}).to_csv(index=False).encode()))
    assert copied(table, table) + rare_labels(table, table) == [column]
