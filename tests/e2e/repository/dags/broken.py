"""Pipelines that fail on purpose, each in one way, run by Airflow as DAGs."""

from factories.synthetic_features import synthetic_features

DEFAULTS = {"doc_md": __doc__, "owner": "tests", "sql_file": "country_ages.sql"}

synthetic_features("broken_sql", **{**DEFAULTS, "sql_file": "no_such_table.sql"})
synthetic_features("broken_gretel_key", **DEFAULTS, gretel_conn_id="gretel_wrong_key")
synthetic_features("broken_bucket", **DEFAULTS, aws_conn_id="aws_missing_bucket")
