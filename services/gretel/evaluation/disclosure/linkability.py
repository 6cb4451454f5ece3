"""Linkability: do the synthetic data join two halves of one person's record."""

import numpy as np

from services.gretel.evaluation.disclosure.risk import residual_risk, riskiest
from services.gretel.evaluation.inputs import Feature, Inputs
from services.gretel.evaluation.measure import Measure, not_measurable
from services.gretel.evaluation.neighbours import MAX_ROWS, Space, nearest

MIN_HOLDOUT = 20
NEIGHBOURS = 5
SPLITS = 3


def linkability(inputs: Inputs) -> Measure:
    """Risk that both halves of a training row point at the same synthetic row.

    Two attackers hold half of the columns each; a person is linked if any of the five synthetic rows nearest by one
    half is among the five nearest by the other. Holdout rows are the control. Halves: the quasi-identifiers against the
    rest if declared, and random halves; the riskiest counts. Source: Giomi et al., arXiv 2211.10459.
    """
    features = [feature for feature in inputs.features if feature.varies]
    if len(features) < 2:
        return not_measurable("needs two columns that vary and can be compared by value")
    if inputs.rows["holdout"] < MIN_HOLDOUT:
        return not_measurable(f"needs at least {MIN_HOLDOUT} holdout rows as control, found {inputs.rows['holdout']}")
    rows = {
        "train": inputs.sample("train", max(inputs.rows["holdout"], MIN_HOLDOUT), "linkability"),
        "holdout": np.arange(inputs.rows["holdout"]),
        "synthetic": inputs.sample("synthetic", MAX_ROWS, "linkability"),
    }
    rows = {part: positions[:MAX_ROWS] for part, positions in rows.items()}
    risks = []
    for first, second in _halves(inputs, features):
        linked = {part: _linked(inputs, part, rows, first, second) for part in ("train", "holdout")}
        risks.append(
            residual_risk(
                (int(linked["train"].sum()), len(rows["train"])),
                (int(linked["holdout"].sum()), len(rows["holdout"])),
                first_half=[feature.name for feature in first],
                second_half=[feature.name for feature in second],
            )
        )
    return riskiest(risks)


def _halves(inputs: Inputs, features: list[Feature]) -> list[tuple[list[Feature], list[Feature]]]:
    known = [feature for feature in features if feature.name in inputs.quasi_identifiers]
    rest = [feature for feature in features if feature not in known]
    halves = [(known, rest)] if known and rest else []
    while len(halves) < SPLITS:
        order = inputs.rng(f"halves {len(halves)}").permutation(len(features))
        cut = len(features) // 2
        halves.append(([features[i] for i in sorted(order[:cut])], [features[i] for i in sorted(order[cut:])]))
    return halves


def _linked(
    inputs: Inputs, part: str, rows: dict[str, np.ndarray], first: list[Feature], second: list[Feature]
) -> np.ndarray:
    found = []
    for half in (first, second):
        space = Space(inputs, half)
        targets, synthetic = space.points(part, rows[part]), space.points("synthetic", rows["synthetic"])
        found.append(nearest(targets, synthetic, NEIGHBOURS)[1])
    return (found[0][:, :, None] == found[1][:, None, :]).any(axis=(1, 2))
