"""The overall quality score."""

from services.gretel.evaluation.measure import Score

# NeMo Safe Synthesizer's weights.
WEIGHTS = {
    "principal_component_stability": 0.84,
    "field_distribution_stability": 0.86,
    "field_correlation_stability": 1.0,
}


def quality_score(stabilities: dict[str, Score]) -> Score:
    """Weigh the stabilities that could be measured; unavailable if none could."""
    known = {name: stabilities[name].score for name in WEIGHTS}
    weighed = [(WEIGHTS[name], score) for name, score in known.items() if score is not None]
    if not weighed:
        return Score.of(None, None)
    value = sum(weight * score for weight, score in weighed) / sum(weight for weight, _ in weighed)
    return Score.of(value, value)
