"""Rare people: small groups of quasi-identifiers, rare categories, copied identifiers."""

import numpy as np
import pandas as pd

from services.gretel.evaluation.disclosure.copies import row_ids
from services.gretel.evaluation.disclosure.risk import Z_COINCIDENCE, wilson
from services.gretel.evaluation.inputs import Feature, Inputs
from services.gretel.evaluation.measure import Measure, not_measurable
from services.gretel.table import Kind

K = 5
IDENTIFYING = 0.95  # a column with so many distinct values among its known ones names its row
MIN_KNOWN = 20


def rare_combinations(inputs: Inputs) -> Measure:
    """Share of synthetic rows whose quasi-identifiers are those of one to four training rows.

    Numbers that may vary freely meet rare combinations by chance; the holdout's share says how often. The detail holds
    the k-anonymity of the synthetic rows themselves (Sweeney, 2002): the size of their smallest group.
    """
    known = [feature for feature in inputs.features if feature.name in inputs.quasi_identifiers]
    if not known:
        return not_measurable(
            "no quasi-identifiers are declared that can be compared by value; declare the columns an attacker may know"
        )
    ids = row_ids(known, inputs.rows)
    groups, sizes = np.unique(ids["train"], return_counts=True)
    rare = groups[sizes < K]
    hits = np.isin(ids["synthetic"], rare)
    low, high = wilson(int(hits.sum()), len(hits))
    own = np.unique(ids["synthetic"], return_counts=True)[1]
    detail = {"k": K, "quasi_identifiers": [feature.name for feature in known]} | {
        "smallest_synthetic_group": int(own.min()),
        "synthetic_rows_in_small_groups": float(own[own < K].sum() / own.sum()),
        "training_rows_in_small_groups": float(sizes[sizes < K].sum() / sizes.sum()),
        "holdout_rows": inputs.rows["holdout"],
    }
    if not inputs.rows["holdout"]:
        return not_measurable("there is no holdout to tell disclosure from coincidence", **detail)
    return Measure(float(hits.mean()), low, high, reference=float(np.isin(ids["holdout"], rare).mean()), detail=detail)


def rare_categories(inputs: Inputs) -> Measure:
    """Count categories in the synthetic data that fewer than five training rows have.

    The reference is how many of them the holdout has: real people have rare ones, so a release must not.
    """
    nominal = [feature for feature in inputs.features if not feature.ordered]
    released = {feature.name: _rare_released(feature, "synthetic") for feature in nominal}
    return Measure(
        float(sum(released.values())),
        reference=float(sum(_rare_released(feature, "holdout") for feature in nominal)),
        detail={"k": K, "columns": {name: count for name, count in released.items() if count}},
    )


def copied_identifiers(inputs: Inputs) -> Measure:
    """Count synthetic values that name a training row: copies in keys, free text and columns as distinct as a key.

    Copies in keys always count. In other columns the holdout's rate of shared values is coincidence (amounts, moments)
    and is taken off.
    """
    copied: dict[str, float] = {}
    for name, labels in inputs.labels["train"].items():
        parts = {part: frame[name].dropna().to_numpy(dtype=object) for part, frame in inputs.labels.items()}
        copied[str(name)] = _copied(parts, chance=inputs.kinds[str(name)] is not Kind.KEY)
        del labels
    for feature in inputs.features:
        if feature.kind is not Kind.BOOLEAN and _names_rows(feature):
            parts = {part: feature.part(part)[~feature.missing(part)] for part in inputs.rows}
            copied[feature.name] = _copied(parts, chance=True)
    return Measure(
        float(sum(copied.values())),
        reference=0.0,
        detail={"columns_checked": sorted(copied), "columns": {name: count for name, count in copied.items() if count}},
    )


def _rare_released(feature: Feature, part: str) -> int:
    assert feature.categories is not None
    counts = np.bincount(feature.train[feature.train >= 0], minlength=len(feature.categories))
    released = np.unique(feature.part(part)[feature.part(part) >= 0])
    return int(((counts[released] > 0) & (counts[released] < K)).sum())


def _names_rows(feature: Feature) -> bool:
    known = feature.train[~feature.missing("train")]
    return len(known) >= MIN_KNOWN and len(np.unique(known)) >= IDENTIFYING * len(known)


def _copied(parts: dict[str, np.ndarray], *, chance: bool) -> float:
    train, holdout, synthetic = (pd.Series(parts[name]) for name in ("train", "holdout", "synthetic"))
    copies = int(synthetic.isin(set(train)).sum())
    if not chance or not len(holdout):
        return float(copies)
    shared = int(holdout.isin(set(train)).sum())
    expected = wilson(shared, len(holdout), Z_COINCIDENCE)[1] * len(synthetic) if shared else 0.0
    return float(max(0, round(copies - expected)))
