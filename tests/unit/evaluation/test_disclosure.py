"""Single disclosure figures on tables made for them."""

import numpy as np
import pandas as pd
import pytest

from services.gretel.evaluation.disclosure.anonymity import copied_identifiers, rare_categories, rare_combinations
from services.gretel.evaluation.disclosure.attribute import attribute_inference
from services.gretel.evaluation.disclosure.closeness import Closeness
from services.gretel.evaluation.disclosure.copies import exact_copies
from services.gretel.evaluation.disclosure.gretel_scores import attribute_score, membership_score, privacy_score
from services.gretel.evaluation.disclosure.linkability import linkability
from services.gretel.evaluation.disclosure.singling_out import singling_out
from services.gretel.evaluation.inputs import Inputs, prepare
from services.gretel.evaluation.measure import Score
from services.gretel.evaluation.verdict import RULES
from services.gretel.table import Kind
from tests.unit.evaluation.populations import QUASI_IDENTIFIERS, jittered, people, shuffled_columns, stacked, table


def inputs_of(
    train: pd.DataFrame,
    holdout: pd.DataFrame,
    synthetic: pd.DataFrame,
    kinds: dict[str, Kind] | None = None,
    **more: object,
) -> Inputs:
    settings: dict = {"quasi_identifiers": (), "sensitive": (), "targets": (), "seed": 1, **more}
    tables = [table(frame, **(kinds or {})) for frame in (train, holdout, synthetic)]
    return prepare(*tables, **settings)


@pytest.fixture(scope="module")
def train() -> pd.DataFrame:
    return people(1200, 1)


@pytest.fixture(scope="module")
def holdout() -> pd.DataFrame:
    return people(400, 2)


@pytest.fixture(scope="module")
def fresh() -> pd.DataFrame:
    return people(1200, 3)


def test_copies_are_told_from_coincidence(train: pd.DataFrame, holdout: pd.DataFrame, fresh: pd.DataFrame) -> None:
    few = ["gender", "device"]
    common = exact_copies(inputs_of(train[few], holdout[few], fresh[few]))
    assert common.value == common.reference == 1
    some = fresh.copy()
    some.iloc[:30] = train.iloc[100:130].to_numpy()
    some = some.astype(train.dtypes)
    found = exact_copies(inputs_of(train, holdout, some))
    assert found.detail["synthetic_rows_copied"] == 30
    assert found.value == 30 / 1200
    assert found.reference == 0


@pytest.mark.parametrize(("coincidences", "smallest"), [(0, 1), (1, 106), (10, 181)])
def test_the_smallest_number_of_copies_that_is_refused(coincidences: int, smallest: int) -> None:
    """Of 5,000 rows, with 1,000 in the holdout, as docs/report.md says."""
    train, holdout, fresh = people(4_000, 1), people(1_000, 2), people(5_000, 3)
    assert not train.duplicated().any()
    # Rows of training that everybody may have: the holdout's are coincidence.
    holdout = stacked(holdout.iloc[coincidences:], train.tail(coincidences))
    for copies in (smallest - 1, smallest):
        found = exact_copies(inputs_of(train, holdout, stacked(fresh.iloc[copies:], train.head(copies))))
        assert found.detail["synthetic_rows_copied"] == copies
        assert RULES["exact_copies"].passes(found) == (copies < smallest)


def test_copies_with_nulls_are_copies() -> None:
    frame = pd.DataFrame(
        {"age": pd.array([pd.NA, 30, 40], dtype="Int64"), "gender": pd.Series([None, "F", "F"], dtype=object)}
    )
    other = pd.DataFrame({"age": pd.array([pd.NA, 31], dtype="Int64"), "gender": pd.Series([None, "F"], dtype=object)})
    assert exact_copies(inputs_of(frame, other, other)).detail["synthetic_rows_copied"] == 1


def test_keys_never_make_rows_different(train: pd.DataFrame, holdout: pd.DataFrame) -> None:
    keyed = [
        frame.assign(user=[f"{letter}{i}" for i in range(len(frame))]).astype({"user": object})
        for letter, frame in (("t", train), ("h", holdout), ("s", train))
    ]
    inputs = inputs_of(*keyed, kinds={"user": Kind.KEY})
    assert exact_copies(inputs).value == 1
    assert "user" in copied_identifiers(inputs).detail["columns_checked"]
    assert "user" not in copied_identifiers(inputs).detail["columns"]


@pytest.mark.parametrize("kind", [Kind.KEY, Kind.TEXT, Kind.CATEGORICAL])
def test_copied_identifiers_of_any_kind(
    train: pd.DataFrame, holdout: pd.DataFrame, fresh: pd.DataFrame, kind: Kind
) -> None:
    def named(frame: pd.DataFrame, first: int) -> pd.DataFrame:
        return frame.assign(login=[f"u{first + i * 7919 % 1200:05d}" for i in range(len(frame))]).astype(
            {"login": object}
        )

    frames = (named(train, 0), named(holdout, 5_000), named(fresh, 1_000))
    found = copied_identifiers(inputs_of(*frames, kinds={"login": kind}))
    assert found.detail["columns"] == {"login": 200}


def test_coincidences_in_precise_numbers_are_no_copies() -> None:
    """Amounts in cents are almost unique, and still two people may spend the same."""
    rng = np.random.default_rng(4)

    def spent(rows: int) -> pd.DataFrame:
        return pd.DataFrame({"avg_secs": rng.integers(0, 40_000, rows) / 100})

    train, holdout, fresh = spent(2000), spent(800), spent(2000)
    assert fresh["avg_secs"].isin(train["avg_secs"]).sum() > 50
    assert copied_identifiers(inputs_of(train, holdout, fresh)).value == 0
    assert copied_identifiers(inputs_of(train, holdout, train)).value > 1500


def test_rare_categories(train: pd.DataFrame, holdout: pd.DataFrame, fresh: pd.DataFrame) -> None:
    train, fresh = train.copy(), fresh.copy()
    train.loc[:3, "country"] = "four"
    train.loc[4:8, "country"] = "five"
    fresh.loc[0, "country"], fresh.loc[1, "country"], fresh.loc[2, "country"] = "four", "five", "unknown to training"
    found = rare_categories(inputs_of(train, holdout, fresh))
    assert found.value == 1
    assert found.detail["columns"] == {"country": 1}


def test_rare_combinations() -> None:
    def places(groups: dict[str, int]) -> pd.DataFrame:
        names = np.repeat(list(groups), list(groups.values()))
        return pd.DataFrame({"country": names, "avg_secs": np.arange(len(names)) * 1.0}).astype({"country": object})

    found = rare_combinations(
        inputs_of(
            places({"US": 100, "VA": 4, "FR": 5}),
            places({"US": 50}),
            places({"US": 90, "VA": 10}),
            quasi_identifiers=("country",),
        )
    )
    assert found.value == 0.1
    assert found.reference == 0
    assert found.detail["smallest_synthetic_group"] == 10
    assert found.detail["training_rows_in_small_groups"] == pytest.approx(4 / 109)


def test_attribute_inference_needs_the_person_to_be_in_the_data(
    train: pd.DataFrame, holdout: pd.DataFrame, fresh: pd.DataFrame
) -> None:
    declared = {"quasi_identifiers": ("age", "signed_up", "country"), "sensitive": ("device", "bookings")}
    copied = attribute_inference(inputs_of(train, holdout, train, **declared))
    honest = attribute_inference(inputs_of(train, holdout, fresh, **declared))
    assert copied.value is not None
    assert copied.value > 0.5
    assert set(copied.detail["columns"]) == {"device", "bookings"}
    assert copied.detail["attack_rate"] > 0.9
    assert honest.value is not None
    assert honest.value < 0.08


def test_dates_are_guessed_by_their_span_not_by_their_age() -> None:
    """5 % of a date's distance from 1970 would be years: everything would be right."""
    frames = [people(rows, seed)[["gender", "signed_up"]] for rows, seed in ((600, 1), (300, 2), (600, 3))]
    found = attribute_inference(inputs_of(*frames, quasi_identifiers=("gender",), sensitive=("signed_up",)))
    assert found.detail["attack_rate"] < 0.2


def test_linkability_and_singling_out(train: pd.DataFrame, holdout: pd.DataFrame, fresh: pd.DataFrame) -> None:
    honest, copied = (
        inputs_of(train, holdout, synthetic, quasi_identifiers=QUASI_IDENTIFIERS)
        for synthetic in (fresh, jittered(train, 1))
    )
    for measure in (linkability, singling_out):
        low, high = measure(honest), measure(copied)
        assert low.value is not None
        assert high.value is not None
        assert low.value < 0.1
        assert high.value > 0.3
        assert high.low is not None
        assert high.low > 0.2


@pytest.mark.parametrize("seed", range(5))
def test_honest_data_have_no_distance_advantage(seed: int, holdout: pd.DataFrame) -> None:
    inputs = inputs_of(people(1200, 10 + seed), people(400, 20 + seed), people(1200, 30 + seed))
    share = Closeness(inputs).dcr_share()
    assert share.low is not None
    assert share.high is not None
    assert share.low - 0.01 < 0.5 < share.high + 0.01
    assert share.high - share.low < 0.15


def test_distance_figures_of_copies(train: pd.DataFrame, holdout: pd.DataFrame, fresh: pd.DataFrame) -> None:
    copied, honest = (Closeness(inputs_of(train, holdout, synthetic)) for synthetic in (train, fresh))
    assert copied.dcr().value == 0
    assert honest.dcr().value == pytest.approx(honest.dcr().reference, rel=0.15)
    assert copied.close_rows().value == 1
    assert honest.close_rows().value == pytest.approx(0.05, abs=0.03)
    assert copied.nndr().value == pytest.approx(0, abs=1e-3)
    assert honest.nndr().value == pytest.approx(honest.nndr().reference, abs=0.12)
    assert copied.isolated_records().value == 1
    assert honest.isolated_records().value == pytest.approx(0, abs=0.02)
    # One part in three of training is as large as the holdout, and holds a third of the copies' originals.
    assert 0.6 < (copied.dcr_share().value or 0) < 0.75


def test_close_rows_of_tables_where_everybody_has_a_twin() -> None:
    frames = [people(rows, seed)[["gender", "device"]] for rows, seed in ((600, 1), (300, 2), (600, 3))]
    closeness = Closeness(inputs_of(*frames))
    assert closeness.close_rows().value == pytest.approx(0.05, abs=0.001)
    assert closeness.dcr_share().value == pytest.approx(0.5, abs=0.01)
    # One of 600 has no twin, which is too few to tell a find from luck.
    assert "fewer than 5 records lie apart" in closeness.isolated_records().reason


def test_where_everybody_has_a_twin_no_one_is_isolated() -> None:
    frames = [people(rows, seed)[["newsletter"]] for rows, seed in ((600, 1), (300, 2), (600, 3))]
    assert Closeness(inputs_of(*frames)).isolated_records().value == 0


def test_gretel_scores_tell_copies_from_honest_data(
    train: pd.DataFrame, holdout: pd.DataFrame, fresh: pd.DataFrame
) -> None:
    copied, honest = (inputs_of(train, holdout, synthetic) for synthetic in (train, fresh))
    assert (membership_score(copied).score or 0) < 5
    assert (membership_score(honest).score or 0) > 9
    assert (attribute_score(copied).score or 0) < (attribute_score(honest).score or 0)
    assert privacy_score(Score.of(1, 8.0, privacy=True), Score.of(1, 4.0, privacy=True)).score == 6
    assert privacy_score(Score.of(1, 8.0), Score.of(None, None)).score is None


def test_independent_columns_are_useless_for_attackers(
    train: pd.DataFrame, holdout: pd.DataFrame, fresh: pd.DataFrame
) -> None:
    inputs = inputs_of(train, holdout, shuffled_columns(fresh, 2), quasi_identifiers=QUASI_IDENTIFIERS)
    for measure in (attribute_inference, linkability):
        assert (measure(inputs).value or 0) < 0.05
