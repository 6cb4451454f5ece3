"""Columns as tree models read them."""

from collections.abc import Sequence

import numpy as np

from services.gretel.evaluation.inputs import Feature

MAX_CATEGORIES = 250  # scikit-learn's histogram trees take at most 255


def matrix(features: Sequence[Feature], part: str, rows: np.ndarray) -> np.ndarray:
    """Features of some rows as numbers: float32, shape (rows, features), NaN for null.

    Ordered columns count from training's median, so that float32 does not blur dates; categories are numbered by their
    frequency in training, the rarest sharing the last number.
    """
    columns = []
    for feature in features:
        values = feature.part(part)[rows]
        if feature.ordered:
            known = feature.train[~np.isnan(feature.train)]
            columns.append(values - (np.median(known) if len(known) else 0.0))
        else:
            columns.append(np.where(values < 0, np.nan, np.minimum(values, MAX_CATEGORIES)))
    return np.column_stack(columns).astype(np.float32)


def nominal_mask(features: Sequence[Feature]) -> list[bool]:
    """Tell which columns of the matrix are categories."""
    return [not feature.ordered for feature in features]
