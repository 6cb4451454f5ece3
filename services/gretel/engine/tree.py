"""Classification and regression trees whose leaves are token distributions.

scikit-learn grows the tree; what is kept is its splits and, per node, how often each token occurs.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

LEAF = -1


@dataclass(frozen=True, slots=True)
class TokenTree:
    """A grown tree.

    :param feature: feature that each node splits on, -1 at leaves.
    :param threshold: rows with feature <= threshold go left.
    :param left: left child of each node.
    :param right: right child of each node.
    :param cumulative: nodes x tokens; cumulative token probabilities of each leaf, zero elsewhere.
    """

    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    cumulative: np.ndarray

    def apply(self, features: np.ndarray) -> np.ndarray:
        """Leaf of each row.

        :param features: float32, rows x features.
        """
        node = np.zeros(len(features), dtype=np.int64)
        rows = np.arange(len(features)) if self.feature[0] != LEAF else np.arange(0)
        while len(rows):
            at = node[rows]
            goes_left = features[rows, self.feature[at]] <= self.threshold[at]
            node[rows] = np.where(goes_left, self.left[at], self.right[at])
            rows = rows[self.feature[node[rows]] != LEAF]
        return node

    def draw(self, features: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw one token per row from its leaf."""
        leaf = self.apply(features)
        uniform = rng.random(len(features))
        tokens = np.empty(len(features), dtype=np.int64)
        for node in np.unique(leaf):
            rows = leaf == node
            tokens[rows] = np.searchsorted(self.cumulative[node], uniform[rows], side="right")
        return tokens


def grow(
    features: np.ndarray, target: np.ndarray, tokens: np.ndarray, *, size: int, nominal: bool, min_leaf: int, seed: int
) -> TokenTree:
    """Grow a tree that predicts tokens.

    :param features: float32, rows x features; may have no columns.
    :param target: what splits are judged by: tokens if nominal, else float rows x outputs.
    :param tokens: token of each row.
    :param size: number of tokens.
    :param min_leaf: rows that a leaf has at least.
    """
    if not features.shape[1]:
        features = np.zeros((len(features), 1), dtype=np.float32)
    kind = DecisionTreeClassifier if nominal else DecisionTreeRegressor
    grown = kind(min_samples_leaf=min_leaf, random_state=seed).fit(features, target)
    tree = grown.tree_
    leaf = tree.apply(features)
    counts = np.bincount(leaf * size + tokens, minlength=tree.node_count * size).reshape(-1, size)
    sums = np.cumsum(counts, axis=1)
    cumulative = sums / np.maximum(sums[:, -1:], 1)
    return TokenTree(
        feature=np.where(tree.children_left == LEAF, LEAF, tree.feature),
        threshold=tree.threshold,
        left=tree.children_left,
        right=tree.children_right,
        cumulative=cumulative,
    )
