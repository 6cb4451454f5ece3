"""Attribute inference: does knowing a person's quasi-identifiers reveal the rest."""

import numpy as np

from services.gretel.evaluation.disclosure.risk import residual_risk
from services.gretel.evaluation.inputs import Feature, Inputs
from services.gretel.evaluation.measure import Measure, not_measurable
from services.gretel.evaluation.neighbours import MAX_ROWS, Space, nearest
from services.gretel.table import Kind

MIN_HOLDOUT = 20
TOLERANCE = 0.05  # a number within 5 % is guessed right; a date within 5 % of the middle half's span


def attribute_inference(inputs: Inputs) -> Measure:
    """Risk that the nearest synthetic row by quasi-identifiers tells a sensitive value of a training row.

    The control is the same attack on holdout rows: what holds for everybody (statistics) is no disclosure. The value is
    the risk over all sensitive columns together, the detail each column's. Source: Giomi et al., arXiv 2211.10459.
    """
    known = [feature for feature in inputs.features if feature.name in inputs.quasi_identifiers]
    if not known:
        return not_measurable(
            "no quasi-identifiers are declared that can be compared by value; declare the columns an attacker may know"
        )
    secrets = [
        feature
        for feature in inputs.features
        if feature not in known and feature.varies and (not inputs.sensitive or feature.name in inputs.sensitive)
    ]
    if not secrets:
        return not_measurable("no sensitive column is left that varies and can be compared by value")
    if inputs.rows["holdout"] < MIN_HOLDOUT:
        return not_measurable(f"needs at least {MIN_HOLDOUT} holdout rows as control, found {inputs.rows['holdout']}")
    space = Space(inputs, known)
    rows = {part: inputs.sample(part, MAX_ROWS, "attribute inference") for part in inputs.rows}
    points = {part: space.points(part, rows[part]) for part in rows}
    guesses = {
        part: rows["synthetic"][nearest(points[part], points["synthetic"], 1)[1][:, 0]] for part in ("train", "holdout")
    }
    right = {
        part: {secret.name: _right(secret, part, rows[part], guesses[part]) for secret in secrets}
        for part in ("train", "holdout")
    }
    each = {
        secret.name: residual_risk(
            (int(right["train"][secret.name].sum()), len(rows["train"])),
            (int(right["holdout"][secret.name].sum()), len(rows["holdout"])),
        )
        for secret in secrets
    }
    # All columns together: a person's share of attributes guessed right, so that people and not cells are the trials.
    shares = {part: float(np.mean(list(columns.values()), axis=0).sum()) for part, columns in right.items()}
    return residual_risk(
        (shares["train"], len(rows["train"])),
        (shares["holdout"], len(rows["holdout"])),
        known=[feature.name for feature in known],
        columns={name: measure.to_json() for name, measure in each.items()},
        worst=max(each, key=lambda name: each[name].value or 0.0),
    )


def _right(secret: Feature, part: str, rows: np.ndarray, guesses: np.ndarray) -> np.ndarray:
    truth, guess = secret.part(part)[rows], secret.synthetic[guesses]
    if not secret.ordered:
        return truth == guess
    slack = np.abs(truth) * TOLERANCE
    if secret.kind in {Kind.DATE, Kind.DATETIME}:
        known = secret.train[~np.isnan(secret.train)]
        slack = TOLERANCE * np.subtract(*np.quantile(known, [0.75, 0.25])) if len(known) else 0.0
    return (np.abs(truth - guess) <= slack) | (np.isnan(truth) & np.isnan(guess))
