"""How many copies may be coincidence: the gate's bound against SciPy's Wilson interval."""

from __future__ import annotations

import pytest
from scipy.stats import binomtest, norm

from synthetics.quality_gate import SELF_HOSTED, Z_COINCIDENCE, Decision, GateError, decide
from tests.unit.synthetics.test_quality_gate import MODEL, changed, evidence_report

MEASURE = ("evidence", "measures", "exact_copies")


def decision(value: float, copies: int, rows: int) -> Decision:
    measure = {"value": value, "reference": copies / rows, "detail": {"holdout_rows": rows}}
    decisions = decide(changed(evidence_report(), MEASURE, measure), SELF_HOSTED, **MODEL)
    [found] = [decision for decision in decisions if decision.name == "exact_copies"]
    return found


@pytest.mark.parametrize(("copies", "rows"), [(1, 60), (2, 100), (12, 1000), (999, 1000)])
def test_the_bound_is_the_upper_end_of_wilsons_interval(copies: int, rows: int) -> None:
    confidence = 2 * norm.cdf(Z_COINCIDENCE) - 1
    expected = binomtest(copies, rows).proportion_ci(confidence, method="wilson").high
    assert decision(0.0, copies, rows).bound == pytest.approx(expected, rel=1e-4)
    assert decision(expected - 1e-5, copies, rows).passed
    with pytest.raises(GateError, match="exact_copies"):
        decision(expected + 1e-5, copies, rows)


@pytest.mark.parametrize("rows", [7, 60, 999, 123_457])
def test_where_every_row_is_a_coincidence_all_may_be(rows: int) -> None:
    assert decision(1.0, rows, rows).bound == 1.0
