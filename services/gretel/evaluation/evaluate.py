"""Measure a synthetic table against the data it was trained on and the holdout it never saw."""

from collections.abc import Sequence

from services.gretel.evaluation.disclosure.anonymity import copied_identifiers, rare_categories, rare_combinations
from services.gretel.evaluation.disclosure.attribute import attribute_inference
from services.gretel.evaluation.disclosure.closeness import Closeness
from services.gretel.evaluation.disclosure.copies import exact_copies
from services.gretel.evaluation.disclosure.gretel_scores import attribute_score, membership_score, privacy_score
from services.gretel.evaluation.disclosure.linkability import linkability
from services.gretel.evaluation.disclosure.membership import attack_membership, membership_auc
from services.gretel.evaluation.disclosure.singling_out import singling_out
from services.gretel.evaluation.fidelity.correlation import (
    Correlations,
    correlation_error,
    correlation_score,
    correlations,
)
from services.gretel.evaluation.fidelity.discriminator import discriminator_auc
from services.gretel.evaluation.fidelity.distribution import (
    ColumnDistance,
    average_distance,
    compare_columns,
    distribution_score,
)
from services.gretel.evaluation.fidelity.quality import quality_score
from services.gretel.evaluation.fidelity.structure import Projection, project, structure_distance, structure_score
from services.gretel.evaluation.fidelity.utility import utility
from services.gretel.evaluation.inputs import Inputs, prepare
from services.gretel.evaluation.measure import Measure, Score
from services.gretel.evaluation.page import shown
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
    return _measure(inputs)


def _measure(inputs: Inputs) -> Report:
    columns = compare_columns(inputs)
    matrices = correlations(inputs)
    projection = project(inputs)
    measures = {
        **_fidelity(inputs, columns, matrices, projection),
        **_disclosure(inputs),
    }
    return Report(
        subject={
            "seed": inputs.seed,
            "rows": inputs.rows,
            "columns": [{"name": name, "kind": kind.value} for name, kind in inputs.kinds.items()],
            "quasi_identifiers": list(inputs.quasi_identifiers),
            "sensitive": list(inputs.sensitive),
        },
        scores=_scores(inputs, measures),
        measures=measures,
        fields=[shown.field(column, inputs.rows) for column in columns],
        pictures={
            "correlations": shown.matrices(matrices, inputs.rows),
            "components": shown.components(projection),
        },
    )


def _fidelity(
    inputs: Inputs, columns: list[ColumnDistance], matrices: Correlations | None, projection: Projection | None
) -> dict[str, Measure]:
    auc_gap, r2_gap = utility(inputs)
    return {
        "column_distribution": average_distance(columns),
        "column_correlation": correlation_error(matrices),
        "deep_structure": structure_distance(projection),
        "discriminator_auc": discriminator_auc(inputs),
        "utility_auc_gap": auc_gap,
        "utility_r2_gap": r2_gap,
    }


def _disclosure(inputs: Inputs) -> dict[str, Measure]:
    closeness = Closeness(inputs)
    return {
        "exact_copies": exact_copies(inputs),
        "copied_identifiers": copied_identifiers(inputs),
        "rare_categories": rare_categories(inputs),
        "rare_combinations": rare_combinations(inputs),
        "membership_inference_auc": membership_auc(attack_membership(inputs)),
        "attribute_inference": attribute_inference(inputs),
        "singling_out": singling_out(inputs),
        "linkability": linkability(inputs),
        "isolated_records": closeness.isolated_records(),
        "close_rows": closeness.close_rows(),
        "dcr_share": closeness.dcr_share(),
        "dcr": closeness.dcr(),
        "nndr": closeness.nndr(),
    }


def _scores(inputs: Inputs, measures: dict[str, Measure]) -> dict[str, Score]:
    stabilities = {
        "field_correlation_stability": correlation_score(measures["column_correlation"].value),
        "principal_component_stability": structure_score(measures["deep_structure"].value),
        "field_distribution_stability": distribution_score(measures["column_distribution"].value),
    }
    membership, attribute = membership_score(inputs), attribute_score(inputs)
    return {
        "synthetic_data_quality_score": quality_score(stabilities),
        **stabilities,
        "membership_inference_attack_score": membership,
        "attribute_inference_attack_score": attribute,
        "data_privacy_score": privacy_score(membership, attribute),
    }
