"""Speed, fidelity and disclosure of the CART engine, beside real rows (ceiling) and independent columns (floor).

Run: python -m benchmarks.engine [ROWS ...] [--seeds 1]
"""

import argparse
import time

import numpy as np
import pandas as pd

from benchmarks.engine_data import session_rollups, to_table
from benchmarks.engine_metrics import auc_upper, dcr_share, discriminator_auc, gower_space, membership_attacks, utility
from services.gretel.engine import create_engine

LABEL, NEGATIVE, NUMBER = "country_destination", "NDF", "number_of_actions_taken"
MIN_AVG_MAX = ("min_session_time_seconds", "avg_session_time_seconds", "max_session_time_seconds")


def main(rows: int, seed: int) -> None:
    """Print one table: a line per source of rows, trained on `rows` members."""
    everybody = to_table(session_rollups(3 * rows, seed=seed)).frame
    thirds = np.split(np.arange(3 * rows), 3)
    members, holdout, population = (everybody.iloc[part].reset_index(drop=True) for part in thirds)
    started = time.perf_counter()
    model = create_engine("cart", {}, seed=seed).fit(to_table(members), lambda _message, _context: None)
    fitted = time.perf_counter()
    synthetic = model.sample(rows, seed=seed + 1).frame
    sampled = time.perf_counter()
    print(f"\n{rows:,} rows x {len(members.columns)}, seed {seed}:", end=" ")
    print(f"fit {fitted - started:.1f} s, sample {sampled - fitted:.1f} s")
    print("source               AUC    R2     discriminator  nearer   membership (upper)  breaks min<=avg<=max")
    independent = {name: members[name].sample(frac=1, random_state=i).array for i, name in enumerate(members)}
    shuffled = pd.DataFrame(independent)
    for name, frame in (("real, unseen", population), ("cart", synthetic), ("independent columns", shuffled)):
        auc, r2 = utility(frame, holdout, label=LABEL, negative=NEGATIVE, number=NUMBER, seed=1)
        member_space, holdout_space, frame_space = gower_space(members, holdout, frame)
        share = dcr_share(frame_space[:5000], member_space, holdout_space)
        attack = 0.5  # nothing was learned from people nobody saw
        if frame is not population:
            attack = max(membership_attacks(members, holdout, population, frame, seed=1).values())
        upper = auc_upper(attack, rows, rows)
        print(
            f"{name:<20} {auc:.3f}  {r2:.3f}  {discriminator_auc(holdout, frame, seed=1):>13.3f}  {share:.3f}  "
            f"{attack:>9.3f} ({upper:.3f})  {broken(frame):>10.1%}"
        )


def broken(frame: pd.DataFrame) -> float:
    """Share of rows whose minimum, average and maximum are out of order."""
    lowest, average, highest = (frame[name].astype("float64") for name in MIN_AVG_MAX)
    return float(((lowest > average) | (average > highest)).mean())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=int, nargs="*", default=[5000])
    parser.add_argument("--seeds", type=int, default=1, help="how many times, each with data and trees of its own")
    options = parser.parse_args()
    for size in options.rows:
        for number in range(1, options.seeds + 1):
            main(size, number)
