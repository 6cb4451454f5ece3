"""Gretel's two privacy scores, by the published method, under the names its reports use.

They are kept for comparability. They grade distance and prediction without a control, so a release is judged by the
membership and attribute inference measures of this package instead. Source: NeMo Safe Synthesizer's evaluation.
"""

import numpy as np

from services.gretel.evaluation.inputs import Feature, Inputs
from services.gretel.evaluation.measure import Score
from services.gretel.evaluation.neighbours import MAX_ROWS, Space, nearest
from services.gretel.table import Kind

RUNS = 10
THRESHOLDS = (0.4, 0.3, 0.2, 0.1)
PROPORTIONS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
MIN_HOLDOUT = 20
TARGETS = 200
KNOWN_COLUMNS = 3
NEIGHBOURS = 5
TOLERANCE = 0.01
WORST_ACCURACY = 0.7


def membership_score(inputs: Inputs) -> Score:
    """Grade 36 threshold attacks in each of ten runs from 1 (found out) to 3 (guessing); the mean scales to 0..10."""
    features = [feature for feature in inputs.features if feature.varies]
    if not features or min(inputs.rows.values()) < MIN_HOLDOUT:
        return Score.of(None, None, privacy=True)
    rows = {part: inputs.sample(part, MAX_ROWS, "gretel membership") for part in inputs.rows}
    space = Space(inputs, features)
    points = {part: space.points(part, rows[part]) for part in rows}
    distances = {part: nearest(points[part], points["synthetic"], 1)[0][:, 0] for part in ("train", "holdout")}
    size = min(len(distances["train"]), len(distances["holdout"]))
    rng = inputs.rng("gretel membership runs")
    grades = []
    for _ in range(RUNS):
        both = np.concatenate([rng.choice(distances["train"], size, replace=False), distances["holdout"]])
        member = np.arange(len(both)) < size
        order = rng.permutation(len(both))
        both, member = both[order] / (both.max() or 1.0), member[order]
        for threshold in THRESHOLDS:
            for proportion in PROPORTIONS:
                count = int(len(both) * proportion)
                grades.append(_grade(member[:count], both[:count] < threshold))
    mean = float(np.mean(grades))
    return Score.of(mean, (mean - 1) / 2 * 10, privacy=True)


def attribute_score(inputs: Inputs) -> Score:
    """Predict all columns of training rows from three known ones by the five nearest synthetic rows.

    The accuracy per column, weighted by entropy and capped at 0.7, scales to 0..10; the score is their mean.
    """
    features = [feature for feature in inputs.features if feature.varies]
    known = min(KNOWN_COLUMNS, len(features) - 1)
    weights = _entropy_weights(features)
    if known < 1 or not any(weights):
        return Score.of(None, None, privacy=True)
    rng = inputs.rng("gretel attribute")
    synthetic = inputs.sample("synthetic", MAX_ROWS, "gretel attribute")
    targets = rng.integers(0, inputs.rows["train"], max(TARGETS, inputs.rows["train"] // 100))
    right, asked = np.zeros(len(features)), np.zeros(len(features))
    # One choice of known columns serves several targets: a search per target would cost far more and say the same.
    for chunk in np.array_split(targets, 40):
        chosen = rng.choice(len(features), known, replace=False)
        space = Space(inputs, [features[position] for position in chosen])
        _, found = nearest(space.points("train", chunk), space.points("synthetic", synthetic), NEIGHBOURS)
        for position, feature in enumerate(features):
            if position not in chosen:
                verdict = _predicted(feature, chunk, synthetic[found])
                right[position] += (verdict == 1).sum()
                asked[position] += (verdict >= 0).sum()
    accuracy = np.divide(right, asked, out=np.zeros(len(features)), where=asked > 0)
    capped = np.minimum(accuracy * weights * len(features), WORST_ACCURACY)
    score = float(((WORST_ACCURACY - capped) / WORST_ACCURACY * 10).mean())
    return Score.of(float(capped.mean()), score, privacy=True)


def privacy_score(membership: Score, attribute: Score) -> Score:
    """Mean of the two; unavailable unless both are there."""
    if membership.score is None or attribute.score is None:
        return Score.of(None, None, privacy=True)
    mean = (membership.score + attribute.score) / 2
    return Score.of(mean, mean, privacy=True)


def _grade(member: np.ndarray, taken: np.ndarray) -> float:
    precision = round(float(member[taken].mean()), 1) if taken.any() else 0.0
    accuracy = round(float((member == taken).mean()), 1)
    if precision <= 0.5 and accuracy <= 0.5:
        return 3.0
    if min(precision, accuracy) <= 0.5 and max(precision, accuracy) <= 0.8:
        return 2.5
    if precision <= 0.8 and accuracy <= 0.8:
        return 2.0
    return 1.5 if precision <= 0.8 or accuracy <= 0.8 else 1.0


def _predicted(feature: Feature, targets: np.ndarray, neighbours: np.ndarray) -> np.ndarray:
    """Compare predictions with the truth: 1 right, 0 wrong, -1 not asked because the truth is null."""
    truth, values = feature.train[targets], feature.synthetic[neighbours]
    if feature.ordered and feature.kind not in {Kind.DATE, Kind.DATETIME}:
        known = ~np.isnan(values)
        guess = np.where(known, values, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
        right = known.any(axis=1) & (np.abs(guess - truth) <= TOLERANCE * np.abs(truth))
        return np.where(np.isnan(truth), -1, right)
    guess = np.array([_mode(row) for row in values])
    return np.where(feature.missing("train")[targets], -1, guess == truth)


def _mode(values: np.ndarray) -> float:
    known, counts = np.unique(values, return_counts=True)
    return float(known[counts.argmax()])


def _entropy_weights(features: list[Feature]) -> np.ndarray:
    entropies = []
    for feature in features:
        counts = np.unique(feature.train[~feature.missing("train")], return_counts=True)[1]
        shares = counts / max(1, counts.sum())
        entropies.append(float(-(shares * np.log(shares)).sum()))
    spread = np.asarray(entropies) - min(entropies, default=0.0)
    return spread / spread.sum() if spread.sum() > 0 else np.zeros(len(features))
