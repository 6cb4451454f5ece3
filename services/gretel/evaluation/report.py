"""The finished report, as Gretel's report JSON with this project's evidence, and as one HTML page."""

from dataclasses import dataclass
from typing import Any

from services.gretel.evaluation.fidelity.correlation import Correlations, correlation_score
from services.gretel.evaluation.fidelity.distribution import ColumnDistance, distribution_score
from services.gretel.evaluation.fidelity.structure import Projection, structure_score
from services.gretel.evaluation.inputs import Inputs
from services.gretel.evaluation.measure import Measure, Score, rounded, suppressed
from services.gretel.evaluation.page.page import render_page

SCHEMA_VERSION = 1
# NeMo Safe Synthesizer's weights of the quality score.
QUALITY_WEIGHTS = {
    "principal_component_stability": 0.84,
    "field_distribution_stability": 0.86,
    "field_correlation_stability": 1.0,
}


@dataclass(frozen=True)
class Report:
    """What was measured.

    :param measures: every figure by its name; docs/report.md defines each.
    """

    inputs: Inputs
    columns: list[ColumnDistance]
    correlations: Correlations | None
    projection: Projection | None
    measures: dict[str, Measure]

    @property
    def scores(self) -> dict[str, Score]:
        """Scores under the names Gretel's reports use, 0 to 10."""
        parts = {
            "field_correlation_stability": correlation_score(self.measures["column_correlation"].value),
            "principal_component_stability": structure_score(self.measures["deep_structure"].value),
            "field_distribution_stability": distribution_score(self.measures["column_distribution"].value),
        }
        return {"synthetic_data_quality_score": quality_score(parts), **parts}

    def to_json(self) -> dict[str, Any]:
        """Build the report_json artifact: plain JSON types, no record and no rare value of the training data."""
        scores = self.scores
        copies = self.measures["exact_copies"]
        return {
            **{name: score.to_json() for name, score in scores.items()},
            "privacy_protection_level": None,
            "memorized_lines": copies.detail.get("distinct_rows_copied"),
            "mean_absolute_error": rounded(self.measures["column_correlation"].value),
            "average_divergence": rounded(self.measures["column_distribution"].value),
            "fields": [_field(column, self.inputs) for column in self.columns],
            "summary": [
                {"field": name, "value": score.score} for name, score in scores.items() if score.score is not None
            ],
            "evidence": self._evidence(),
        }

    def to_html(self) -> str:
        """Build the report page: self-contained, without scripts, without external resources."""
        return render_page(self.to_json())

    def _evidence(self) -> dict[str, Any]:
        inputs = self.inputs
        return {
            "schema_version": SCHEMA_VERSION,
            "score_scale": [0, 10],
            "seed": inputs.seed,
            "rows": inputs.rows,
            "columns": [{"name": name, "kind": kind.value} for name, kind in inputs.kinds.items()],
            "quasi_identifiers": list(inputs.quasi_identifiers),
            "sensitive": list(inputs.sensitive),
            "measures": {name: measure.to_json() for name, measure in self.measures.items()},
        }


def quality_score(parts: dict[str, Score]) -> Score:
    """Weigh the three stabilities that could be measured into the overall quality score."""
    known = {name: parts[name].score for name in QUALITY_WEIGHTS}
    weighed = [(QUALITY_WEIGHTS[name], score) for name, score in known.items() if score is not None]
    if not weighed:
        return Score.of(None, None)
    value = sum(weight * score for weight, score in weighed) / sum(weight for weight, _ in weighed)
    return Score.of(value, value)


def _field(column: ColumnDistance, inputs: Inputs) -> dict[str, Any]:
    feature = column.feature
    return {
        "name": feature.name,
        "left_field_features": _features(column, inputs, "train"),
        "right_field_features": _features(column, inputs, "synthetic"),
        "distribution_distance": rounded(column.distance),
        "distribution_stability": column.score.to_json(),
    }


def _features(column: ColumnDistance, inputs: Inputs, part: str) -> dict[str, Any]:
    feature = column.feature
    rows = inputs.rows[part]
    return {
        "name": feature.name,
        "type": "numeric" if feature.ordered else "categorical",
        "count": rows,
        "missing": suppressed(int(feature.missing(part).sum())),
    }
