"""The CART engine: what it keeps, and what it must never give away."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from services.gretel.engine import create_engine, load_model
from services.gretel.table import Kind, Table, read_table


def table(frame: pd.DataFrame) -> Table:
    return read_table(io.BytesIO(frame.to_csv(index=False).encode()))


def synthesize(frame: pd.DataFrame, n: int, *, seed: int = 1, **params: object) -> Table:
    model = create_engine("cart", params, seed=seed).fit(table(frame), lambda _message, _context: None)
    return model.sample(n, seed=seed + 1)


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    """Mixed kinds, dependent on each other, with what real data has of trouble."""
    rng = np.random.default_rng(3)
    rows = 3000
    city = rng.choice(["Paris", "Rome", "Oslo"], rows, p=[0.6, 0.3, 0.1])
    low = rng.lognormal(3, 1.5, rows).round()
    middle = low + rng.lognormal(4, 1, rows).round()
    return pd.DataFrame(
        {
            "user": [f"u{number:06d}x" for number in rng.permutation(rows)],
            "city": city,
            "age": pd.array(np.where(rng.random(rows) < 0.4, -1, rng.integers(18, 80, rows)), "Int64"),
            "low": low.astype(int),
            "middle": middle.astype(int),
            "high": (middle + rng.lognormal(5, 1, rows).round()).astype(int),
            "member": rng.random(rows) < np.where(city == "Paris", 0.9, 0.1),
            "joined": pd.to_datetime("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, rows), unit="D"),
            "note": [f"asked {number * 7919} about room {number}" for number in range(rows)],
            "nothing": np.nan,
            "always": "same",
        }
    ).replace({"age": {-1: pd.NA}})


def test_columns_and_kinds_stay(people: pd.DataFrame) -> None:
    trained, made = table(people), synthesize(people, 500)
    assert made.schema == trained.schema
    assert len(made) == 500
    assert made.schema["nothing"].kind is Kind.EMPTY
    assert made.frame["nothing"].isna().all()
    assert set(made.frame["always"]) == {"same"}


def test_nulls_come_as_often_and_dependence_is_kept(people: pd.DataFrame) -> None:
    made = synthesize(people, 3000).frame
    assert made["age"].isna().mean() == pytest.approx(people["age"].isna().mean(), abs=0.03)
    by_city = made.groupby("city")["member"].mean().astype(float)
    assert by_city["Paris"] > 0.85
    assert by_city["Rome"] < 0.2


def test_the_dependence_test_fails_for_independent_columns(people: pd.DataFrame) -> None:
    shuffled = people.assign(member=people["member"].sample(frac=1, random_state=1).array)
    assert shuffled.groupby("city")["member"].mean()["Paris"] < 0.85


def test_a_detected_order_is_never_broken(people: pd.DataFrame) -> None:
    made = synthesize(people, 5000).frame
    assert (made["low"] <= made["middle"]).all()
    assert (made["middle"] <= made["high"]).all()


def test_the_same_seed_gives_the_same_rows_and_another_one_others(people: pd.DataFrame) -> None:
    first, again, other = (synthesize(people, 200, seed=seed).frame for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first, again)
    assert not first.equals(other)


def test_keys_are_made_up_in_the_shape_of_the_real_ones(people: pd.DataFrame) -> None:
    made = synthesize(people, 1000).frame
    assert made["user"].str.fullmatch(r"u\d{6}x").all()
    assert made["user"].is_unique
    assert not set(made["user"]) & set(people["user"])


def test_free_text_is_never_copied(people: pd.DataFrame) -> None:
    made = synthesize(people, 3000).frame
    assert not set(made["note"].dropna()) & set(people["note"])


def test_what_fewer_than_five_people_have_is_never_released(people: pd.DataFrame) -> None:
    rare = people.copy()
    rare.loc[:3, "city"] = "Atlantis"
    rare.loc[:3, "high"] = 987_654_321
    made = synthesize(rare, 5000).frame
    assert "Atlantis" not in set(made["city"])
    assert 987_654_321 not in set(made["high"])


def test_a_category_of_five_people_may_be_released(people: pd.DataFrame) -> None:
    common = people.copy()
    common.loc[:200, "city"] = "Lima"
    assert "Lima" in set(synthesize(common, 2000).frame["city"])


def test_a_saved_model_gives_the_same_rows(people: pd.DataFrame, tmp_path: Path) -> None:
    model = create_engine("cart", {}, seed=1).fit(table(people), lambda _message, _context: None)
    model.save(tmp_path / "model")
    pd.testing.assert_frame_equal(
        load_model(tmp_path / "model").sample(100, seed=5).frame, model.sample(100, seed=5).frame
    )


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"a": [1]}),
        pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"]}),
        pd.DataFrame({"a": [np.nan] * 10, "b": [1.5] * 10}),
        pd.DataFrame({'quote"d, column': ["a,b", 'c"d', "é\n🏝"] * 10}),
        pd.DataFrame({"a": [True, False] * 5, "b": ["2021-01-01", ""] * 5}),
    ],
)
def test_small_and_odd_tables_work(frame: pd.DataFrame) -> None:
    made = synthesize(frame, 20)
    assert len(made) == 20
    assert list(made.frame.columns) == list(frame.columns)


@pytest.mark.parametrize(
    ("name", "params", "complaint"),
    [
        ("gan", {}, "gan"),
        ("cart", {"leaf": 3}, "leaf"),
        ("cart", {"trees": 0}, "trees is 0; expected a whole number of at least 1"),
        ("cart", {"subsample": 2}, "subsample is 2; expected a number above 0 and up to 1"),
    ],
)
def test_unknown_engines_and_parameters_are_named(name: str, params: dict, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        create_engine(name, params, seed=1)
