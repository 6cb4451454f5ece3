"""The default checks on a report: what is allowed, why, and what to do about it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from services.gretel.evaluation.disclosure.risk import Z_COINCIDENCE, wilson
from services.gretel.evaluation.measure import Measure, Score, rounded

MIN_QUALITY = 8.0
MAX_DISCRIMINATOR_AUC = 0.85
MAX_MEMBERSHIP_AUC = 0.60
MAX_DCR_DEVIATION = 0.05
MAX_CLOSE_ROWS = 0.15
MAX_RISK = 0.09
MAX_SINGLING_OUT = 0.15
MAX_ISOLATED = 0.03


@dataclass(frozen=True)
class Check:
    """One default threshold held against the report; a figure that could not be measured fails.

    :param name: the measure's name.
    :param question: what is asked, in plain words.
    :param found: the figure that decides; None if there is none.
    :param allowed: the rule in words.
    :param reason: why there is no figure.
    :param remedy: what can be done if it failed.
    :param unit: of the figure: auc, share, count, or score (0 to 10).
    :param privacy: asks about disclosure, else about usefulness.
    """

    name: str
    question: str
    found: float | None
    allowed: str
    passed: bool
    reason: str
    remedy: str
    unit: str
    privacy: bool

    def to_json(self) -> dict[str, Any]:
        return {key: rounded(value) for key, value in vars(self).items()}


@dataclass(frozen=True)
class Rule:
    """How a measure is judged: the figure that decides, and whether it is allowed."""

    question: str
    allowed: Callable[[Measure], str]
    passes: Callable[[Measure], bool]
    remedy: str
    unit: str = "share"
    decides: Callable[[Measure], float | None] = lambda measure: measure.value
    privacy: bool = True


def _at_most(limit: float, unit: str = "share") -> dict[str, Any]:
    written = {"share": f"at most {limit:.0%}", "count": "none" if not limit else f"at most {limit:g}"}
    return {
        "allowed": lambda _: written.get(unit, f"at most {limit:g}"),
        "passes": lambda measure: measure.value <= limit,
        "unit": unit,
    }


def _coincidence(measure: Measure) -> float:
    """Most that the holdout's own share explains: the upper end of its 99.999 % interval, nothing if it has none."""
    rows = measure.detail["holdout_rows"]
    share = measure.reference or 0.0
    return wilson(share * rows, rows, Z_COINCIDENCE)[1] if share > 0 else 0.0


_NO_MORE_THAN_HOLDOUT: dict[str, Any] = {
    "allowed": lambda measure: f"at most {_coincidence(measure):.1%}, as coincidence explains",
    "passes": lambda measure: measure.value <= _coincidence(measure),
}
_LESS_DETAIL = "use larger leaves, train on more rows, or use an engine with differential privacy"
_NO_IDENTIFIERS = "drop the column, or declare it as the key so that it is regenerated"

RULES: dict[str, Rule] = {
    "discriminator_auc": Rule(
        "Does it look like real data?",
        **_at_most(MAX_DISCRIMINATOR_AUC, "auc"),
        remedy="train on more rows, drop columns that hardly matter, or use smaller leaves",
        privacy=False,
    ),
    "exact_copies": Rule(
        "Are training rows copied?",
        **_NO_MORE_THAN_HOLDOUT,
        remedy="use larger leaves, or drop the column that makes rows unique",
    ),
    "copied_identifiers": Rule("Are identifiers copied?", **_at_most(0, "count"), remedy=_NO_IDENTIFIERS),
    "rare_categories": Rule(
        "Are categories released that fewer than five people have?",
        **_at_most(0, "count"),
        remedy="merge categories rarer than five before training",
    ),
    "rare_combinations": Rule(
        "Do rows carry the quasi-identifiers of fewer than five people?",
        **_NO_MORE_THAN_HOLDOUT,
        remedy="coarsen the quasi-identifiers (age groups, regions) or use larger leaves",
    ),
    "membership_inference_auc": Rule(
        "Can an attacker tell who was in the training data?",
        allowed=lambda _: f"at most {MAX_MEMBERSHIP_AUC:.2f} (upper bound of the AUC)",
        passes=lambda measure: (measure.high or 1.0) <= MAX_MEMBERSHIP_AUC,
        decides=lambda measure: measure.high,
        unit="auc",
        remedy=_LESS_DETAIL,
    ),
    "attribute_inference": Rule(
        "Does knowing a person's quasi-identifiers reveal the rest?", **_at_most(MAX_RISK), remedy=_LESS_DETAIL
    ),
    "singling_out": Rule(
        "Can a person be singled out?", **_at_most(MAX_SINGLING_OUT), remedy="round numbers, or " + _LESS_DETAIL
    ),
    "linkability": Rule("Can two halves of a record be linked?", **_at_most(MAX_RISK), remedy=_LESS_DETAIL),
    "isolated_records": Rule(
        "Are people found who are unlike anybody else?",
        **_at_most(MAX_ISOLATED),
        remedy="cap extreme values before training, or use larger leaves",
    ),
    "close_rows": Rule(
        "Do rows come unusually close to training records?", **_at_most(MAX_CLOSE_ROWS), remedy=_LESS_DETAIL
    ),
    "dcr_share": Rule(
        "Are rows nearer to training than to people never seen?",
        allowed=lambda _: f"50%, give or take {MAX_DCR_DEVIATION:.0%}",
        passes=lambda measure: abs(measure.value - 0.5) <= MAX_DCR_DEVIATION,  # type: ignore[operator]
        remedy="below 0.5 the holdout was trained on: evaluate against rows that were not; above, " + _LESS_DETAIL,
    ),
}


def judge(quality: Score, measures: dict[str, Measure]) -> list[Check]:
    """Hold the quality score and every measure that has a rule against the defaults."""
    return [_judge_quality(quality), *(_judge(name, rule, measures[name]) for name, rule in RULES.items())]


def _judge(name: str, rule: Rule, measure: Measure) -> Check:
    return Check(
        name=name,
        question=rule.question,
        found=rule.decides(measure) if measure.measurable else None,
        allowed=rule.allowed(measure) if measure.measurable else "a figure",
        passed=measure.measurable and rule.passes(measure),
        reason=measure.reason,
        remedy=rule.remedy,
        unit=rule.unit,
        privacy=rule.privacy,
    )


def _judge_quality(quality: Score) -> Check:
    return Check(
        name="synthetic_data_quality_score",
        question="Is the data useful?",
        found=quality.score,
        allowed=f"at least {MIN_QUALITY:g} of 10",
        passed=quality.score is not None and quality.score >= MIN_QUALITY,
        reason="" if quality.score is not None else "none of its parts could be measured",
        remedy="train on more rows, or drop columns that hardly matter",
        unit="score",
        privacy=False,
    )
