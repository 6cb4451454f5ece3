"""Singling out: do conditions read off the synthetic data hold for exactly one training record."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from services.gretel.evaluation.disclosure.risk import residual_risk, riskiest
from services.gretel.evaluation.inputs import Feature, Inputs
from services.gretel.evaluation.measure import Measure, not_measurable
from services.gretel.evaluation.neighbours import MAX_ROWS

MIN_HOLDOUT = 20
QUERIES = 500
ATTEMPTS = 20_000
COLUMNS = 4
MIN_QUERIES = 20


@dataclass(frozen=True)
class Condition:
    """One column's part of a query: equal to a value, at most it, or at least it; NaN stands for null."""

    feature: Feature
    comparison: str
    value: float

    def holds(self, part: str, rows: np.ndarray) -> np.ndarray:
        """Tell for which rows of a part it is true."""
        values = self.feature.part(part)[rows]
        if np.isnan(self.value):
            return np.isnan(values)
        if self.comparison == "==":
            return values == self.value
        return values <= self.value if self.comparison == "<=" else values >= self.value


def singling_out(inputs: Inputs) -> Measure:
    """Risk that a query which is true of one synthetic row is true of exactly one training row.

    Queries of one column (rare values and extremes) and of four columns; the riskier kind counts. The control is how
    often they single out in as many rows the model never saw, extrapolated from the holdout. Source: Giomi et al.,
    arXiv 2211.10459, after Cohen & Nissim, arXiv 1904.06009.
    """
    features = [feature for feature in inputs.features if feature.varies]
    if not features:
        return not_measurable("needs a column that varies and can be compared by value")
    if inputs.rows["holdout"] < MIN_HOLDOUT:
        return not_measurable(f"needs at least {MIN_HOLDOUT} holdout rows as control, found {inputs.rows['holdout']}")
    rows = {part: inputs.sample(part, MAX_ROWS, "singling out") for part in inputs.rows}
    rng = inputs.rng("singling out")
    kinds = {"one column": _univariate(features, rows["synthetic"], rng)}
    if len(features) >= COLUMNS:
        kinds["four columns"] = _multivariate(features, rows["synthetic"], rng)
    risks = [_risk(queries, rows, kind) for kind, queries in kinds.items() if len(queries) >= MIN_QUERIES]
    if not risks:
        # Nothing in the synthetic data stands out, so there is nothing to attack with.
        found = {kind: len(queries) for kind, queries in kinds.items()}
        return Measure(0.0, 0.0, 0.0, reference=0.0, detail={"queries_found": found})
    return riskiest(risks)


def _risk(queries: list[list[Condition]], rows: dict[str, np.ndarray], kind: str) -> Measure:
    hits = sum(_count(query, "train", rows["train"]) == 1 for query in queries)
    counts = np.array([_count(query, "holdout", rows["holdout"]) for query in queries])
    rate = extrapolate_unique(counts, len(rows["train"]) / len(rows["holdout"]))
    # An extrapolated rate is no surer than the queries it was seen on: as many trials as give that rate from them.
    seen = int((counts == 1).sum())
    control = (seen, seen / rate) if seen and rate else (0.0, len(queries))
    return residual_risk((hits, len(queries)), control, query=kind, queries=len(queries))


def extrapolate_unique(counts: np.ndarray, factor: float) -> float:
    """Estimate how often queries would match exactly one row in a table `factor` times larger.

    A query's number of matches is taken as Poisson with a Gamma-distributed mean; both parameters are fitted by maximum
    likelihood to how many queries match none, one, and more rows of the smaller table.

    :param counts: matches of each query in the smaller table, shape (queries,).
    :returns: a share, 0 to 1.
    """
    seen = np.array([(counts == 0).sum(), (counts == 1).sum(), (counts > 1).sum()])
    if seen[0] == len(counts):
        return 0.0

    def cells(parameters: np.ndarray, scale: float) -> np.ndarray:
        mean, shape = np.exp(np.clip(parameters, -12, 12))
        mean *= scale
        none = (shape / (shape + mean)) ** shape
        one = none * shape * mean / (shape + mean)
        return np.clip([none, one, 1 - none - one], 1e-12, 1.0)

    fitted = minimize(lambda p: -(seen * np.log(cells(p, 1.0))).sum(), x0=[0.0, 0.0], method="Nelder-Mead").x
    return float(cells(fitted, factor)[1])


def _count(query: list[Condition], part: str, rows: np.ndarray) -> int:
    matching = query[0].holds(part, rows)
    for condition in query[1:]:
        matching &= condition.holds(part, rows)
    return int(matching.sum())


def _univariate(features: list[Feature], rows: np.ndarray, rng: np.random.Generator) -> list[list[Condition]]:
    found = []
    for feature in features:
        values, counts = np.unique(feature.synthetic[rows], return_counts=True)
        found += [[Condition(feature, "==", float(value))] for value in values[counts == 1]]
        known = values[~np.isnan(values)]
        if feature.ordered and len(known):
            ends = [Condition(feature, "<=", float(known[0])), Condition(feature, ">=", float(known[-1]))]
            found += [[end] for end in ends if _count([end], "synthetic", rows) == 1]
    return [found[position] for position in rng.permutation(len(found))[:QUERIES]]


def _multivariate(features: list[Feature], rows: np.ndarray, rng: np.random.Generator) -> list[list[Condition]]:
    medians = {f.name: np.nanmedian(f.synthetic[rows]) for f in features if f.ordered and not _all_null(f, rows)}
    found: dict[tuple[tuple[str, str, float], ...], list[Condition]] = {}
    for _ in range(ATTEMPTS):
        row = rows[rng.integers(len(rows))]
        query = [
            _condition(features[position], float(features[position].synthetic[row]), medians)
            for position in sorted(rng.choice(len(features), COLUMNS, replace=False))
        ]
        if _count(query, "synthetic", rows) == 1:
            found[tuple((part.feature.name, part.comparison, part.value) for part in query)] = query
        if len(found) == QUERIES:
            break
    return list(found.values())


def _condition(feature: Feature, value: float, medians: dict[str, float]) -> Condition:
    if not feature.ordered or np.isnan(value):
        return Condition(feature, "==", value)
    return Condition(feature, ">=" if value > medians[feature.name] else "<=", value)


def _all_null(feature: Feature, rows: np.ndarray) -> bool:
    return bool(np.isnan(feature.synthetic[rows]).all())
