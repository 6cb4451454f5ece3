"""Fidelity figures against hand-made tables whose answer is known."""

import numpy as np
import pandas as pd
import pytest

from services.gretel.evaluation.fidelity.correlation import (
    association_matrix,
    correlation_ratio,
    correlation_score,
    theils_u,
)
from services.gretel.evaluation.fidelity.discriminator import discriminator_auc
from services.gretel.evaluation.fidelity.distribution import compare_columns, distribution_score, histogram_distance
from services.gretel.evaluation.fidelity.quality import quality_score
from services.gretel.evaluation.fidelity.structure import project, structure_distance, structure_score
from services.gretel.evaluation.fidelity.utility import utility
from services.gretel.evaluation.inputs import Inputs, prepare
from services.gretel.evaluation.measure import Score
from services.gretel.table import Kind
from tests.unit.evaluation.populations import people, shuffled_columns, table


def inputs_of(train: pd.DataFrame, holdout: pd.DataFrame, synthetic: pd.DataFrame, **more: object) -> Inputs:
    settings: dict = {"quasi_identifiers": (), "sensitive": (), "targets": (), "seed": 1, **more}
    return prepare(table(train), table(holdout), table(synthetic), **settings)


@pytest.mark.parametrize(
    ("distance", "score"), [(0.0, 10.0), (0.019, 10.0), (0.02, 10.0), (0.1, 8.7), (0.5, 3.8), (0.99, 1.1), (0.995, 0.0)]
)
def test_distribution_score_follows_the_published_formula(distance: float, score: float) -> None:
    assert distribution_score(distance).score == score


@pytest.mark.parametrize(
    ("error", "score"), [(0.0, 10.0), (0.009, 10.0), (0.05, 8.4), (0.2, 4.4), (0.46, 1.6), (0.5, 0.0)]
)
def test_correlation_score_follows_the_published_formula(error: float, score: float) -> None:
    assert correlation_score(error).score == score


@pytest.mark.parametrize(("distance", "score"), [(0.0, 10.0), (0.1, 8.5), (1.0, 2.0)])
def test_structure_score_follows_the_published_formula(distance: float, score: float) -> None:
    assert structure_score(distance).score == score


def test_quality_weighs_what_could_be_measured() -> None:
    none = Score.of(None, None)
    parts = {
        "principal_component_stability": Score.of(0.1, 8.0),
        "field_distribution_stability": Score.of(0.1, 6.0),
        "field_correlation_stability": Score.of(0.1, 9.0),
    }
    assert quality_score(parts).raw_score == pytest.approx((0.84 * 8 + 0.86 * 6 + 9) / 2.7)
    assert quality_score(parts | {"field_correlation_stability": none}).raw_score == pytest.approx(
        (0.84 * 8 + 0.86 * 6) / 1.7
    )
    assert quality_score(dict.fromkeys(parts, none)).score is None


def test_distance_of_categories_is_jensen_shannon() -> None:
    def of(counts: dict[str, int]) -> pd.DataFrame:
        return pd.DataFrame({"device": np.repeat(list(counts), list(counts.values()))}, dtype=object)

    train = of({"phone": 60, "tablet": 40})
    (column,) = compare_columns(inputs_of(train, train, of({"phone": 30, "desktop": 70})))
    p, q = np.array([0.6, 0.4, 0.0]), np.array([0.3, 0.0, 0.7])
    m = (p + q) / 2
    divergence = sum(0.5 * (share[share > 0] * np.log2(share[share > 0] / m[share > 0])).sum() for share in (p, q))
    assert column.distance == pytest.approx(np.sqrt(divergence))
    assert column.reference == 0
    assert column.shape == pytest.approx(0.7)


def test_distance_of_numbers() -> None:
    rng = np.random.default_rng(1)
    sample = rng.normal(0, 1, 5000)
    assert histogram_distance(sample, sample) == 0
    assert histogram_distance(sample, rng.normal(0, 1, 5000)) < 0.05
    assert histogram_distance(sample, sample + 100) == 1
    assert histogram_distance(sample, np.full(5000, np.nan)) == 1
    half_null = np.where(np.arange(5000) % 2 == 0, np.nan, sample)
    assert histogram_distance(sample, half_null) > 0.4
    assert histogram_distance(np.zeros(10), np.zeros(10)) == 0


def test_missing_values_count_as_a_difference() -> None:
    train, synthetic = people(1000, 1), people(1000, 3)
    (age,) = [c for c in compare_columns(inputs_of(train, train, synthetic)) if c.feature.name == "age"]
    synthetic["age"] = synthetic["age"].fillna(36)
    (filled,) = [c for c in compare_columns(inputs_of(train, train, synthetic)) if c.feature.name == "age"]
    assert age.distance < 0.1
    assert filled.distance > 0.3


def test_theils_u_is_the_share_of_entropy_explained() -> None:
    fine = np.array([0, 1, 2, 3] * 100)
    coarse = fine // 2
    assert theils_u(coarse, fine) == pytest.approx(1.0)
    assert theils_u(fine, coarse) == pytest.approx(0.5)
    assert theils_u(fine, np.repeat([0, 1], 200)) == pytest.approx(0.0, abs=1e-9)
    assert theils_u(np.zeros(10), fine[:10]) == 0


def test_correlation_ratio_is_the_share_of_deviation_explained() -> None:
    groups = np.repeat([0, 1], 3)
    assert correlation_ratio(groups, np.array([1.0, 1, 1, 5, 5, 5])) == 1
    assert correlation_ratio(groups, np.array([1.0, 2, 3, 1, 2, 3])) == 0
    # Between groups 24, in all 28.
    assert correlation_ratio(groups, np.array([1.0, 2, 3, 5, 6, 7])) == pytest.approx(np.sqrt(24 / 28))
    assert correlation_ratio(groups, np.array([np.nan, 2, 2, 2, 2, np.nan])) == 0


def test_association_matrix_mixes_the_three() -> None:
    frame = people(800, 1)
    inputs = inputs_of(frame, frame, frame)
    matrix = association_matrix(inputs.features, "train", np.arange(800))
    place = {feature.name: position for position, feature in enumerate(inputs.features)}
    assert np.diag(matrix).tolist() == [1.0] * 12
    pearson = frame["avg_secs"].corr(frame["max_secs"])
    assert matrix[place["avg_secs"], place["max_secs"]] == pytest.approx(pearson)
    assert matrix[place["sessions"], place["gender"]] == matrix[place["gender"], place["sessions"]] >= 0
    # Knowing the country tells the language better than the other way round tells the country.
    assert matrix[place["language"], place["country"]] > matrix[place["country"], place["language"]] > 0.1


def test_structure_sees_what_single_columns_do_not() -> None:
    train, holdout = people(2000, 1), people(500, 2)
    honest = structure_distance(project(inputs_of(train, holdout, people(2000, 3)))).value
    shuffled = structure_distance(project(inputs_of(train, holdout, shuffled_columns(train, 1)))).value
    assert honest is not None
    assert shuffled is not None
    assert honest < 0.06 < shuffled


def test_discriminator_grows_with_the_difference() -> None:
    train, holdout, honest = people(800, 1), people(400, 2), people(800, 3)
    doubled = honest.assign(avg_secs=honest["avg_secs"] * 2)
    found = [discriminator_auc(inputs_of(train, holdout, synthetic)).value for synthetic in (honest, doubled)]
    assert found[0] == pytest.approx(0.5, abs=0.06)
    assert found[1] is not None
    assert found[1] > 0.8


def test_discriminator_does_not_reward_copies() -> None:
    train, holdout = people(800, 1), people(400, 2)
    assert discriminator_auc(inputs_of(train, holdout, train)).value == pytest.approx(0.5, abs=0.06)


def test_utility_of_chosen_and_of_given_targets() -> None:
    train, holdout, honest = people(1500, 1), people(500, 2), people(1500, 3)
    _, chosen = utility(inputs_of(train, holdout, honest))
    targets = chosen.detail["targets"]
    assert "max_secs" in targets
    assert targets["max_secs"]["real"] > 0.7
    assert targets["max_secs"]["synthetic"] == pytest.approx(targets["max_secs"]["real"], abs=0.06)
    classes, numbers = utility(
        inputs_of(train, holdout, shuffled_columns(honest, 1), targets=("max_secs", "newsletter"))
    )
    assert set(numbers.detail["targets"]) == {"max_secs"}
    assert set(classes.detail["targets"]) == {"newsletter"}
    assert numbers.value == pytest.approx(targets["max_secs"]["real"], abs=0.15)


def test_utility_of_what_cannot_be_predicted() -> None:
    rng = np.random.default_rng(1)

    def noise(rows: int) -> pd.DataFrame:
        return pd.DataFrame({"avg_secs": rng.normal(size=rows), "max_secs": rng.normal(size=rows)})

    classes, numbers = utility(inputs_of(noise(500), noise(200), noise(500)))
    assert numbers.value is None
    assert "even with real data" in numbers.reason
    assert classes.value is None


def test_kinds_decide_how_columns_are_read() -> None:
    frame = people(60, 1)
    inputs = inputs_of(frame, frame, frame)
    ordered = {feature.name for feature in inputs.features if feature.ordered}
    assert ordered == {"age", "signed_up", "sessions", "min_secs", "avg_secs", "max_secs", "bookings"}
    signed_up = inputs.feature("signed_up")
    assert signed_up.kind is Kind.DATE
    days = (frame["signed_up"] - pd.Timestamp("1970-01-01")).dt.days
    assert signed_up.train.tolist() == days.tolist()
    country = inputs.feature("country")
    assert country.categories is not None
    assert [country.categories[code] for code in country.train] == frame["country"].tolist()
    assert country.categories[0] == frame["country"].value_counts().index[0]
