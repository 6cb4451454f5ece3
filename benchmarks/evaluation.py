"""Time the evaluation and show what it finds for engines that are known to be good or bad.

    python -m benchmarks.evaluation [--rows 5000] [--leaf 5 20 50]

Prints, per release of the Airbnb features: seconds, the strongest membership attack's AUC with its upper bound, the
share nearer to training, the discriminator's AUC, and the checks that failed.
"""

import argparse
import time
from collections.abc import Iterator

import numpy as np

from benchmarks.engine_data import session_rollups, to_table
from services.gretel.engine import create_engine
from services.gretel.evaluation import evaluate
from services.gretel.table import Table

QUASI_IDENTIFIERS = ("gender", "age", "language", "country_destination")
SENSITIVE = ("total_bookings",)
REPLACED = 0.4


def main() -> None:
    """Evaluate each release and print a line on it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--rows", type=int, default=5_000, help="training and synthetic rows; the holdout has a quarter"
    )
    parser.add_argument("--leaf", type=int, nargs="*", default=[5, 20, 50], help="smallest leaves of the CART engine")
    options = parser.parse_args()
    rows, quarter = options.rows, options.rows // 4
    everybody = to_table(session_rollups(2 * rows + quarter, 1))
    train, holdout, fresh = (
        everybody.take(part) for part in np.split(np.arange(len(everybody)), [rows, rows + quarter])
    )
    print(f"{'release':24}{'s':>6}  {'membership':>16}{'nearer':>8}{'told apart':>12}  failed checks")
    for name, synthetic in _releases(train, fresh, options.leaf):
        start = time.perf_counter()
        report = evaluate(train, holdout, synthetic, quasi_identifiers=QUASI_IDENTIFIERS, sensitive=SENSITIVE, seed=1)
        seconds = time.perf_counter() - start
        attack, share, told = (
            report.measures[measure] for measure in ("membership_inference_auc", "dcr_share", "discriminator_auc")
        )
        failed = ", ".join(check.name for check in report.checks if not check.passed) or "none"
        print(
            f"{name:24}{seconds:6.1f}  {attack.value or 0:8.3f} ({attack.high or 0:.3f}){share.value or 0:8.3f}"
            f"{told.value or 0:12.3f}  {failed}",
            flush=True,
        )


def _releases(train: Table, fresh: Table, leaves: list[int]) -> Iterator[tuple[str, Table]]:
    yield "fresh people (honest)", fresh
    for leaf in leaves:
        model = create_engine("cart", {"min_leaf": leaf}, seed=1).fit(train, lambda _message, _context: None)
        yield f"CART, leaf {leaf}", model.sample(len(train), seed=2)
    yield "independent columns", _mixed(fresh, fresh, 1.0)
    yield "40 % of cells replaced", _mixed(train, fresh, REPLACED)
    yield "training rows", train


def _mixed(kept: Table, others: Table, share: float) -> Table:
    """Replace a share of all cells by those of other people, drawn for each column anew."""
    rng = np.random.default_rng(5)
    frame = kept.frame.copy()
    for name in frame.columns:
        replaced = rng.random(len(frame)) < share
        drawn = others.frame[name].iloc[rng.permutation(len(others))[: len(frame)]].reset_index(drop=True)
        frame[name] = frame[name].mask(replaced, drawn)
    return Table(frame, kept.schema)


if __name__ == "__main__":
    main()
