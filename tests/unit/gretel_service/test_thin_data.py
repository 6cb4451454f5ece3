"""Data that prove nothing: training and evaluation as the service runs them, and then the pipelines' gate."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pandas as pd
import pytest

from services.gretel.jobs.training import train
from synthetics.quality_gate import SELF_HOSTED, GateError, decide
from tests.support.gretel_jobs import bookings

ROWS = 120


# The data, the quasi-identifiers, and what the gate has to say could not be measured.
THIN = {
    "five_rows": (bookings(rows=5, seed=1), ["age"], {"membership_auc", "dcr_deviation"}),
    "one_column": (bookings(rows=ROWS, seed=1)[["age"]], ["age"], {"linkability", "attribute_inference"}),
    "all_null": (
        pd.DataFrame({"a": [None] * ROWS, "b": [None] * ROWS}),
        ["a"],
        {"membership_auc", "discriminator_auc"},
    ),
    "constant": (pd.DataFrame({"a": ["x"] * ROWS, "b": [7] * ROWS}), ["a"], {"membership_auc", "discriminator_auc"}),
    "no_quasi_identifiers": (bookings(rows=ROWS, seed=1), [], {"attribute_inference", "rare_combinations"}),
}


@pytest.mark.parametrize("name", THIN)
def test_thin_data_are_never_released(name: str, tmp_path: Path) -> None:
    frame, quasi_identifiers, unmeasured = THIN[name]
    frame.to_csv(tmp_path / "data.csv", index=False)
    evaluate = {
        "skip": False,
        "holdout": 0.2,
        "quasi_identifiers": quasi_identifiers,
        "sensitive": [],
        "targets": [],
    }
    task = {"engine": "cart", "params": {}, "seed": 1, "num_records": ROWS, "evaluate": evaluate, "unused": []}
    job = {
        "uid": "model-1",
        "model_type": "cart",
        "config": {"name": "thin"},
        "task": task,
        "input": str(tmp_path / "data.csv"),
        "filename": "data.csv",
        "output": str(tmp_path),
    }
    train(job, lambda _stage, _message, _context: None)
    report = json.loads(gzip.decompress((tmp_path / "report_json.json.gz").read_bytes()))
    assert not report["evidence"]["passed"]
    with pytest.raises(GateError) as refusal:
        decide(report, SELF_HOSTED, model_id="model-1", num_records=ROWS, columns=list(frame.columns))
    assert unmeasured <= set(re.findall(r"- (\w+): not measured", str(refusal.value)))
