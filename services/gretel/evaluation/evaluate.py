"""Measure a synthetic table against the data it was trained on and the holdout it never saw."""

from collections.abc import Sequence

from services.gretel.evaluation.disclosure.copies import exact_copies, row_ids
from services.gretel.evaluation.fidelity.correlation import correlation_error, correlations
from services.gretel.evaluation.fidelity.distribution import average_distance, compare_columns
from services.gretel.evaluation.fidelity.structure import project, structure_distance
from services.gretel.evaluation.inputs import prepare
from services.gretel.evaluation.report import Report
from services.gretel.table import Table


def evaluate(
    train: Table,
    holdout: Table,
    synthetic: Table,
    *,
    quasi_identifiers: Sequence[str] = (),
    sensitive: Sequence[str] = (),
    targets: Sequence[str] = (),
    seed: int,
) -> Report:
    """Evaluate a synthetic table; the same input and seed give the same report.

    What cannot be measured (too few rows, no column of the needed kind, nothing declared) is in the report as not
    measurable, with the reason, and never as a good figure.

    :param train: the rows the model was trained on.
    :param holdout: rows of the same source that training never saw; a fifth of the data or more.
    :param synthetic: the model's output.
    :param quasi_identifiers: columns an attacker may know of a person.
    :param sensitive: columns an attacker wants to learn; default all that are no quasi-identifiers.
    :param targets: columns to predict when models trained on either table are compared; default chosen.
    :raises ValueError: the tables' columns differ, the training or synthetic table has no rows, or a declared column
        does not exist.
    """
    inputs = prepare(
        train,
        holdout,
        synthetic,
        quasi_identifiers=quasi_identifiers,
        sensitive=sensitive,
        targets=targets,
        seed=seed,
    )
    columns = compare_columns(inputs)
    matrices = correlations(inputs)
    projection = project(inputs)
    ids = row_ids(inputs)
    return Report(
        inputs=inputs,
        columns=columns,
        correlations=matrices,
        projection=projection,
        measures={
            "column_distribution": average_distance(columns),
            "column_correlation": correlation_error(matrices),
            "deep_structure": structure_distance(projection),
            "exact_copies": exact_copies(inputs, ids),
        },
    )
