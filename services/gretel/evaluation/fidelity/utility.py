"""Usefulness: models trained on synthetic rows, tested on real ones, against models trained on real rows."""

from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import r2_score, roc_auc_score

from services.gretel.evaluation.inputs import Feature, Inputs
from services.gretel.evaluation.measure import Measure, not_measurable
from services.gretel.evaluation.trees import matrix, nominal_mask, one_thread

MAX_ROWS = 10_000
MIN_ROWS = 100
MIN_OF_CLASS = 20
MAX_CLASSES = 8
FEW_VALUES = 2  # a number of two values is a class
CHOSEN_TARGETS = 4
WORTHWHILE_AUC = 0.6
WORTHWHILE_R2 = 0.05


@dataclass(frozen=True)
class Task:
    """Predicting one column from all others, scored by AUC (classes) or R² (numbers) on the holdout."""

    target: Feature
    metric: str
    real: float
    synthetic: float | None = None

    @property
    def worthwhile(self) -> bool:
        """Whether real data allow a prediction at all."""
        return self.real >= (WORTHWHILE_AUC if self.metric == "auc" else WORTHWHILE_R2)

    @property
    def gap(self) -> float:
        return self.real - (self.synthetic or 0.0)


@one_thread
def utility(inputs: Inputs) -> tuple[Measure, Measure]:
    """Largest loss of AUC over the class targets, and of R² over the number targets.

    Targets are those given, else the up to four of either kind that real data predict best. Training takes equally many
    rows of either table; the test rows are the holdout's. Negative is a synthetic table that trains better.

    :returns: the AUC's and the R²'s measure.
    """
    size = min(inputs.rows["train"], inputs.rows["synthetic"], MAX_ROWS)
    if size < MIN_ROWS or inputs.rows["holdout"] < MIN_ROWS:
        reason = (
            f"comparing trained models needs at least {MIN_ROWS} rows in each table, found {inputs.rows['train']} "
            f"training, {inputs.rows['holdout']} holdout and {inputs.rows['synthetic']} synthetic"
        )
        return not_measurable(reason), not_measurable(reason)
    rows = {
        "train": inputs.sample("train", size, "utility"),
        "synthetic": inputs.sample("synthetic", size, "utility"),
        "holdout": inputs.sample("holdout", MAX_ROWS, "utility"),
    }
    features = [feature for feature in inputs.features if feature.varies]
    candidates = [feature for feature in features if not inputs.targets or feature.name in inputs.targets]
    tried = [task for task in (_baseline(target, features, rows, inputs.seed) for target in candidates) if task]
    kept = tried if inputs.targets else [task for task in tried if task.worthwhile]
    return tuple(_largest_gap(metric, kept, features, rows, inputs) for metric in ("auc", "r2"))  # type: ignore[return-value]


def _largest_gap(
    metric: str, tried: list[Task], features: list[Feature], rows: dict[str, np.ndarray], inputs: Inputs
) -> Measure:
    tasks = sorted((task for task in tried if task.metric == metric), key=lambda task: -task.real)
    tasks = tasks if inputs.targets else tasks[:CHOSEN_TARGETS]
    if not tasks:
        kind = "class" if metric == "auc" else "number"
        return not_measurable(f"no {kind} column can be predicted from the others, even with real data")
    done = []
    for task in tasks:
        score = _score(task.target, features, "synthetic", rows, inputs.seed)
        done.append(Task(task.target, metric, task.real, score))
    return Measure(
        max(task.gap for task in done),
        reference=0.0,
        detail={"targets": {task.target.name: {"real": task.real, "synthetic": task.synthetic} for task in done}},
    )


def _baseline(target: Feature, features: list[Feature], rows: dict[str, np.ndarray], seed: int) -> Task | None:
    if not _testable(target, rows):
        return None
    return Task(target, "auc" if _is_class(target) else "r2", _score(target, features, "train", rows, seed))


def _testable(target: Feature, rows: dict[str, np.ndarray]) -> bool:
    counts = {}
    for part in ("train", "holdout"):
        known = _labels(target, part, rows[part])
        counts[part] = np.unique(known, return_counts=True)[1]
        if len(known) < MIN_ROWS:
            return False
    if not _is_class(target):
        return bool(min(len(count) for count in counts.values()) > FEW_VALUES)
    return all(2 <= len(count) <= MAX_CLASSES and count.min() >= MIN_OF_CLASS for count in counts.values()) and (
        len(counts["train"]) == len(counts["holdout"])
    )


def _score(target: Feature, features: list[Feature], part: str, rows: dict[str, np.ndarray], seed: int) -> float:
    inputs = [feature for feature in features if feature is not target]
    if not inputs:
        return 0.5 if _is_class(target) else 0.0
    x, y = _known(target, inputs, part, rows[part])
    test_x, test_y = _known(target, inputs, "holdout", rows["holdout"])
    settings = {
        "max_iter": 60,
        "max_leaf_nodes": 16,
        "early_stopping": False,
        "categorical_features": nominal_mask(inputs),
        "random_state": seed,
    }
    if not _is_class(target):
        # Heavy tails would let a handful of rows decide: both sides are judged on ranks of training's values.
        known = np.sort(_labels(target, "train", rows["train"]))
        y, test_y = (np.searchsorted(known, values, "right") / len(known) for values in (y, test_y))
        if len(y) < 2:
            return 0.0
        return float(r2_score(test_y, HistGradientBoostingRegressor(**settings).fit(x, y).predict(test_x)))
    classes = np.unique(test_y)
    keep = np.isin(y, classes)
    x, y = x[keep], y[keep]
    if len(np.unique(y)) < 2:
        return 0.5
    model = HistGradientBoostingClassifier(**settings).fit(x, y)
    found = model.predict_proba(test_x)
    chances = np.zeros((len(test_y), len(classes)))
    chances[:, np.searchsorted(classes, model.classes_)] = found
    if len(classes) == 2:
        return float(roc_auc_score(test_y, chances[:, 1]))
    return float(roc_auc_score(test_y, chances, multi_class="ovr", average="macro", labels=classes))


def _known(target: Feature, inputs: list[Feature], part: str, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    chosen = rows[~target.missing(part)[rows]]
    return matrix(inputs, part, chosen), target.part(part)[chosen]


def _labels(target: Feature, part: str, rows: np.ndarray) -> np.ndarray:
    return target.part(part)[rows[~target.missing(part)[rows]]]


def _is_class(target: Feature) -> bool:
    return not target.ordered or len(np.unique(target.train[~target.missing("train")])) <= FEW_VALUES
