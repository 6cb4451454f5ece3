"""Distances to training records, always against those of people the model never saw."""

import numpy as np

from services.gretel.evaluation.disclosure.risk import Z, residual_risk
from services.gretel.evaluation.inputs import Inputs
from services.gretel.evaluation.measure import Measure, not_measurable
from services.gretel.evaluation.neighbours import MAX_ROWS, Space, nearest, nearest_per_group

MIN_ROWS = 20
MIN_ISOLATED = 5
GROUPS = 10  # of the jackknife
NO_DISTANCE = 1e-6
LOW_QUANTILE = 0.05
ISOLATED = 0.05  # share of the training records that lie furthest from all others
FOUND = 0.2  # a record is found if a synthetic one lies within this part of the way to the next real one


class Closeness:
    """Nearest-neighbour distances between the tables, computed once."""

    def __init__(self, inputs: Inputs) -> None:
        self.reason = _why_not(inputs)
        if self.reason:
            return
        space = Space(inputs, [feature for feature in inputs.features if feature.varies])
        rows = {part: inputs.sample(part, MAX_ROWS, "closeness") for part in inputs.rows}
        points = {part: space.points(part, rows[part]) for part in rows}
        self._inputs = inputs
        self._points = points
        self.synthetic_to_train, _ = nearest(points["synthetic"], points["train"], 2)
        self.holdout_to_train, _ = nearest(points["holdout"], points["train"], 2)

    def dcr_share(self) -> Measure:
        """Share of synthetic rows nearer to training than to an equally large holdout; ties count half.

        Training is split into parts of the holdout's size, so that every training row counts; 0.5 is what data give
        that depend on neither. Its interval is a delete-a-group jackknife over real and synthetic rows.
        Source: the distance to closest record as in Platzer & Reutterer, Frontiers in Big Data 4, 2021.
        """
        if self.reason:
            return not_measurable(self.reason)
        train, holdout, synthetic = (self._points[part] for part in ("train", "holdout", "synthetic"))
        rng = self._inputs.rng("dcr share")
        size = min(len(train), len(holdout))
        parts = len(train) // size
        chosen = rng.permutation(len(train))[: parts * size]
        groups = np.tile(np.arange(size) % GROUPS, parts) + GROUPS * np.repeat(np.arange(parts), size)
        to_train = nearest_per_group(synthetic, train[chosen], groups).reshape(len(synthetic), parts, GROUPS)
        others = rng.permutation(len(holdout))[:size]
        to_holdout = nearest_per_group(synthetic, holdout[others], np.arange(size) % GROUPS)
        share = _nearer(to_train.min(axis=2), to_holdout.min(axis=1))
        slots = rng.permutation(len(synthetic)) % GROUPS
        left_out = np.array(
            [
                _nearer(
                    np.delete(to_train, group, axis=2).min(axis=2)[slots != group],
                    np.delete(to_holdout, group, axis=1).min(axis=1)[slots != group],
                )
                for group in range(GROUPS)
            ]
        )
        spread = Z * float(np.sqrt((GROUPS - 1) / GROUPS * ((left_out - left_out.mean()) ** 2).sum()))
        return Measure(
            share,
            max(0.0, share - spread),
            min(1.0, share + spread),
            reference=0.5,
            detail={"rows_compared": size, "parts_of_training": parts},
        )

    def dcr(self) -> Measure:
        """Median distance of synthetic rows to the closest training record; the reference is the holdout's."""
        if self.reason:
            return not_measurable(self.reason)
        synthetic, holdout = self.synthetic_to_train[:, 0], self.holdout_to_train[:, 0]
        return Measure(
            float(np.median(synthetic)),
            reference=float(np.median(holdout)),
            detail={
                "fifth_percentile": float(np.quantile(synthetic, LOW_QUANTILE)),
                "holdout_fifth_percentile": float(np.quantile(holdout, LOW_QUANTILE)),
            },
        )

    def nndr(self) -> Measure:
        """Fifth percentile of the ratio of the nearest to the second nearest training record's distance.

        A ratio near 0 is a row tied to one person; the reference is the holdout's.
        """
        if self.reason:
            return not_measurable(self.reason)
        synthetic, holdout = _ratios(self.synthetic_to_train), _ratios(self.holdout_to_train)
        return Measure(
            float(np.quantile(synthetic, LOW_QUANTILE)),
            reference=float(np.quantile(holdout, LOW_QUANTILE)),
            detail={"median": float(np.median(synthetic)), "holdout_median": float(np.median(holdout))},
        )

    def close_rows(self) -> Measure:
        """Share of synthetic rows closer to training than all but 5 % of the holdout's rows are.

        Honest data give 0.05. Unlike the share above it also shows a model that had seen the holdout too.
        """
        if self.reason:
            return not_measurable(self.reason)
        synthetic, holdout = self.synthetic_to_train[:, 0], self.holdout_to_train[:, 0]
        limit = np.quantile(holdout, LOW_QUANTILE)
        # On equal distances (often 0) as large a part counts as makes the holdout's own share exactly 5 %.
        below, at = (holdout < limit).mean(), (holdout == limit).mean()
        part = (LOW_QUANTILE - below) / at if at else 0.0
        share = float((synthetic < limit).mean() + part * (synthetic == limit).mean())
        spread = Z * float(np.sqrt(share * (1 - share) / len(synthetic) + LOW_QUANTILE * 0.95 / len(holdout)))
        return Measure(share, max(0.0, share - spread), min(1.0, share + spread), reference=LOW_QUANTILE)

    def isolated_records(self) -> Measure:
        """Risk that a record far from all others is found in the synthetic data.

        Averages hide the few people who are unlike anybody. Of the 5 % most isolated training records, those count as
        found that a synthetic row comes five times closer to than the nearest other training record; equally isolated
        holdout records are the control.
        """
        if self.reason:
            return not_measurable(self.reason)
        train, holdout, synthetic = (self._points[part] for part in ("train", "holdout", "synthetic"))
        own = nearest(train, train, 1, same=True)[0][:, 0]
        limit = np.quantile(own, 1 - ISOLATED)
        targets, controls = own >= max(limit, NO_DISTANCE), self.holdout_to_train[:, 0] >= max(limit, NO_DISTANCE)
        counts = {"isolated_records": int(targets.sum()), "isolated_controls": int(controls.sum())}
        if not targets.any():
            return Measure(0.0, reference=0.0, detail=counts)  # everybody has a twin: there is no one to find
        if min(counts.values()) < MIN_ISOLATED:
            return not_measurable(f"fewer than {MIN_ISOLATED} records lie apart, too few to compare", **counts)
        hits = nearest(train[targets], synthetic, 1)[0][:, 0] < FOUND * own[targets]
        control_hits = nearest(holdout[controls], synthetic, 1)[0][:, 0] < FOUND * self.holdout_to_train[controls, 0]
        return residual_risk(
            (int(hits.sum()), len(hits)),
            (int(control_hits.sum()), len(control_hits)),
            found=int(hits.sum()),
            **counts,
        )


def _why_not(inputs: Inputs) -> str:
    if not any(feature.varies for feature in inputs.features):
        return "distances need a column that varies and can be compared by value"
    if short := {part: rows for part, rows in inputs.rows.items() if rows < MIN_ROWS}:
        found = ", ".join(f"{rows} {part}" for part, rows in short.items())
        return f"distances need at least {MIN_ROWS} rows in each table, found {found}"
    return ""


def _nearer(to_train: np.ndarray, to_holdout: np.ndarray) -> float:
    """Compare (rows, parts) with (rows,)."""
    other = to_holdout[:, None]
    return float(((to_train < other) + 0.5 * (to_train == other)).mean())


def _ratios(distances: np.ndarray) -> np.ndarray:
    return (distances[:, 0] + NO_DISTANCE) / (distances[:, 1] + NO_DISTANCE)
