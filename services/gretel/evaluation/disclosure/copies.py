"""Rows copied from training."""

from collections.abc import Sequence

import numpy as np

from services.gretel.evaluation.disclosure.risk import wilson
from services.gretel.evaluation.inputs import Feature, Inputs
from services.gretel.evaluation.measure import Measure, not_measurable


def row_ids(features: Sequence[Feature], rows: dict[str, int]) -> dict[str, np.ndarray]:
    """Number the distinct rows over some columns: equal rows of any table get equal numbers.

    :returns: per part an int64 array, shape (rows,).
    """
    ids = np.zeros(sum(rows.values()), dtype=np.int64)
    for feature in features:
        values = np.concatenate([feature.part(part) for part in rows])
        _, codes = np.unique(values, return_inverse=True)
        _, ids = np.unique(ids * (codes.max() + 1) + codes, return_inverse=True)
    return dict(zip(rows, np.split(ids, np.cumsum(list(rows.values()))[:-1]), strict=True))


def exact_copies(inputs: Inputs) -> Measure:
    """Share of synthetic rows that equal a training row in every comparable column.

    The holdout's share is what coincidence alone explains: few columns of few values repeat by themselves.
    """
    if not inputs.features:
        return not_measurable("no column can be compared by value: all are keys or free text")
    ids = row_ids(inputs.features, inputs.rows)
    copies = np.isin(ids["synthetic"], ids["train"])
    low, high = wilson(int(copies.sum()), len(copies))
    repeats = np.isin(ids["holdout"], ids["train"])
    detail = {
        "synthetic_rows_copied": int(copies.sum()),
        "distinct_rows_copied": len(np.unique(ids["synthetic"][copies])),
        "holdout_rows_repeated": int(repeats.sum()),
        "holdout_rows": len(repeats),
    }
    if not len(repeats):
        return not_measurable("there is no holdout to tell copies from coincidence", **detail)
    return Measure(float(copies.mean()), low, high, reference=float(repeats.mean()), detail=detail)
