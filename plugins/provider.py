"""What this project tells Airflow about itself: the connection types and commands it brings."""

from __future__ import annotations

from typing import Any


def get_provider_info() -> dict[str, Any]:
    """Provider metadata, read by Airflow through the `apache_airflow_provider` entry point.

    `package-name` must equal the distribution's name in pyproject.toml: Airflow refuses to start otherwise.
    """
    return {
        "package-name": "synthetic-data-pipelines",
        "name": "Synthetic data pipelines",
        "description": "Gretel hook and operators, incremental Redshift load, `airflow dags backfill`.",
    }
