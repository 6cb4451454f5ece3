"""The finished report, as Gretel's report JSON with this project's evidence, and as one HTML page."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from services.gretel.evaluation.measure import Measure, Score, rounded
from services.gretel.evaluation.page.page import render_page
from services.gretel.evaluation.verdict import Check, judge

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Report:
    """What was measured; it holds figures about groups, and no record.

    :param subject: seed, rows, columns with kinds, quasi-identifiers and sensitive columns.
    :param scores: 0 to 10, under the names Gretel's reports use.
    :param measures: every figure by its name; docs/report.md defines each.
    :param fields: one entry per comparable column, as Gretel's reports have.
    :param pictures: correlation matrices and principal components, None where they could show people.
    """

    subject: dict[str, Any]
    scores: dict[str, Score]
    measures: dict[str, Measure]
    fields: list[dict[str, Any]]
    pictures: dict[str, Any]

    @cached_property
    def checks(self) -> list[Check]:
        """The default checks and how they came out."""
        return judge(self.scores["synthetic_data_quality_score"], self.measures)

    @property
    def passed(self) -> bool:
        """Whether every default check passed."""
        return all(check.passed for check in self.checks)

    def to_json(self) -> dict[str, Any]:
        """Build the report_json artifact: plain JSON types, no record and no rare value of the training data."""
        known = {name: score for name, score in self.scores.items() if score.score is not None}
        return {
            **{name: score.to_json() for name, score in self.scores.items()},
            "privacy_protection_level": None,
            "memorized_lines": self.measures["exact_copies"].detail.get("distinct_rows_copied"),
            "mean_absolute_error": rounded(self.measures["column_correlation"].value),
            "average_divergence": rounded(self.measures["column_distribution"].value),
            "fields": self.fields,
            "summary": [{"field": name, "value": score.score} for name, score in known.items()],
            "evidence": {
                "schema_version": SCHEMA_VERSION,
                "score_scale": [0, 10],
                **self.subject,
                "passed": self.passed,
                "checks": [check.to_json() for check in self.checks],
                "measures": {name: measure.to_json() for name, measure in self.measures.items()},
                "pictures": rounded(self.pictures),
            },
        }

    def to_html(self) -> str:
        """Build the report page: self-contained, without scripts, without external resources."""
        return render_page(self.to_json())
