"""Made-up keys and texts: in the shape of the real ones, never one of them, and keys never twice."""

from __future__ import annotations

import numpy as np
import pytest

from services.gretel.engine.text import Shapes, Taken, learn_shapes


def draw(values: list[str], count: int, *, keys: bool = True, seed: int = 1) -> list[str]:
    shapes = learn_shapes(values, rare=5, keys=keys)
    stored = Shapes.from_parts(*shapes.to_parts())
    return stored.draw(np.ones(count, dtype=int), np.random.default_rng(seed)).tolist()


@pytest.mark.parametrize(
    "real",
    [
        [f"u{number:04d}" for number in range(0, 10_000, 2)],
        [str(number) for number in range(100, 1000)],
        [f"{number:02d}" for number in range(100)],  # all there are: new ones need a character more
        [f"{letter}-{letter}" for letter in "abcdefgh"],
        ["!" * number for number in range(1, 9)],
    ],
    ids=["half_taken", "integers", "all_taken", "letters", "no_letter_at_all"],
)
def test_keys_are_new_and_unique_however_few_there_can_be(real: list[str]) -> None:
    made = draw(real, 5000)
    assert len(set(made)) == 5000
    assert not set(made) & set(real)


def test_keys_keep_what_all_of_them_share() -> None:
    made = draw([f"user_{number:06x}" for number in range(0, 3_000_000, 1009)], 2000)
    assert all(value.startswith("user_") and set(value[5:]) <= set("0123456789abcdef") for value in made)
    assert {len(value) for value in made} == {11}


def test_integer_keys_stay_integers_that_differ() -> None:
    made = draw([str(number) for number in range(1000, 4000)], 3000)
    assert len({int(value) for value in made}) == 3000


@pytest.mark.parametrize("copies", [1, 5, 1000])
def test_a_text_is_not_copied_however_many_rows_share_it(copies: int) -> None:
    text = "Call me at 555-0123"
    made = draw([text] * copies + ["ok"] * 50 + [f"room {number}" for number in range(60)], 3000, keys=False)
    assert not {text, "ok", *(f"room {number}" for number in range(60))} & set(made)


def test_the_copy_test_fails_for_a_model_that_does_not_know_what_is_taken() -> None:
    shapes = learn_shapes(["ok"] * 50, rare=5, keys=False)
    forgetful = Shapes(shapes.positions, shapes.weights, shapes.unique, Taken(np.zeros(1, dtype=bool)))
    made = forgetful.draw(np.ones(3000, dtype=int), np.random.default_rng(1))
    assert "ok" in set(made)


def test_the_filter_holds_every_value_and_half_of_all_others() -> None:
    real = [f"u{number}" for number in range(20_000)]
    taken = Taken.of(real)
    assert taken.has(real).all()
    others = taken.has([f"v{number}" for number in range(20_000)]).mean()
    assert others == pytest.approx(0.5, abs=0.02)


def test_nulls_stay_and_a_seed_gives_the_same() -> None:
    shapes = learn_shapes([f"a{number:03d}" for number in range(500)], rare=5, keys=True)
    codes = np.arange(200) % 3
    first, again, other = (shapes.draw(codes, np.random.default_rng(seed)) for seed in (7, 7, 8))
    assert first.isna().tolist() == (codes == 0).tolist()
    assert first.equals(again)
    assert not first.equals(other)
