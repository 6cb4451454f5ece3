"""Columns as tree models read them."""

from collections.abc import Sequence

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from services.gretel.evaluation.inputs import MISSING, Feature

# These tables are small for OpenMP: on a busy machine its threads wait a hundred times longer than they work.
one_thread = threadpool_limits.wrap(limits=1)
MAX_CATEGORIES = 250  # scikit-learn's histogram trees take at most 255


def matrix(features: Sequence[Feature], part: str, rows: np.ndarray) -> np.ndarray:
    """Features of some rows as numbers: float32, shape (rows, features).

    Ordered columns count from training's median, so that float32 does not blur dates; categories are numbered by their
    frequency in training, the rarest sharing the last number. A null is a number below all, or a category, of its own.
    """
    columns = []
    for feature in features:
        values = feature.part(part)[rows]
        if feature.ordered:
            known = feature.train[~np.isnan(feature.train)]
            known = known if len(known) else np.zeros(1)
            lowest = known.min() - (np.ptp(known) or 1.0)
            columns.append(np.where(np.isnan(values), lowest, values) - np.median(known))
        else:
            columns.append(np.where(values == MISSING, MAX_CATEGORIES + 1, np.minimum(values, MAX_CATEGORIES)))
    return np.column_stack(columns).astype(np.float32)


def nominal_mask(features: Sequence[Feature]) -> list[bool]:
    """Tell which columns of the matrix are categories."""
    return [not feature.ordered for feature in features]
