"""The release gate on reports of releases that are known to be bad: it decides as the report's own verdict does."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from services.gretel.evaluation import Report
from synthetics.quality_gate import SELF_HOSTED, GateError, decide
from tests.unit.evaluation.canaries import CANARIES, measured
from tests.unit.evaluation.test_canaries import MUST_FAIL

# The gate's names → those of the report's checks, where they differ.
CHECKS = {
    "quality": "synthetic_data_quality_score",
    "membership_auc": "membership_inference_auc",
    "dcr_deviation": "dcr_share",
}


def as_stored(report: Report) -> dict[str, Any]:
    """The report as the service stores it for a model."""
    return report.to_json() | {"model": {"model_id": "model-1"}}


def refused(name: str, caplog: pytest.LogCaptureFixture) -> set[str]:
    """What the gate refuses, by the names of the report's checks, from the table that it logs."""
    caplog.set_level(logging.INFO)
    report = as_stored(measured(name))
    try:
        decide(report, SELF_HOSTED, model_id="model-1", num_records=report["evidence"]["rows"]["synthetic"])
    except GateError as error:
        for line in str(error).splitlines()[1:]:
            assert "What can be done: " in line
    lines = [line.split() for line in caplog.messages]
    failed = [words[0] for words in lines if words[-1] == "FAILED"]
    return {CHECKS.get(gate, gate) for gate in failed}


@pytest.mark.parametrize("name", sorted(CANARIES))
def test_the_gate_and_the_report_decide_alike(name: str, caplog: pytest.LogCaptureFixture) -> None:
    failed = {check.name for check in measured(name).checks if not check.passed}
    assert refused(name, caplog) == failed
    assert failed >= MUST_FAIL.get(name, set())
    assert (name == "honest") == (failed == set())
