"""Whatever comes in, there is a defined result or a clear error, and never a pass by default."""

import json

import numpy as np
import pandas as pd
import pytest

from services.gretel.evaluation import Report, evaluate
from services.gretel.table import Kind, Table
from tests.unit.evaluation.canaries import figure
from tests.unit.evaluation.gate import failed, refused
from tests.unit.evaluation.populations import QUASI_IDENTIFIERS, people, table


def judged(train: Table, holdout: Table, synthetic: Table, **declared: list[str]) -> Report:
    """Evaluate, and hold the report to what every report must keep."""
    report = evaluate(train, holdout, synthetic, seed=3, **declared)
    json.dumps(report.to_json(), allow_nan=False)
    assert report.to_html().endswith("</html>")
    for check in report.checks:
        if check.found is None:
            assert not check.passed
            assert check.reason
    assert refused(report) == failed(report)
    return report


def reason(report: Report, name: str) -> str:
    measure = report.measures[name]
    assert measure.value is None
    return measure.reason


def test_five_rows() -> None:
    report = judged(table(people(5, 1)), table(people(2, 2)), table(people(5, 3)), quasi_identifiers=["age"])
    assert not report.passed
    assert "at least 40 training and 40 holdout rows, found 5 and 2" in reason(report, "membership_inference_auc")
    assert "found 5 train, 2 holdout, 5 synthetic" in reason(report, "dcr_share")
    assert report.pictures == {"correlations": None, "components": None}
    assert report.to_json()["data_privacy_score"] == {"raw_score": None, "grade": "Unavailable", "score": None}


@pytest.mark.parametrize("rows", [(1, 1, 1), (2, 1, 500), (300, 0, 300)])
def test_tables_of_hardly_any_rows(rows: tuple[int, int, int]) -> None:
    train, holdout, synthetic = (table(people(count, seed)) for seed, count in enumerate(rows))
    assert not judged(train, holdout, synthetic, quasi_identifiers=list(QUASI_IDENTIFIERS)).passed


@pytest.mark.parametrize("name", ["avg_secs", "gender", "newsletter", "signed_up", "bookings"])
def test_one_column(name: str) -> None:
    frames = [table(people(rows, seed)[[name]]) for rows, seed in ((400, 1), (150, 2), (400, 3))]
    report = judged(*frames, quasi_identifiers=[name])
    assert not report.passed
    assert "two columns" in reason(report, "linkability")
    assert "two columns" in reason(report, "deep_structure")
    assert "no sensitive column" in reason(report, "attribute_inference")
    # The quality score rests on the one part that can be measured.
    assert report.scores["synthetic_data_quality_score"].score == report.scores["field_distribution_stability"].score


def test_no_quasi_identifiers() -> None:
    report = judged(table(people(400, 1)), table(people(300, 2)), table(people(400, 3)))
    assert "no quasi-identifiers are declared" in reason(report, "attribute_inference")
    assert "no quasi-identifiers are declared" in reason(report, "rare_combinations")
    assert {check.name for check in report.checks if check.found is None} == {
        "attribute_inference",
        "rare_combinations",
    }
    assert "none declared" in report.to_html()


def with_dead_columns(rows: int, seed: int) -> pd.DataFrame:
    return people(rows, seed).assign(
        nothing=pd.Series([None] * rows, dtype=object),
        same=pd.Series(["x"] * rows, dtype=object),
        no_number=np.full(rows, np.nan),
        one_number=pd.array([7] * rows, dtype="Int64"),
    )


DEAD = {"nothing": Kind.EMPTY, "same": Kind.CONSTANT, "no_number": Kind.NUMERIC, "one_number": Kind.INTEGER}


def test_empty_and_constant_columns() -> None:
    frames = [table(with_dead_columns(rows, seed), **DEAD) for rows, seed in ((400, 1), (150, 2), (400, 3))]
    report = judged(*frames, quasi_identifiers=["age", "same"], sensitive=["bookings", "nothing", "no_number"])
    distances = report.measures["column_distribution"].detail["columns"]
    assert all(distances[name]["js_distance"] == 0 for name in DEAD)
    assert report.measures["attribute_inference"].value is not None
    assert set(report.measures["attribute_inference"].detail["columns"]) == {"bookings"}


def test_dead_columns_that_come_alive_are_seen() -> None:
    train, holdout = (table(with_dead_columns(rows, seed), **DEAD) for rows, seed in ((400, 1), (150, 2)))
    lively = with_dead_columns(400, 3)
    lively["nothing"] = "something"
    lively["no_number"] = 1.5
    report = judged(train, holdout, table(lively, **DEAD), quasi_identifiers=["age"])
    distances = report.measures["column_distribution"].detail["columns"]
    assert distances["nothing"]["js_distance"] == 1
    assert distances["no_number"]["js_distance"] == 1
    assert figure(report, "discriminator_auc") > 0.99


def test_only_dead_columns() -> None:
    frames = [table(with_dead_columns(rows, seed)[list(DEAD)], **DEAD) for rows, seed in ((400, 1), (150, 2), (400, 3))]
    report = judged(*frames, quasi_identifiers=["same"])
    assert not report.passed
    assert "varies" in reason(report, "membership_inference_auc")


def test_only_keys_and_free_text() -> None:
    def labels(rows: int, offset: int) -> Table:
        names = [f"{offset + i:08d}" for i in range(rows)]
        return table(
            pd.DataFrame({"id": names, "note": [f"dear diary, number {name}" for name in names]}, dtype=object),
            id=Kind.KEY,
            note=Kind.TEXT,
        )

    report = judged(labels(300, 0), labels(100, 5_000), labels(300, 9_000))
    assert not report.passed
    assert "all are keys or free text" in reason(report, "column_distribution")
    assert report.measures["copied_identifiers"].value == 0
    copied = judged(labels(300, 0), labels(100, 5_000), labels(300, 200))
    assert copied.measures["copied_identifiers"].detail["columns"] == {"id": 100, "note": 100}


def test_categories_unknown_to_training_in_holdout_and_synthetic() -> None:
    holdout, synthetic = people(150, 2), people(400, 3)
    holdout.loc[:30, "country"] = "XX"
    synthetic.loc[:30, "country"] = "YY"
    report = judged(table(people(400, 1)), table(holdout), table(synthetic), quasi_identifiers=["country"])
    assert "country" not in report.measures["rare_categories"].detail["columns"]
    assert report.measures["column_distribution"].detail["columns"]["country"]["js_distance"] > 0.15
    assert "YY" not in json.dumps(report.to_json())


def test_all_null_where_training_has_values() -> None:
    synthetic = people(400, 3).assign(age=pd.array([pd.NA] * 400, dtype="Int64"))
    report = judged(table(people(400, 1)), table(people(150, 2)), table(synthetic), quasi_identifiers=["country"])
    assert report.measures["column_distribution"].detail["columns"]["age"]["js_distance"] > 0.5


def test_columns_that_differ_are_an_error() -> None:
    train, holdout = table(people(50, 1)), table(people(20, 2))
    with pytest.raises(
        ValueError, match=r"synthetic table lacks \['age'\]; expected exactly the training table's columns"
    ):
        evaluate(train, holdout, table(people(50, 3).drop(columns="age")), seed=1)
    with pytest.raises(ValueError, match=r"holdout table has \['extra'\] besides"):
        evaluate(train, table(people(20, 2).assign(extra=1.0), extra=Kind.NUMERIC), train, seed=1)


def test_columns_in_another_order_are_none() -> None:
    train, holdout, synthetic = people(300, 1), people(100, 2), people(300, 3)
    straight = evaluate(table(train), table(holdout), table(synthetic), seed=1).to_json()
    turned = evaluate(table(train), table(holdout), table(synthetic[synthetic.columns[::-1]]), seed=1).to_json()
    assert straight == turned


def test_values_of_another_kind_are_an_error() -> None:
    synthetic = people(50, 3)
    synthetic["avg_secs"] = "many"
    with pytest.raises(
        ValueError, match="'avg_secs' of the synthetic table holds values that are no numerics"
    ) as error:
        evaluate(table(people(50, 1)), table(people(20, 2)), table(synthetic), seed=1)
    assert "many" not in str(error.value)


def test_declared_columns_must_exist() -> None:
    tables = [table(people(50, seed)) for seed in range(3)]
    for role in ("quasi_identifiers", "sensitive", "targets"):
        with pytest.raises(ValueError, match=r"\['shoe_size'\] are no columns of the table; it has \['gender'"):
            evaluate(*tables, seed=1, **{role: ["shoe_size"]})


def test_tables_without_rows_are_an_error() -> None:
    with pytest.raises(ValueError, match="the synthetic table has no rows"):
        evaluate(table(people(50, 1)), table(people(20, 2)), table(people(50, 3).iloc[:0]), seed=1)
