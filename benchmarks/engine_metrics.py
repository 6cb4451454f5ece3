"""Fidelity and disclosure of synthetic rows, measured from outside the engine.

Rows are split into members (what the engine saw), holdout (as many it did not see) and population (as many again, in
the attacker's hands).
"""

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.neighbors import NearestNeighbors

JOBS = 2
# Synthetic rows whose neighbours are looked up, and rows attacked: enough for an interval of +-0.01 and no more.
DISTANCE_ROWS = 10_000


def encode(*frames: pd.DataFrame) -> list[np.ndarray]:
    """Numbers for trees: labels as codes over all frames, dates as days, NaN for null; float64."""
    together = pd.concat(frames, ignore_index=True)
    columns = [_numbers(together[name]) for name in together]
    return np.split(np.column_stack(columns), np.cumsum([len(frame) for frame in frames])[:-1])


def _numbers(series: pd.Series) -> np.ndarray:
    if pd.api.types.is_datetime64_any_dtype(series):
        days = (series - pd.Timestamp(0)) / pd.Timedelta(days=1)
        return days.to_numpy(dtype="float64", na_value=np.nan)
    if series.dtype == object:
        codes = pd.factorize(series, sort=True)[0].astype(float)
        return np.where(codes < 0, np.nan, codes)
    return series.to_numpy(dtype="float64", na_value=np.nan)


def discriminator_auc(real: pd.DataFrame, synthetic: pd.DataFrame, seed: int) -> float:
    """AUC of telling unseen real rows from synthetic ones, by boosting, cross-validated; 0.5 is best."""
    x = np.concatenate(encode(real, synthetic))
    y = np.repeat([0, 1], [len(real), len(synthetic)])
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    model = HistGradientBoostingClassifier(random_state=seed)
    scores = cross_val_predict(model, x, y, cv=folds, method="predict_proba")
    return float(roc_auc_score(y, scores[:, 1]))


def utility(
    train: pd.DataFrame, test: pd.DataFrame, *, label: str, negative: str, number: str, seed: int
) -> tuple[float, float]:
    """Train on one table, test on the other: AUC of `label != negative`, and R2 of log(1 + `number`)."""
    auc = _fit_predict(
        HistGradientBoostingClassifier(max_iter=60, learning_rate=0.08, random_state=seed),
        train.drop(columns=label),
        test.drop(columns=label),
        (train[label] != negative).astype(int).to_numpy(),
    )
    targets = [np.log1p(frame[number].astype("float64").to_numpy()) for frame in (train, test)]
    known = [~np.isnan(target) for target in targets]
    predicted = _fit_predict(
        HistGradientBoostingRegressor(max_iter=60, learning_rate=0.08, random_state=seed),
        train.drop(columns=number)[known[0]],
        test.drop(columns=number)[known[1]],
        targets[0][known[0]],
    )
    return float(roc_auc_score(test[label] != negative, auc)), float(r2_score(targets[1][known[1]], predicted))


def _fit_predict(
    model: HistGradientBoostingClassifier, train: pd.DataFrame, test: pd.DataFrame, target: np.ndarray
) -> np.ndarray:
    x, unseen = encode(train, test)
    model.fit(x, target)
    return model.predict_proba(unseen)[:, 1] if hasattr(model, "predict_proba") else model.predict(unseen)


def gower_space(*frames: pd.DataFrame) -> list[np.ndarray]:
    """Coordinates whose L1 distance is Gower's: numbers by rank, labels and nulls as one-hot halves; float32."""
    together = pd.concat(frames, ignore_index=True)
    parts: list[np.ndarray] = []
    for name in together:
        series = together[name]
        if series.dtype == object:
            parts.append(pd.get_dummies(series.fillna("")).to_numpy(dtype=np.float32) / 2)
        else:
            values = pd.Series(_numbers(series))
            parts.append(np.column_stack([values.rank(pct=True).fillna(0.5), values.isna() / 2]).astype(np.float32))
    return np.split(np.concatenate(parts, axis=1), np.cumsum([len(frame) for frame in frames])[:-1])


def nearest(rows: np.ndarray, among: np.ndarray, k: int = 1) -> np.ndarray:
    """Distances to the k nearest, rows x k."""
    search = NearestNeighbors(n_neighbors=k, metric="manhattan", algorithm="brute", n_jobs=JOBS).fit(among)
    return search.kneighbors(rows)[0]


def dcr_share(synthetic: np.ndarray, members: np.ndarray, holdout: np.ndarray) -> float:
    """Share of synthetic rows nearer to members than to the holdout, ties halved; 0.5 is ideal."""
    near, far = nearest(synthetic, members)[:, 0], nearest(synthetic, holdout)[:, 0]
    return float(np.mean(near < far) + np.mean(near == far) / 2)


def auc_upper(auc: float, positives: int, negatives: int) -> float:
    """Upper end of the two-sided 95 % interval (Hanley and McNeil, Radiology 143(1), 1982)."""
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    spread = auc * (1 - auc) + (positives - 1) * (q1 - auc**2) + (negatives - 1) * (q2 - auc**2)
    variance = spread / (positives * negatives)
    return float(auc + 1.96 * np.sqrt(variance))


def membership_attacks(
    members: pd.DataFrame, holdout: pd.DataFrame, population: pd.DataFrame, synthetic: pd.DataFrame, seed: int
) -> dict[str, float]:
    """AUC of telling members from the holdout, per attack.

    Classifiers learn synthetic against population rows and score members and holdout by how synthetic they look.
    Distance attacks score by nearness to the synthetic rows, alone or relative to the population.
    """
    m, h, p, s = encode(members, holdout, population, synthetic)
    truth = np.repeat([1, 0], [len(m), len(h)])
    targets = np.concatenate([m, h])
    x, y = np.nan_to_num(np.concatenate([s, p]), nan=-1), np.repeat([1, 0], [len(s), len(p)])
    classifiers = {
        "forest": RandomForestClassifier(200, min_samples_leaf=2, n_jobs=JOBS, random_state=seed),
        "boosting": HistGradientBoostingClassifier(max_iter=100, random_state=seed),
    }
    found = {
        name: roc_auc_score(truth, model.fit(x, y).predict_proba(np.nan_to_num(targets, nan=-1))[:, 1])
        for name, model in classifiers.items()
    }
    rows = min(len(m), DISTANCE_ROWS)
    space_m, space_h, space_p, space_s = gower_space(members[:rows], holdout[:rows], population, synthetic)
    truth = np.repeat([1, 0], rows)
    targets = np.concatenate([space_m, space_h])
    near, base = nearest(targets, space_s, 5), nearest(targets, space_p, 5)
    found["nearest"] = roc_auc_score(truth, -near[:, 0])
    found["nearest to population"] = roc_auc_score(truth, (base[:, 0] + 1e-3) / (near[:, 0] + 1e-3))
    found["5 nearest to population"] = roc_auc_score(truth, base.mean(axis=1) / (near.mean(axis=1) + 1e-6))
    return {name: float(auc) for name, auc in found.items()}
