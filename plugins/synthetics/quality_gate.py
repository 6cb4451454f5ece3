"""The gate before a release: a quality report either proves that the data may go out, or they stay.

It fails closed. A report that is missing, malformed, of another model or without a configured figure releases nothing.
The self-hosted service's reports carry their evidence in the block `evidence`, see docs/report.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from airflow.sdk import Param
from airflow.sdk.exceptions import AirflowFailException

EVIDENCE_VERSION = 1


class GateError(AirflowFailException):
    """The data must not be released, and a retry would decide the same; the message names every reason and remedy."""


@dataclass(frozen=True)
class Thresholds:
    """What a report has to show.

    :param min_quality: lowest overall quality score, 0 to 10.
    :param max_exact_copies: how much larger the share of synthetic rows that equal a training row may be than the
        share of holdout rows that do: rows of few, common values repeat by themselves.
    """

    min_quality: float = 8.0
    max_exact_copies: float = 0.0

    def as_params(self) -> dict[str, Param]:
        """Return the trigger form's fields, with these thresholds as defaults."""
        titles = {
            "min_quality": "Lowest overall quality, 0 to 10",
            "max_exact_copies": "Share of copied rows allowed above the holdout's own, 0 to 1",
        }
        limits = {"min_quality": 10, "max_exact_copies": 1}
        return {
            name: Param(
                value, type="number", minimum=0, maximum=limits[name], title=titles[name], section="Release gate"
            )
            for name, value in asdict(self).items()
        }

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> Thresholds:
        """Read the form's values back."""
        return cls(**{field.name: float(params[field.name]) for field in fields(cls)})


@dataclass(frozen=True)
class Decision:
    """One threshold held against the report.

    :param value: what the report says.
    :param bound: what was allowed.
    :param remedy: what can be done if it failed.
    """

    name: str
    value: float | None
    bound: float
    passed: bool
    remedy: str


def decide(report: Mapping[str, Any], thresholds: Thresholds, *, num_records: int) -> list[Decision]:
    """Hold a report against the thresholds.

    :param report: the model's `report_json`.
    :param num_records: synthetic rows that were asked for.
    :raises GateError: naming each threshold that failed, or what the report lacks.
    """
    evidence = _evidence(report)
    rows = evidence.get("rows", {}).get("synthetic")
    if rows != num_records:
        raise GateError(
            f"the quality report describes {rows} synthetic rows, {num_records} were asked for: it is of other data"
        )
    quality = _number(report, "synthetic_data_quality_score", "score")
    copies = evidence.get("measures", {}).get("exact_copies", {})
    decisions = [
        _at_least("quality", quality, thresholds.min_quality, "train on more rows, or drop columns that hardly matter"),
        _at_most(
            "exact_copies",
            _excess(copies),
            thresholds.max_exact_copies,
            "drop a column that identifies people, or raise the model's smallest group",
        ),
    ]
    failed = [decision for decision in decisions if not decision.passed]
    if failed:
        raise GateError("not released. " + " ".join(_sentence(decision) for decision in failed))
    return decisions


def _evidence(report: Mapping[str, Any]) -> Mapping[str, Any]:
    evidence = report.get("evidence") if isinstance(report, Mapping) else None
    if not isinstance(evidence, Mapping) or evidence.get("schema_version") != EVIDENCE_VERSION:
        raise GateError(
            f"the quality report has no evidence block of version {EVIDENCE_VERSION}, so nothing proves the data safe: "
            "not released. Use the service of this repository, or a service that writes such reports."
        )
    return evidence


def _number(report: Mapping[str, Any], *path: str) -> float | None:
    value: Any = report
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _excess(measure: Mapping[str, Any]) -> float | None:
    value, reference = _number(measure, "value"), _number(measure, "reference")
    return None if value is None or reference is None else max(0.0, value - reference)


def _at_least(name: str, value: float | None, bound: float, remedy: str) -> Decision:
    return Decision(name, value, bound, value is not None and value >= bound, remedy)


def _at_most(name: str, value: float | None, bound: float, remedy: str) -> Decision:
    return Decision(name, value, bound, value is not None and value <= bound, remedy)


def _sentence(decision: Decision) -> str:
    found = "could not be measured" if decision.value is None else f"is {decision.value:g}"
    return f"{decision.name} {found}, the threshold is {decision.bound:g}: {decision.remedy}."
