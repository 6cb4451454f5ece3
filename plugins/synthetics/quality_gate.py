"""The gate before a release: a quality report either proves that the data may go out, or they stay.

It fails closed: a report that is missing, malformed, of another model, or without a figure that a threshold asks for
releases nothing. What each figure means, and where the default thresholds come from, stands in docs/report.md.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any

from airflow.sdk import Param
from airflow.sdk.exceptions import AirflowFailException

from synthetics.gate_table import as_text

log = logging.getLogger(__name__)

EVIDENCE_VERSION = 1
Z_COINCIDENCE = 4.417173  # of a 99.999 % interval: at 95 % one honest release in ten would be refused


class GateError(AirflowFailException):
    """The data must not be released, and a retry would decide the same; the message names every reason and remedy."""


class Profile(StrEnum):
    """Which kind of report a pipeline's models have. It is never guessed: a score of 9 is good of 10 and bad of 100."""

    EVIDENCE = "evidence"  # services/gretel: scores of 10, and the block `evidence` with every measure
    GRETEL_10 = "gretel-10"  # Gretel's newer reports: scores of 10
    GRETEL_100 = "gretel-100"  # Gretel's older reports: scores of 100


@dataclass(frozen=True)
class Thresholds:
    """What a report has to show. None asks for nothing, on purpose: a figure that is asked for has to be there.

    :param min_quality: lowest overall quality, 0 to 10.
    :param min_privacy: lowest data privacy score, 0 to 10.
    :param max_membership_auc: highest AUC of the strongest membership attack, at the upper end of its 95 % interval;
        0.5 is guessing.
    :param max_dcr_deviation: how far the share of rows nearer to training than to the holdout may be from one half.
    :param max_attribute_inference: highest risk that quasi-identifiers reveal the sensitive columns, 0 to 1.
    :param max_singling_out: highest risk that a person is singled out, 0 to 1.
    :param max_linkability: highest risk that two halves of a record are linked, 0 to 1.
    :param max_isolated_records: highest risk that somebody unlike anybody else is found, 0 to 1.
    :param max_close_rows: highest share of rows unusually close to a training row, 0 to 1.
    :param max_discriminator_auc: highest AUC of telling real from synthetic rows; 0.5 is perfect.
    :param copies_by_coincidence: rows and rare combinations of quasi-identifiers may repeat those of training only as
        often as the holdout's do, and categories of few people and identifiers not at all.
    """

    profile: Profile = Profile.EVIDENCE
    min_quality: float | None = 8.0
    min_privacy: float | None = None
    max_membership_auc: float | None = 0.60
    max_dcr_deviation: float | None = 0.05
    max_attribute_inference: float | None = 0.09
    max_singling_out: float | None = 0.15
    max_linkability: float | None = 0.09
    max_isolated_records: float | None = 0.03
    max_close_rows: float | None = 0.15
    max_discriminator_auc: float | None = 0.85
    copies_by_coincidence: bool = True

    def as_params(self) -> dict[str, Param]:
        """Return the trigger form's fields, with these thresholds as defaults."""
        return {
            gate.threshold: Param(
                bound, type="number", minimum=0, maximum=gate.most, title=gate.title, section="Release gate"
            )
            for gate in GATES
            if (bound := self.bound(gate)) is not None
        }

    def with_params(self, params: Mapping[str, Any]) -> Thresholds:
        """Return the thresholds with the values of a run's trigger form."""
        asked = {field.name: float(params[field.name]) for field in fields(self) if field.name in params}
        return replace(self, **asked)  # type: ignore[arg-type]

    def bound(self, gate: Gate) -> float | None:
        """Return the bound for one gate, None if it is not asked for."""
        bound: float | None = getattr(self, gate.threshold)
        return bound


SELF_HOSTED = Thresholds()
"""For models of services/gretel, whose reports hold every measure."""

QUALITY_ALONE = Thresholds(
    max_membership_auc=None,
    max_dcr_deviation=None,
    max_attribute_inference=None,
    max_singling_out=None,
    max_linkability=None,
    max_isolated_records=None,
    max_close_rows=None,
    max_discriminator_auc=None,
    copies_by_coincidence=False,
)
"""Asks for the overall quality and for no figure about disclosure: a start for thresholds that name their own."""

HOSTED_GRETEL = replace(QUALITY_ALONE, profile=Profile.GRETEL_100, min_privacy=8.0)
"""For models of Gretel's hosted service, whose reports hold two scores and no attack's AUC."""


@dataclass(frozen=True)
class Decision:
    """One figure held against its bound.

    :param value: what the report says; None if it does not say.
    :param rule: `at least` or `at most`.
    :param bound: what was allowed.
    :param remedy: what can be done if it failed.
    :param interval: 95 % interval of the figure, as the report has it; None if it has none.
    """

    name: str
    value: float | None
    rule: str
    bound: float
    passed: bool
    remedy: str
    interval: tuple[float, float] | None = None

    def __str__(self) -> str:
        """Say it in one line."""
        found = "not measured" if self.value is None else f"{self.value:.4f}"
        return f"{self.name}: {found}, {self.rule} {self.bound:.4g}: {'passed' if self.passed else 'failed'}"


@dataclass(frozen=True)
class Gate:
    """A threshold and the figure of the report that it is held against.

    :param figure: reads the figure; None if the report does not have it.
    :param most: the largest value a threshold can sensibly have.
    """

    threshold: str
    title: str
    most: float
    figure: Callable[[Mapping[str, Any], Profile], float | None]
    remedy: str

    def decide(self, report: Mapping[str, Any], profile: Profile, bound: float) -> Decision:
        """Hold the report's figure against a bound."""
        value = self.figure(report, profile)
        at_least = self.threshold.startswith("min_")
        passed = value is not None and (value >= bound if at_least else value <= bound)
        rule = "at least" if at_least else "at most"
        return Decision(self.name, value, rule, bound, passed, self.remedy, self.interval(report))

    @property
    def name(self) -> str:
        """The figure's name in the decision."""
        return self.threshold.split("_", 1)[1]

    def interval(self, report: Mapping[str, Any]) -> tuple[float, float] | None:
        """Read the figure's interval."""
        if self.name == "dcr_deviation":
            return _interval_from_half(_interval(report, "dcr_share"))
        return _interval(report, "membership_inference_auc" if self.name == "membership_auc" else self.name)


def decide(
    report: Mapping[str, Any], thresholds: Thresholds, *, model_id: str, num_records: int, columns: Collection[str]
) -> list[Decision]:
    """Hold a report against the thresholds.

    :param report: the model's `report_json`.
    :param model_id: the model that made the data.
    :param num_records: synthetic rows that were asked for.
    :param columns: names of the columns that the model was trained on.
    :return: every decision, all of them passed; a table of them is logged, also when one failed.
    :raises GateError: naming each threshold that failed, or what is wrong with the report as a whole.
    """
    if thresholds.profile is Profile.EVIDENCE:
        _check_subject(report, model_id, num_records, columns)
    decisions = [
        gate.decide(report, thresholds.profile, bound)
        for gate in GATES
        if (bound := thresholds.bound(gate)) is not None
    ]
    if thresholds.copies_by_coincidence:
        decisions += [_decide_copies(report, name, remedy) for name, remedy in COPIES.items()]
    if not decisions:
        raise GateError("no threshold is set, so nothing proves the data safe: set at least one in the pipeline")
    for line in as_text(decisions):
        log.info("%s", line)
    failed = [decision for decision in decisions if not decision.passed]
    if failed:
        reasons = "\n".join(f"- {decision}. What can be done: {decision.remedy}." for decision in failed)
        raise GateError(f"nothing is released, {len(failed)} of {len(decisions)} thresholds failed:\n{reasons}")
    return decisions


def _check_subject(report: Mapping[str, Any], model_id: str, num_records: int, columns: Collection[str]) -> None:
    """Refuse a report without evidence, of another model or of other data."""
    version = _at(report, "evidence", "schema_version")
    if version != EVIDENCE_VERSION:
        raise GateError(
            f"nothing is released: the quality report's evidence has schema_version {version!r}, expected "
            f"{EVIDENCE_VERSION}. If the model was trained by Gretel's hosted service, say so with the pipeline's "
            "thresholds (HOSTED_GRETEL); otherwise the service and this repository are of different versions."
        )
    found = _at(report, "model", "model_id")
    if found != model_id:
        raise GateError(
            f"nothing is released: the quality report is of model {found!r}, the data are of {model_id!r}. "
            "Clear generate_synthetic_features."
        )
    rows = _at(report, "evidence", "rows", "synthetic")
    if rows != num_records:
        raise GateError(
            f"nothing is released: the quality report describes {rows!r} synthetic rows, {num_records} were asked for. "
            "Clear generate_synthetic_features."
        )
    described = _at(report, "evidence", "columns")
    names = [_at(column, "name") for column in described] if isinstance(described, list) else None
    if names is None or set(names) != set(columns):
        raise GateError(
            f"nothing is released: the quality report describes the columns {names}, the training data have "
            f"{list(columns)}. Clear generate_synthetic_features."
        )


def _score(name: str) -> Callable[[Mapping[str, Any], Profile], float | None]:
    """Read a score, scaled to 0 to 10; a value beyond its profile's scale is no figure."""

    def figure(report: Mapping[str, Any], profile: Profile) -> float | None:
        scale = 100.0 if profile is Profile.GRETEL_100 else 10.0
        score = _number(_at(report, name, "score"))
        return None if score is None or not 0 <= score <= scale else score * 10 / scale

    return figure


def _measure(name: str) -> Callable[[Mapping[str, Any], Profile], float | None]:
    """Read a share, a risk or an AUC; a value beyond 0 to 1 is no figure."""
    return lambda report, _: _unit(_at(report, "evidence", "measures", name, "value"))


def _upper_bound(name: str) -> Callable[[Mapping[str, Any], Profile], float | None]:
    def figure(report: Mapping[str, Any], _: Profile) -> float | None:
        interval = _interval(report, name)
        return None if interval is None else interval[1]

    return figure


def _deviation_from_half(name: str) -> Callable[[Mapping[str, Any], Profile], float | None]:
    def figure(report: Mapping[str, Any], profile: Profile) -> float | None:
        value = _measure(name)(report, profile)
        return None if value is None else abs(value - 0.5)

    return figure


MORE_PRIVATE = "use larger leaves, train on more rows, or drop or coarsen the columns that make people unique"

GATES = (
    Gate(
        "min_quality",
        "Lowest overall quality, of 10",
        10,
        _score("synthetic_data_quality_score"),
        "train on more rows, or drop columns that hardly matter",
    ),
    Gate("min_privacy", "Lowest data privacy score, of 10", 10, _score("data_privacy_score"), MORE_PRIVATE),
    Gate(
        "max_membership_auc",
        "Highest AUC of a membership attack (upper bound)",
        1,
        _upper_bound("membership_inference_auc"),
        MORE_PRIVATE,
    ),
    Gate(
        "max_dcr_deviation",
        "How much nearer rows may be to training than to the holdout",
        0.5,
        _deviation_from_half("dcr_share"),
        MORE_PRIVATE,
    ),
    Gate(
        "max_attribute_inference", "Highest attribute inference risk", 1, _measure("attribute_inference"), MORE_PRIVATE
    ),
    Gate("max_singling_out", "Highest singling-out risk", 1, _measure("singling_out"), MORE_PRIVATE),
    Gate("max_linkability", "Highest linkability risk", 1, _measure("linkability"), MORE_PRIVATE),
    Gate(
        "max_isolated_records",
        "Highest risk for people unlike anybody else",
        1,
        _measure("isolated_records"),
        "cap extreme values in the query, or use larger leaves",
    ),
    Gate("max_close_rows", "Highest share of rows close to a training row", 1, _measure("close_rows"), MORE_PRIVATE),
    Gate(
        "max_discriminator_auc",
        "Highest AUC of telling real from synthetic",
        1,
        _measure("discriminator_auc"),
        "train on more rows, drop columns that hardly matter, or use smaller leaves",
    ),
)

COPIES = {
    "exact_copies": "drop the column that makes rows unique, or use larger leaves",
    "rare_combinations": "coarsen the quasi-identifiers in the query (age groups, regions), or use larger leaves",
    "rare_categories": "merge the rare categories in the query",
    "copied_identifiers": "drop the column, or name it as the entity key so that it is replaced",
}


def _decide_copies(report: Mapping[str, Any], name: str, remedy: str) -> Decision:
    """Allow as many repetitions as coincidence explains: the upper end of the interval of the holdout's share."""
    measure = _at(report, "evidence", "measures", name)
    value = _number(_at(measure, "value"))
    if value is not None and value < 0:
        value = None  # no share and no count
    share = _unit(_at(measure, "reference")) or 0.0
    rows = _number(_at(measure, "detail", "holdout_rows")) or 0.0
    bound = _wilson_upper(share, rows) if share > 0 and rows > 0 else 0.0
    passed = value is not None and value <= bound
    return Decision(name, value, "at most", bound, passed, remedy, _interval(report, name))


def _wilson_upper(share: float, trials: float) -> float:
    """Upper end of the 99.999 % interval of a share (E. B. Wilson, JASA 22, 1927)."""
    if share >= 1:
        return 1.0  # what the formula gives, and its arithmetic not quite
    spread = Z_COINCIDENCE * math.sqrt(share * (1 - share) / trials + Z_COINCIDENCE**2 / (4 * trials**2))
    return (share + Z_COINCIDENCE**2 / (2 * trials) + spread) / (1 + Z_COINCIDENCE**2 / trials)


def _interval(report: Mapping[str, Any], name: str) -> tuple[float, float] | None:
    """Read a measure's 95 % interval; None unless its ends are two numbers of 0 to 1 in their order."""
    found = _at(report, "evidence", "measures", name, "interval")
    if not isinstance(found, list) or len(found) != 2:
        return None
    low, high = _unit(found[0]), _unit(found[1])
    return None if low is None or high is None or low > high else (low, high)


def _interval_from_half(share: tuple[float, float] | None) -> tuple[float, float] | None:
    """Turn the interval of a share into that of its distance from one half."""
    if share is None:
        return None
    low, high = sorted(abs(end - 0.5) for end in share)
    return (0.0 if share[0] <= 0.5 <= share[1] else low, high)


def _at(value: Any, *path: str) -> Any:
    """Follow keys into nested objects; None where one is missing."""
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _number(value: Any) -> float | None:
    """Return a finite number, None for anything else: a NaN compares as neither good nor bad."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _unit(value: Any) -> float | None:
    """Return a number of 0 to 1, None for anything else."""
    number = _number(value)
    return number if number is not None and 0 <= number <= 1 else None
