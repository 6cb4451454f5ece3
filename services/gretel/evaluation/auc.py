"""Area under the ROC curve with its confidence interval."""

import numpy as np
from scipy.stats import rankdata

from services.gretel.evaluation.disclosure.risk import Z


def auc_interval(positive: np.ndarray, negative: np.ndarray) -> tuple[float, float, float]:
    """Compute the AUC and its 95 % interval (DeLong, Biometrics 44, 1988).

    :param positive: scores of the positives, shape (m,); m >= 2.
    :param negative: scores of the negatives, shape (n,); n >= 2.
    :returns: AUC, lower and upper bound.
    """
    m, n = len(positive), len(negative)
    ranks = rankdata(np.concatenate([positive, negative]))
    above_negatives = (ranks[:m] - rankdata(positive)) / n
    above_positives = 1 - (ranks[m:] - rankdata(negative)) / m
    auc = float(above_negatives.mean())
    # DeLong's variance vanishes when the scores separate entirely; half a pair in error keeps an honest width.
    variance = max(above_negatives.var(ddof=1) / m + above_positives.var(ddof=1) / n, 0.25 / (m * n))
    spread = Z * float(np.sqrt(variance))
    return auc, max(0.0, auc - spread), min(1.0, auc + spread)


def roc_curve(positive: np.ndarray, negative: np.ndarray, points: int) -> list[tuple[float, float]]:
    """Sample a ROC curve at evenly spaced false positive rates.

    :returns: (false positive rate, true positive rate) pairs, (0, 0) to (1, 1).
    """
    rates = np.linspace(0, 1, points + 1)
    thresholds = np.quantile(negative, 1 - rates, method="higher")
    found = np.array([(np.mean(positive > threshold) + np.mean(positive >= threshold)) / 2 for threshold in thresholds])
    found[0], found[-1] = 0.0, 1.0
    return [(float(x), float(y)) for x, y in zip(rates, np.maximum.accumulate(found), strict=True)]
