"""The gate's decisions as people read them."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict

import pytest

from synthetics.gate_table import as_markdown, as_text
from synthetics.quality_gate import SELF_HOSTED, Decision, GateError, decide
from tests.unit.synthetics.test_quality_gate import MODEL, changed, evidence_report

DECISIONS = [
    Decision("quality", 9.1, "at least", 8.0, True, ""),
    Decision("membership_auc", 0.6123, "at most", 0.6, False, "", (0.58, 0.6123)),
    Decision("linkability", None, "at most", 0.09, False, ""),
]


def test_the_text_is_aligned() -> None:
    assert as_text(DECISIONS) == [
        "gate                   value     95 % interval  threshold     verdict",
        "--------------  ------------  ----------------  ------------  -------",
        "quality               9.1000                    at least 8    passed",
        "membership_auc        0.6123  0.5800 to 0.6123  at most 0.6   FAILED",
        "linkability     not measured                    at most 0.09  FAILED",
    ]


def test_markdown_is_made_of_what_xcom_keeps() -> None:
    kept = json.loads(json.dumps([asdict(decision) for decision in DECISIONS]))
    assert as_markdown(kept).splitlines()[1:4] == [
        "| --- | ---: | ---: | --- | --- |",
        "| quality | 9.1000 |  | at least 8 | passed |",
        "| membership_auc | 0.6123 | 0.5800 to 0.6123 | at most 0.6 | FAILED |",
    ]


def test_the_table_is_logged_on_success_and_on_failure(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    decisions = decide(evidence_report(), SELF_HOSTED, **MODEL)
    assert caplog.messages == as_text(decisions)
    caplog.clear()
    bad = changed(evidence_report(), ("evidence", "measures", "linkability", "value"), 0.5)
    with pytest.raises(GateError):
        decide(bad, SELF_HOSTED, **MODEL)
    assert [line for line in caplog.messages if "FAILED" in line] == [
        next(line for line in caplog.messages if line.startswith("linkability"))
    ]
    assert len(caplog.messages) == len(decisions) + 2


def test_the_distance_from_one_half_has_the_shares_interval() -> None:
    path = ("evidence", "measures", "dcr_share")
    for share, expected in (([0.49, 0.53], (0.0, 0.03)), ([0.51, 0.54], (0.01, 0.04)), ([0.46, 0.48], (0.02, 0.04))):
        report = changed(evidence_report(), path, {"value": 0.5, "interval": share})
        found = next(each for each in decide(report, SELF_HOSTED, **MODEL) if each.name == "dcr_deviation")
        assert found.interval == pytest.approx(expected)
