"""Pipelines that ask a person before they release, run by Airflow as DAGs; what they disclose is not the point."""

from datetime import timedelta

from factories.synthetic_features import synthetic_features
from synthetics.quality_gate import Thresholds

LENIENT = Thresholds(
    min_quality=1,
    max_membership_auc=None,
    max_dcr_deviation=None,
    max_attribute_inference=None,
    max_singling_out=None,
    max_linkability=None,
    max_isolated_records=None,
    max_close_rows=None,
    max_discriminator_auc=None,
    copies_by_coincidence=False,
)
COMMON = {"doc_md": __doc__, "owner": "tests", "sql_file": "country_ages.sql", "thresholds": LENIENT}

synthetic_features("asks_for_approval", **COMMON, approval=timedelta(hours=1))
synthetic_features("asks_in_vain", **COMMON, approval=timedelta(seconds=10))
