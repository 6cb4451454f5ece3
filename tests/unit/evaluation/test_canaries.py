"""Releases that are known to be bad fail the check that is there for them; honest data passes them all.

The report's own verdict and the pipelines' gate have to decide alike.
"""

import pytest

from tests.unit.evaluation.canaries import CANARIES, figure, measured
from tests.unit.evaluation.gate import failed, refused

# What has to fail; other checks may fail too.
MUST_FAIL = {
    "memorized": {
        "exact_copies",
        "copied_identifiers",
        "membership_inference_auc",
        "attribute_inference",
        "singling_out",
        "linkability",
        "isolated_records",
        "close_rows",
        "dcr_share",
    },
    "jittered_copy": {"membership_inference_auc", "linkability", "isolated_records", "close_rows", "dcr_share"},
    "noisy_copy": {"membership_inference_auc", "copied_identifiers", "singling_out"},
    "independent_noise": {"discriminator_auc"},
    "planted_eccentrics": {"isolated_records"},
    "planted_categories": {"rare_categories"},
    "one_copy": {"exact_copies"},
    "encoded_identifier": {"copied_identifiers"},
    "trained_on_holdout": {"dcr_share"},
    "trained_on_both": {"close_rows"},
}
# Where one thing was planted into honest data, nothing else may fail.
ALONE = {"independent_noise", "planted_eccentrics", "planted_categories", "one_copy"}


def test_every_canary_has_an_expectation() -> None:
    assert set(MUST_FAIL) | {"honest"} == set(CANARIES)


def test_honest_data_passes_every_check() -> None:
    assert failed(measured("honest")) == refused(measured("honest")) == set()
    assert measured("honest").passed


@pytest.mark.parametrize("name", sorted(MUST_FAIL))
def test_canary_fails_the_check_that_is_there_for_it(name: str) -> None:
    report = measured(name)
    assert refused(report) == failed(report) >= MUST_FAIL[name]
    assert not report.passed
    if name in ALONE:
        assert failed(report) == MUST_FAIL[name]


def test_copies_are_counted() -> None:
    copied = measured("memorized").measures["exact_copies"]
    assert copied.value == 1.0
    assert copied.detail["synthetic_rows_copied"] == 1600
    report = measured("memorized").to_json()
    # Gretel counts distinct lines: drawing with replacement leaves out about 1/e of them.
    assert 0.6 * 1600 < report["memorized_lines"] < 0.67 * 1600
    assert measured("honest").to_json()["memorized_lines"] == 0


def test_membership_attacks_find_different_copies() -> None:
    attacks = {
        name: measured(name).measures["membership_inference_auc"].detail for name in ("jittered_copy", "noisy_copy")
    }
    assert attacks["jittered_copy"]["attacks"]["nearest"]["auc"] > 0.95
    assert attacks["noisy_copy"]["attacks"]["nearest"]["auc"] < 0.7
    assert attacks["noisy_copy"]["strongest"] == "agreement"
    assert attacks["noisy_copy"]["attacks"]["agreement"]["auc"] > 0.9


def test_a_model_trained_on_the_holdout_is_no_better_attacked_than_by_guessing() -> None:
    """Why the distance share has a lower limit too: membership attacks alone would call this model perfect."""
    report = measured("trained_on_holdout")
    assert (report.measures["membership_inference_auc"].high or 1) < 0.5
    assert figure(report, "dcr_share") < 0.05


def test_useless_data_train_useless_models() -> None:
    useless, honest = measured("independent_noise"), measured("honest")
    assert figure(useless, "utility_r2_gap") > 0.5
    assert abs(figure(honest, "utility_r2_gap")) < 0.1
    assert figure(useless, "column_correlation") > 2 * figure(honest, "column_correlation")
