"""Trees whose leaves are distributions over tokens, averaged over a few of them.

scikit-learn grows each tree on a random part of the rows. Splits that the data does not clearly support are then cut
off: they would fit the training rows, not the population, and that is what membership attacks live on. For the same
reason a leaf's distribution differs from its parent's only where its rows clearly say so (leaves.py).
"""

from dataclasses import dataclass, fields

import numpy as np
from scipy.stats import chi2
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from services.gretel.engine.leaves import tilt

NONE = -1
WHOLE = 10**9


@dataclass(frozen=True, slots=True)
class Forest:
    """Grown trees, one after the other in each array.

    :param roots: root of each tree.
    :param feature: feature that each node splits on, -1 at leaves.
    :param threshold: rows with feature <= threshold go left.
    :param left: left child of each node; at leaves the row of the leaf in `weights`.
    :param right: right child of each node.
    :param weights: leaves x tokens, uint32; probability of each token in parts of `WHOLE`, about.
    """

    roots: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    weights: np.ndarray

    def draw(self, features: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw one token per row from its leaf in one tree: a draw from the average of all trees' distributions.

        :param features: float32, rows x features.
        """
        leaf = self.left[self.descend(features, self.roots[rng.integers(len(self.roots), size=len(features))])]
        cumulative = np.cumsum(self.weights, axis=1, dtype=np.int64)
        total = cumulative[leaf, -1]
        drawn = np.minimum((rng.random(len(features)) * total).astype(np.int64), total - 1)
        # All leaves' cumulative weights as one ascending sequence of whole numbers.
        stride = 2 * WHOLE
        flat = (cumulative + np.arange(len(cumulative))[:, None] * stride).ravel()
        return np.searchsorted(flat, leaf * stride + drawn, side="right") - leaf * cumulative.shape[1]

    def descend(self, features: np.ndarray, node: np.ndarray) -> np.ndarray:
        """Follow each row from a root to a leaf."""
        rows = np.flatnonzero(self.feature[node] != NONE)
        while len(rows):
            at = node[rows]
            goes_left = features[rows, self.feature[at]] <= self.threshold[at]
            node[rows] = np.where(goes_left, self.left[at], self.right[at])
            rows = rows[self.feature[node[rows]] != NONE]
        return node

    def to_arrays(self) -> dict[str, np.ndarray]:
        return {field.name: getattr(self, field.name) for field in fields(self)}


def grow_tree(
    features: np.ndarray,
    target: np.ndarray,
    *,
    nominal: bool,
    rows: np.ndarray,
    min_leaf: int,
    significance: float,
    seed: int,
) -> Forest:
    """Grow one tree and prune it; its leaves are still empty (`weights` has no tokens).

    :param features: float32, rows x features; may have no columns.
    :param target: what splits are judged by: tokens if nominal, else float rows x outputs.
    :param rows: positions of the rows to grow on.
    :param min_leaf: how many of these a leaf has at least.
    :param significance: error probability at which a split is kept; 1 keeps all.
    """
    if not features.shape[1]:
        features = np.zeros((len(features), 1), dtype=np.float32)
    kind = DecisionTreeClassifier if nominal else DecisionTreeRegressor
    tree = kind(min_samples_leaf=min_leaf, random_state=seed).fit(features[rows], target[rows]).tree_
    outputs = max(1, len(np.unique(target[rows])) - 1) if nominal else target.shape[1]
    kept = _significant(tree, outputs, significance)
    return _compact(tree, kept)


def fill(trees: list[Forest], features: np.ndarray, tokens: np.ndarray, prior: np.ndarray, *, nominal: bool) -> Forest:
    """Join trees and give their leaves the distributions of all rows.

    :param tokens: token of each row.
    :param prior: probability of each token that the root's distribution starts from.
    """
    size = len(prior)
    nodes = np.cumsum([0, *(len(tree.feature) for tree in trees)])
    parts = []
    leaves = 0
    for first, tree in zip(nodes, trees, strict=False):
        is_leaf = tree.feature == NONE
        at = tree.descend(features, np.zeros(len(features), dtype=np.int64))
        counts = np.bincount(at * size + tokens, minlength=len(is_leaf) * size).reshape(-1, size)
        for node in np.flatnonzero(~is_leaf)[::-1]:  # children come after their parents
            counts[node] = counts[tree.left[node]] + counts[tree.right[node]]
        chances = np.empty(counts.shape)
        chances[0] = tilt(prior, counts[0], nominal=nominal)
        for node in np.flatnonzero(~is_leaf):
            for child in (tree.left[node], tree.right[node]):
                chances[child] = tilt(chances[node], counts[child], nominal=nominal)
        left = np.where(is_leaf, leaves + np.cumsum(is_leaf) - 1, first + tree.left)
        weights = np.round(chances[is_leaf] * WHOLE).astype(np.uint32)
        parts.append((tree.feature, tree.threshold, left, first + tree.right, weights))
        leaves += len(weights)
    feature, threshold, left, right, weights = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Forest(nodes[:-1], feature, threshold, left, right, weights)


def _significant(tree: object, outputs: int, significance: float) -> np.ndarray:
    """Decide bottom-up which splits stay: those whose subtree explains more than chance, per split.

    Explained variance (Gini impurity for labels) over residual variance, times the outputs, is about chi-squared with
    as many degrees of freedom if nothing is to be explained (for labels: Light and Margolin, An Analysis of Variance
    for Categorical Data, JASA 66, 1971).

    :param tree: scikit-learn's `Tree`.
    :returns: whether each node keeps its split.
    """
    left, right = tree.children_left, tree.children_right  # type: ignore[attr-defined]
    rows = tree.n_node_samples.astype(float)  # type: ignore[attr-defined]
    alone = tree.impurity * rows  # type: ignore[attr-defined]
    needed = float(chi2.isf(significance, outputs)) / outputs
    residual, leaves = alone.tolist(), [1] * len(rows)
    kept = np.zeros(len(rows), dtype=bool)
    for node in range(len(rows) - 1, -1, -1):  # children come after their parents
        if left[node] == NONE:
            continue
        below = residual[left[node]] + residual[right[node]]
        count = leaves[left[node]] + leaves[right[node]]
        explained = (alone[node] - below) / (count - 1)
        if explained > needed * below / max(rows[node] - count, 1):
            kept[node] = True
            residual[node], leaves[node] = below, count
    return kept


def _compact(tree: object, kept: np.ndarray) -> Forest:
    """Leave out the nodes below splits that are not kept."""
    left, right = tree.children_left, tree.children_right  # type: ignore[attr-defined]
    reached = np.zeros(len(kept), dtype=bool)
    reached[0] = True
    for node in np.flatnonzero(kept):
        if reached[node]:
            reached[left[node]] = reached[right[node]] = True
    number = np.cumsum(reached) - 1
    split = kept[reached]
    return Forest(
        roots=np.zeros(1, dtype=np.int64),
        feature=np.where(split, tree.feature[reached], NONE),  # type: ignore[attr-defined]
        threshold=tree.threshold[reached],  # type: ignore[attr-defined]
        left=np.where(split, number[left[reached]], NONE),
        right=np.where(split, number[right[reached]], NONE),
        weights=np.zeros((0, 0), dtype=np.uint32),
    )
