import json
from pathlib import Path

import pytest
from gretel_client.models.config import get_model_type_config
from gretel_client.projects.models import Model

from services.gretel.evaluation import Report, evaluate
from tests.unit.evaluation.populations import people, table

SCORES = [
    "synthetic_data_quality_score",
    "field_correlation_stability",
    "principal_component_stability",
    "field_distribution_stability",
]


@pytest.mark.parametrize("model_type", ["actgan", "synthetics", "gpt_x", "evaluate"])
def test_gretel_client_peeks_at_the_scores(honest: Report, model_type: str) -> None:
    peeked = get_model_type_config(model_type).peek_report(honest.to_json())
    for name in SCORES:
        assert set(peeked[name]) == {"raw_score", "grade", "score"}
        assert 9 <= peeked[name]["score"] <= 10
        assert peeked[name]["grade"] == "Excellent"


def test_gretel_client_reads_the_report_from_a_file(honest: Report, tmp_path: Path) -> None:
    path = tmp_path / "report_json.json"
    path.write_text(json.dumps(honest.to_json(), allow_nan=False))
    model = Model.__new__(Model)
    model._data = {"model": {"model_type": "actgan", "config": {"models": [{"actgan": {}}]}}}
    summary = {entry["field"]: entry["value"] for entry in model.get_report_summary(str(path))["summary"]}
    assert {name: summary[name] for name in SCORES} == {name: honest.scores[name].score for name in SCORES}
    peeked = model.peek_report(str(path))
    assert peeked["synthetic_data_quality_score"]["score"] == summary["synthetic_data_quality_score"]


def test_same_input_and_seed_give_the_same_report() -> None:
    tables = [table(people(300, 1)), table(people(100, 2)), table(people(300, 3))]
    first, second = (evaluate(*tables, quasi_identifiers=["age"], seed=5) for _ in range(2))
    assert json.dumps(first.to_json()) == json.dumps(second.to_json())
    assert first.to_html() == second.to_html()
