"""What a report is made of: measures with their uncertainty, and scores graded 0 to 10."""

import math
from dataclasses import dataclass, field
from typing import Any

QUALITY_GRADES = ("Very Poor", "Poor", "Moderate", "Good", "Excellent")
PRIVACY_GRADES = ("Poor", "Moderate", "Good", "Very Good", "Excellent")
DIGITS = 6
SMALL_CELL = 10  # counts of fewer people are not shown


@dataclass(frozen=True)
class Measure:
    """One figure, or the reason why there is none.

    :param value: the figure; None if and only if `reason` says why it is not measurable.
    :param low: lower end of the 95 % confidence interval, None if there is no interval.
    :param high: upper end of it.
    :param reference: what honest data, drawn from the same population and never seen in training, scores.
    :param reason: why the figure could not be measured.
    :param detail: what the figure was made from, for the reader; JSON types only.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    reference: float | None = None
    reason: str = ""
    detail: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.value is None) != bool(self.reason):
            raise ValueError("a measure has either a value or a reason why it has none")

    @property
    def measurable(self) -> bool:
        return self.value is not None

    def to_json(self) -> dict[str, Any]:
        return {
            "value": rounded(self.value),
            "interval": None if self.low is None else [rounded(self.low), rounded(self.high)],
            "reference": rounded(self.reference),
            "reason": self.reason,
            "detail": rounded(self.detail),
        }


def not_measurable(reason: str, **detail: Any) -> Measure:
    """Build the measure that has no figure; a gate reads it as failed."""
    return Measure(value=None, reason=reason, detail=detail)


@dataclass(frozen=True)
class Score:
    """A score in the form Gretel's reports have.

    :param raw_score: the measurement the score is computed from; None if it was not measurable.
    :param score: 0 (worst) to 10 (best), one decimal.
    :param privacy: graded on the privacy scale, whose words differ.
    """

    raw_score: float | None
    score: float | None
    privacy: bool = False

    @classmethod
    def of(cls, raw_score: float | None, score: float | None, *, privacy: bool = False) -> "Score":
        """Clip a score to 0..10 and round it to one decimal."""
        if raw_score is None or score is None:
            return cls(None, None, privacy)
        return cls(raw_score, min(10.0, max(0.0, round(score, 1))), privacy)

    @property
    def grade(self) -> str:
        """The word for the score: one for every two points."""
        if self.score is None:
            return "Unavailable"
        return (PRIVACY_GRADES if self.privacy else QUALITY_GRADES)[min(4, int(self.score) // 2)]

    def to_json(self) -> dict[str, Any]:
        return {"raw_score": rounded(self.raw_score), "grade": self.grade, "score": rounded(self.score)}


def rounded(value: Any) -> Any:
    """Make plain JSON of a figure or of nested figures: no NumPy types, no NaN, six decimals."""
    if isinstance(value, dict):
        return {str(key): rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    if value is None or isinstance(value, str | bool):
        return value
    if hasattr(value, "item"):  # a NumPy scalar
        return rounded(value.item())
    if isinstance(value, int):
        return value
    if not math.isfinite(value):
        raise ValueError(f"a report holds finite figures only, found {value}")
    return round(float(value), DIGITS)


def suppressed(count: int) -> int | None:
    """Hide a count of fewer than ten people; none at all is no one's secret."""
    return None if 0 < count < SMALL_CELL else count
