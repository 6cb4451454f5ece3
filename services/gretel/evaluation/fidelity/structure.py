"""Deep structure: both tables seen along training's principal components."""

from dataclasses import dataclass

import numpy as np
from sklearn.decomposition import PCA

from services.gretel.evaluation.fidelity.distribution import histogram_distance
from services.gretel.evaluation.inputs import MISSING, Feature, Inputs
from services.gretel.evaluation.measure import Measure, Score, not_measurable

COMPONENTS = 2


@dataclass(frozen=True)
class Projection:
    """Rows along the two principal components of training, shape (rows, 2), and the variance each explains."""

    train: np.ndarray
    synthetic: np.ndarray
    holdout: np.ndarray
    explained: tuple[float, ...]


def project(inputs: Inputs) -> Projection | None:
    """Fit the components on training and project all three tables; None if there are not two varying columns."""
    features = [feature for feature in inputs.features if len(np.unique(feature.train)) > 1]
    rows = min(inputs.rows["train"], inputs.rows["synthetic"])
    if len(features) < COMPONENTS or rows <= COMPONENTS:
        return None
    # Fit on all of training, compare equally many rows: the number of bins depends on it.
    full = _matrix(features, "train", np.arange(inputs.rows["train"]))
    center, scale = full.mean(axis=0), full.std(axis=0)
    scale[scale == 0] = 1.0
    pca = PCA(COMPONENTS, random_state=0).fit((full - center) / scale)

    def projected(part: str, rows: np.ndarray) -> np.ndarray:
        return pca.transform((_matrix(features, part, rows) - center) / scale) if len(rows) else np.empty((0, 2))

    return Projection(
        train=projected("train", inputs.sample("train", rows, "structure")),
        synthetic=projected("synthetic", inputs.sample("synthetic", rows, "structure")),
        holdout=projected("holdout", np.arange(inputs.rows["holdout"])),
        explained=tuple(float(share) for share in pca.explained_variance_ratio_),
    )


def structure_distance(projection: Projection | None) -> Measure:
    """Mean Jensen-Shannon distance along the components."""
    if projection is None:
        return not_measurable("principal components need two columns that vary, and three rows")
    reference = None
    if len(projection.holdout):
        reference = _mean_distance(projection.train, projection.holdout)
    return Measure(
        value=_mean_distance(projection.train, projection.synthetic),
        reference=reference,
        detail={"explained_variance": list(projection.explained)},
    )


def structure_score(distance: float | None) -> Score:
    """Scale to 0..10 by the formula NeMo Safe Synthesizer publishes: 10 exp(-1.6 d)."""
    return Score.of(distance, None if distance is None else float(10 * np.exp(-1.6 * distance)))


def _mean_distance(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.mean([histogram_distance(first[:, i], second[:, i]) for i in range(COMPONENTS)]))


def _matrix(features: list[Feature], part: str, rows: np.ndarray) -> np.ndarray:
    """Numbers with nulls at training's median; categories as their frequency in training, 0 if unknown there."""
    columns = []
    for feature in features:
        values = feature.part(part)[rows]
        if feature.ordered:
            columns.append(np.where(np.isnan(values), np.nanmedian(feature.train), values))
        else:
            assert feature.categories is not None
            counts = np.bincount(feature.train - MISSING, minlength=len(feature.categories) + 1)
            columns.append(counts[values - MISSING].astype(float))
    return np.column_stack(columns)
