"""Ages and destinations, a second pipeline: this file and one SQL file are all it takes (Airflow DAG)."""

from factories.synthetic_features import synthetic_features

synthetic_features("gretel_synthetics_country_ages", doc_md=__doc__, owner="tests", sql_file="country_ages.sql")
