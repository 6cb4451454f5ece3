"""Distributions in the leaves: as their parent's, but for what their own rows clearly say.

A child's distribution is its parent's, multiplied by a step function over the tokens. Steps are placed where they raise
the likelihood most, and only while each raises it by enough to be no accident (binary segmentation: Scott and Knott, A
Cluster Analysis Method for Grouping Means in the Analysis of Variance, Biometrics 30(3), 1974). Tokens of numbers are
in the order of their values, labels in that of their ratio to the parent.
"""

import numpy as np
from scipy.special import xlogy

# By how much, in nats, a step must raise the likelihood.
STEP_NATS = 4.0
NULL = 0


def tilt(parent: np.ndarray, counts: np.ndarray, *, nominal: bool) -> np.ndarray:
    """Distribution of a node's tokens.

    :param parent: probabilities of its parent, or what the root starts from; positive where there are counts.
    :param counts: rows of the node with each token.
    :param nominal: tokens are labels; else token 0 is null, and the others are in the order of their values.
    :returns: probabilities, same length.
    """
    found = np.zeros(len(parent))
    if nominal:
        order = np.flatnonzero(parent)
        order = order[np.argsort(counts[order] / parent[order], kind="stable")]
    else:
        found[NULL] = counts[NULL]
        order = 1 + np.flatnonzero(parent[1:])
    found[order] = _steps(parent[order], counts[order])
    return found / counts.sum()


def _steps(expected: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Counts smoothed to a step function times what is expected; the sum stays."""
    below, mass = (np.concatenate([[0.0], np.cumsum(values)]) for values in (counts, expected))
    smooth = np.zeros(len(counts))
    open_parts = [(0, len(counts))]
    while open_parts:
        start, stop = open_parts.pop()
        rows, share = below[stop] - below[start], mass[stop] - mass[start]
        if rows == 0:
            continue
        left_rows, left_share = below[start + 1 : stop] - below[start], mass[start + 1 : stop] - mass[start]
        gain = (
            xlogy(left_rows, left_rows / left_share)
            + xlogy(rows - left_rows, (rows - left_rows) / (share - left_share))
            - xlogy(rows, rows / share)
        )
        best = int(np.argmax(gain)) if len(gain) else -1
        if best >= 0 and gain[best] > STEP_NATS:
            open_parts += [(start, start + 1 + best), (start + 1 + best, stop)]
        else:
            smooth[start:stop] = expected[start:stop] * rows / share
    return smooth
