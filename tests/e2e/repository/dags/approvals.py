"""Pipelines that ask a person before they release, run by Airflow as DAGs; what they disclose is not the point."""

from dataclasses import replace
from datetime import timedelta

from factories.synthetic_features import synthetic_features
from synthetics.quality_gate import QUALITY_ALONE

LENIENT = replace(QUALITY_ALONE, min_quality=1)
COMMON = {"doc_md": __doc__, "owner": "tests", "sql_file": "country_ages.sql", "thresholds": LENIENT}

synthetic_features("asks_for_approval", **COMMON, approval=timedelta(hours=1))
synthetic_features("asks_in_vain", **COMMON, approval=timedelta(seconds=10))
