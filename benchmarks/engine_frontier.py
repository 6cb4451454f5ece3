"""Privacy against fidelity: the CART engine's parameters, and CART with donors as synthpop draws them, in one picture.

Run: .venv/bin/uv run --no-project --active --with matplotlib python -m benchmarks.engine_frontier

Writes docs/images/privacy_frontier.csv (one line per engine, the mean of the seeds) and draws it beside as .png.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from benchmarks.engine import LABEL, NEGATIVE, NUMBER
from benchmarks.engine_data import session_rollups, to_table
from benchmarks.engine_metrics import (
    auc_upper,
    dcr_share,
    discriminator_auc,
    encode,
    gower_space,
    membership_attacks,
    utility,
)
from services.gretel.engine import create_engine

PICTURE = Path(__file__).parents[1] / "docs" / "images" / "privacy_frontier.png"
DEFAULT = "cart, default"
FEW_TREES = {"trees": 5, "subsample": 0.7}
CONFIGURATIONS = {
    "cart, 5 trees, significance 0.0001": {**FEW_TREES, "significance": 0.0001},
    "cart, 5 trees": FEW_TREES,
    "cart, 5 trees, significance 0.01": {**FEW_TREES, "significance": 0.01},
    "cart, 5 trees, significance 0.1": {**FEW_TREES, "significance": 0.1},
    "cart, 5 trees, significance 1": {**FEW_TREES, "significance": 1.0},
    "cart, 5 trees, min_leaf 5": {**FEW_TREES, "min_leaf": 5},
    "cart, 5 trees, min_leaf 30": {**FEW_TREES, "min_leaf": 30},
    "cart, 5 trees, min_leaf 100": {**FEW_TREES, "min_leaf": 100},
    "cart, one tree of all rows": {"trees": 1, "subsample": 1.0},
    DEFAULT: {},
}
DONOR_LEAVES = (5, 20, 50)


def releases(members: pd.DataFrame, seed: int) -> Iterator[tuple[str, pd.DataFrame]]:
    """As many synthetic rows as members, by each engine."""
    table = to_table(members)
    for name, params in CONFIGURATIONS.items():
        model = create_engine("cart", params, seed=seed).fit(table, lambda _message, _context: None)
        yield name, model.sample(len(members), seed=seed + 1).frame
    for leaf in DONOR_LEAVES:
        yield f"donors, leaf {leaf}", donors(members, leaf, np.random.default_rng(seed))


def donors(members: pd.DataFrame, leaf: int, rng: np.random.Generator) -> pd.DataFrame:
    """Sequential CART as synthpop does it: a value is that of a random training row of the same leaf."""
    coded = np.nan_to_num(encode(members)[0], nan=-1.0)
    features = np.zeros((len(members), 0))
    columns = {}
    for position, name in enumerate(members):
        chosen = rng.integers(len(members), size=len(members))
        if position:
            kind = DecisionTreeRegressor if pd.api.types.is_numeric_dtype(members[name]) else DecisionTreeClassifier
            tree = kind(min_samples_leaf=leaf, random_state=position).fit(coded[:, :position], coded[:, position])
            home = pd.Series(np.arange(len(members))).groupby(tree.apply(coded[:, :position])).indices
            for node, rows in pd.Series(np.arange(len(members))).groupby(tree.apply(features)).indices.items():
                chosen[rows] = rng.choice(home[node], size=len(rows))
        columns[name] = members[name].iloc[chosen].reset_index(drop=True)
        features = np.column_stack([features, coded[chosen, position]])
    return pd.DataFrame(columns)


def measure(rows: int, seed: int) -> Iterator[dict[str, object]]:
    """Fidelity and disclosure of every engine, and of real rows nobody saw."""
    everybody = to_table(session_rollups(3 * rows, seed=seed)).frame
    members, holdout, population = (
        everybody.iloc[part].reset_index(drop=True) for part in np.split(np.arange(3 * rows), 3)
    )
    for name, frame in [("real rows that nobody saw", population), *releases(members, seed)]:
        auc, r2 = utility(frame, holdout, label=LABEL, negative=NEGATIVE, number=NUMBER, seed=1)
        member_space, holdout_space, frame_space = gower_space(members, holdout, frame)
        attack = 0.5  # nothing was learned from people nobody saw
        if frame is not population:
            attack = max(membership_attacks(members, holdout, population, frame, seed=1).values())
        yield {
            "engine": name,
            "auc": auc,
            "r2": r2,
            "discriminator_auc": discriminator_auc(holdout, frame, seed=1),
            "nearer_to_training": dcr_share(frame_space[:5000], member_space, holdout_space),
            "membership_auc": attack,
            "membership_upper": auc_upper(attack, rows, rows),
        }
        print(f"seed {seed}: {name}", flush=True)


def draw(points: pd.DataFrame, rows: int, seeds: int) -> None:
    """Upper bound of the strongest attack against the discriminator's AUC: the nearer to the lower left, the better."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 6), layout="constrained")
    axes = figure.subplots()
    for prefix, color in (("cart", "tab:blue"), ("donors", "tab:red"), ("real", "tab:green")):
        of = points[points.index.str.startswith(prefix)]
        axes.scatter(of["discriminator_auc"], of["membership_upper"], color=color, s=30)
    for number, (name, point) in enumerate(points.iterrows(), start=1):
        axes.annotate(
            str(number),
            (point["discriminator_auc"], point["membership_upper"]),
            xytext=(4, 4),
            textcoords="offset points",
            weight="bold" if name == DEFAULT else "normal",
        )
        axes.scatter([], [], marker=f"${number}$", color="black", label=name)
    axes.axhline(0.55, color="gray", linestyle="--", linewidth=1, label="0.55: what is aimed at")
    axes.axhline(0.60, color="black", linestyle="--", linewidth=1, label="0.60: what the gate refuses")
    axes.set_xlabel("discriminator AUC (0.5: nobody tells synthetic from real)")
    axes.set_ylabel("strongest membership attack: upper bound of AUC (0.5: nothing is disclosed)")
    axes.set_title(f"{rows:,} rows of the demo's features, mean of {seeds} seeds")
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    figure.savefig(PICTURE, dpi=110)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    found = pd.DataFrame([line for seed in range(1, options.seeds + 1) for line in measure(options.rows, seed)])
    means = found.groupby("engine", sort=False).mean().round(4)
    means.to_csv(PICTURE.with_suffix(".csv"))
    print(means.to_string())
    draw(means, options.rows, options.seeds)
