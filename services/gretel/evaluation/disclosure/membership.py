"""Membership inference: can an attacker tell who was in the training data."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier

from services.gretel.evaluation.auc import auc_interval, roc_curve
from services.gretel.evaluation.inputs import Feature, Inputs
from services.gretel.evaluation.measure import Measure, not_measurable
from services.gretel.evaluation.neighbours import MAX_ROWS, Space, best_agreement, nearest
from services.gretel.evaluation.trees import matrix, nominal_mask, one_thread

FOLDS = 4
NEIGHBOURS = 5
MIN_HOLDOUT = 40  # ten people in each fold
ROC_POINTS = 50
TREES = 120
NO_DISTANCE = 1e-3  # keeps ratios of distances finite
ATTACKS = {
    "nearest": "closeness to the nearest synthetic row",
    "five_nearest": "mean closeness to the five nearest synthetic rows",
    "nearest_ratio": "closeness to the nearest synthetic row, relative to the nearest other person",
    "five_nearest_ratio": "closeness to five synthetic rows, relative to five other people (a density ratio)",
    "agreement": "values shared with one synthetic row, rare ones counting more (record linkage)",
    "forest": "random forest told synthetic rows from other people",
    "boosting": "gradient boosting told synthetic rows from other people",
}


@dataclass(frozen=True)
class MembershipAttacks:
    """Scores of all attacks, higher where a target is taken for a member; per attack members' and others'."""

    members: dict[str, np.ndarray]
    others: dict[str, np.ndarray]


@one_thread
def attack_membership(inputs: Inputs) -> MembershipAttacks | str:
    """Run all attacks on training rows (members) and holdout rows (others).

    The attacker holds the synthetic rows and three quarters of the holdout as people known not to be members, and is
    asked about the other quarter and as large a share of the training rows; each quarter takes its turn. Scores become
    ranks within their quarter, as each has a model of its own.

    :returns: the scores, or why there are none.
    """
    features = [feature for feature in inputs.features if feature.varies]
    if not features:
        return "membership attacks need a column that varies and can be compared by value"
    if inputs.rows["holdout"] < MIN_HOLDOUT or inputs.rows["train"] < MIN_HOLDOUT:
        return (
            f"membership attacks need at least {MIN_HOLDOUT} training and {MIN_HOLDOUT} holdout rows, found "
            f"{inputs.rows['train']} and {inputs.rows['holdout']}"
        )
    rows = {part: inputs.sample(part, MAX_ROWS, "membership") for part in ("train", "holdout", "synthetic")}
    folds = {part: inputs.rng(f"folds {part}").permutation(len(rows[part])) % FOLDS for part in ("train", "holdout")}
    space = Space(inputs, features)
    points = {part: space.points(part, rows[part]) for part in rows}
    cells = {part: matrix(features, part, rows[part]) for part in rows}
    agreement = _by_agreement(features, rows)
    collected: dict[str, tuple[list[np.ndarray], list[np.ndarray]]] = {name: ([], []) for name in ATTACKS}
    for fold in range(FOLDS):
        members, others = folds["train"] == fold, folds["holdout"] == fold
        targets = np.concatenate([points["train"][members], points["holdout"][others]])
        scores = {"agreement": np.concatenate([agreement["train"][members], agreement["holdout"][others]])}
        scores |= _by_distance(targets, points["synthetic"], points["holdout"][~others])
        scores |= _by_classifier(
            np.concatenate([cells["train"][members], cells["holdout"][others]]),
            cells["synthetic"],
            cells["holdout"][~others],
            features,
            inputs.seed + fold,
        )
        for name, values in scores.items():
            ranks = rankdata(values) / len(values)
            collected[name][0].append(ranks[: members.sum()])
            collected[name][1].append(ranks[members.sum() :])
    return MembershipAttacks(
        members={name: np.concatenate(members) for name, (members, _) in collected.items()},
        others={name: np.concatenate(others) for name, (_, others) in collected.items()},
    )


def membership_auc(attacks: MembershipAttacks | str) -> Measure:
    """Take the strongest attack's AUC with its interval; 0.5 is what guessing gives."""
    if isinstance(attacks, str):
        return not_measurable(attacks)
    found = {name: auc_interval(attacks.members[name], attacks.others[name]) for name in ATTACKS}
    strongest = max(found, key=lambda name: found[name][0])
    auc, low, high = found[strongest]
    return Measure(
        auc,
        low,
        high,
        reference=0.5,
        detail={
            "strongest": strongest,
            "members": len(attacks.members[strongest]),
            "others": len(attacks.others[strongest]),
            "attacks": {
                name: {
                    "meaning": ATTACKS[name],
                    "auc": auc,
                    "interval": [low, high],
                    "roc": roc_curve(attacks.members[name], attacks.others[name], ROC_POINTS),
                }
                for name, (auc, low, high) in found.items()
            },
        },
    )


def _by_distance(targets: np.ndarray, synthetic: np.ndarray, known: np.ndarray) -> dict[str, np.ndarray]:
    to_synthetic, _ = nearest(targets, synthetic, NEIGHBOURS)
    to_people, _ = nearest(targets, known, NEIGHBOURS)
    return {
        "nearest": -to_synthetic[:, 0],
        "five_nearest": -to_synthetic.mean(axis=1),
        "nearest_ratio": np.log((to_people[:, 0] + NO_DISTANCE) / (to_synthetic[:, 0] + NO_DISTANCE)),
        "five_nearest_ratio": np.log(
            (to_people.mean(axis=1) + NO_DISTANCE) / (to_synthetic.mean(axis=1) + NO_DISTANCE)
        ),
    }


def _by_agreement(features: list[Feature], rows: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Weigh a shared value by its surprise, the logarithm of its frequency among the synthetic rows."""
    codes: dict[str, list[np.ndarray]] = {part: [] for part in rows}
    weights: dict[str, list[np.ndarray]] = {part: [] for part in rows}
    for feature in features:
        parts = [feature.part(part)[chosen] for part, chosen in rows.items()]
        _, numbered = np.unique(np.concatenate(parts), return_inverse=True)
        split = dict(zip(rows, np.split(numbered, np.cumsum([len(part) for part in parts])[:-1]), strict=True))
        counts = np.bincount(split["synthetic"], minlength=numbered.max() + 1)
        surprise = np.log(len(split["synthetic"]) / np.maximum(1, counts))
        for part, values in split.items():
            codes[part].append(values)
            weights[part].append(surprise[values])
    synthetic = np.column_stack(codes["synthetic"])
    return {
        part: best_agreement(np.column_stack(codes[part]), synthetic, np.column_stack(weights[part]))
        for part in ("train", "holdout")
    }


def _by_classifier(
    targets: np.ndarray, synthetic: np.ndarray, known: np.ndarray, features: list[Feature], seed: int
) -> dict[str, np.ndarray]:
    rows = np.concatenate([synthetic, known])
    labels = np.repeat([1, 0], [len(synthetic), len(known)])
    models = {
        "forest": RandomForestClassifier(
            TREES, min_samples_leaf=2, class_weight="balanced_subsample", n_jobs=2, random_state=seed
        ),
        "boosting": HistGradientBoostingClassifier(
            max_iter=60,
            max_leaf_nodes=16,
            early_stopping=False,
            categorical_features=nominal_mask(features),
            random_state=seed,
        ),
    }
    return {name: model.fit(rows, labels).predict_proba(targets)[:, 1] for name, model in models.items()}
