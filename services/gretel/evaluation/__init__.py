"""Evidence for a release: whether the synthetic data is useful, and whom it discloses."""

from services.gretel.evaluation.evaluate import evaluate
from services.gretel.evaluation.report import Report

__all__ = ["Report", "evaluate"]
