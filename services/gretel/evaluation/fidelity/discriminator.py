"""Discriminator: can a classifier tell synthetic rows from real ones."""

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import StratifiedKFold

from services.gretel.evaluation.auc import auc_interval
from services.gretel.evaluation.inputs import Inputs
from services.gretel.evaluation.measure import Measure, not_measurable
from services.gretel.evaluation.neighbours import MAX_ROWS
from services.gretel.evaluation.trees import matrix, nominal_mask, one_thread

FOLDS = 5
MIN_ROWS = 50


@one_thread
def discriminator_auc(inputs: Inputs) -> Measure:
    """AUC of gradient boosting, cross-validated, that tells synthetic rows from holdout rows.

    0.5 is no better than guessing, 1.0 is told apart every time. The real side is the holdout: against training rows a
    model that copies would look better than real data.
    """
    features = [feature for feature in inputs.features if feature.varies]
    if not features:
        return not_measurable("needs a column that varies and can be compared by value")
    if min(inputs.rows["holdout"], inputs.rows["synthetic"]) < MIN_ROWS:
        return not_measurable(
            f"needs at least {MIN_ROWS} holdout and {MIN_ROWS} synthetic rows, found {inputs.rows['holdout']} and "
            f"{inputs.rows['synthetic']}"
        )
    parts = [
        matrix(features, part, inputs.sample(part, MAX_ROWS, "discriminator")) for part in ("holdout", "synthetic")
    ]
    rows, labels = np.concatenate(parts), np.repeat([0, 1], [len(part) for part in parts])
    scores = np.zeros(len(labels))
    for fit, test in StratifiedKFold(FOLDS, shuffle=True, random_state=inputs.seed).split(rows, labels):
        model = HistGradientBoostingClassifier(
            max_iter=80,
            max_leaf_nodes=16,
            early_stopping=False,
            categorical_features=nominal_mask(features),
            random_state=inputs.seed,
        ).fit(rows[fit], labels[fit])
        scores[test] = model.predict_proba(rows[test])[:, 1]
    auc, low, high = auc_interval(scores[labels == 1], scores[labels == 0])
    return Measure(
        auc, low, high, reference=0.5, detail={"holdout_rows": len(parts[0]), "synthetic_rows": len(parts[1])}
    )
