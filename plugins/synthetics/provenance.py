"""What a release manifest says about how its data were made: from the model's report and config, and from people."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

GRETEL_SCORES = (
    "synthetic_data_quality_score",
    "field_distribution_stability",
    "field_correlation_stability",
    "principal_component_stability",
    "data_privacy_score",
    "membership_inference_attack_score",
    "attribute_inference_attack_score",
)


def json_sha256(value: Mapping[str, Any]) -> str:
    """Hash a value: of its JSON with sorted keys and without spaces, in UTF-8."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def engine_of(report: Mapping[str, Any]) -> dict[str, Any]:
    """Say which engine made the data, and from which seeds.

    Every value is None for Gretel's hosted service, whose reports do not say.

    :param report: the model's `report_json`.
    """
    made = report.get("model") or {}
    return {
        "name": made.get("engine"),
        "version": made.get("engine_version"),
        "params": made.get("params"),
        "rows": made.get("rows"),
        "seed": made.get("seed"),  # split, training, sampling and evaluation each derive theirs from it
        "evaluation_seed": (report.get("evidence") or {}).get("seed"),
    }


def scores_of(report: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return every figure of a report: name → `{"value", "interval"}`, None where the report has none.

    :param report: the model's `report_json`; Gretel's scores are on the report's own scale.
    """
    measures = (report.get("evidence") or {}).get("measures") or {}
    gretel = {name: report[name] for name in GRETEL_SCORES if isinstance(report.get(name), Mapping)}
    return {
        **{name: {"value": score.get("score"), "interval": None} for name, score in gretel.items()},
        **{name: {"value": each["value"], "interval": each.get("interval")} for name, each in measures.items()},
    }


def approval_of(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Say who approved a release, and when.

    :param answer: what Airflow's ApprovalOperator returned.
    """
    return {
        "decision": answer["chosen_options"][0],
        "by": (answer["responded_by_user"] or {}).get("name"),
        "at": str(answer["responded_at"]),
    }
