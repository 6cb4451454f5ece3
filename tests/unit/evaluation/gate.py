"""The release gate of the pipelines, asked about a report."""

from __future__ import annotations

import re

from services.gretel.evaluation import Report
from synthetics.quality_gate import SELF_HOSTED, GateError, decide

# The gate's names → those of the report's checks, where they differ.
CHECKS = {
    "quality": "synthetic_data_quality_score",
    "membership_auc": "membership_inference_auc",
    "dcr_deviation": "dcr_share",
}


def refused(report: Report) -> set[str]:
    """Return what the gate refuses, by the names of the report's checks."""
    stored = report.to_json() | {"model": {"model_id": "model-1"}}
    try:
        evidence = stored["evidence"]
        columns = [column["name"] for column in evidence["columns"]]
        rows = evidence["rows"]["synthetic"]
        decide(stored, SELF_HOSTED, model_id="model-1", num_records=rows, columns=columns)
    except GateError as error:
        reasons = str(error).splitlines()[1:]
        assert all("What can be done: " in reason for reason in reasons)
        gates = [match[1] for match in (re.match(r"- (\w+):", reason) for reason in reasons) if match]
        assert len(gates) == len(reasons) > 0
        return {CHECKS.get(gate, gate) for gate in gates}
    return set()


def failed(report: Report) -> set[str]:
    """Return the report's own checks that failed."""
    return {check.name for check in report.checks if not check.passed}
