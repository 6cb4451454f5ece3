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
        "connection-types": [_GRETEL_CONNECTION],
        "cli": ["backfill.cli.get_cli_commands"],
    }


# The form in the web UI; hooks/gretel_settings.py reads what it stores, docs/gretel-connection.md explains it.
_GRETEL_CONNECTION = {
    "connection-type": "gretel",
    "hook-class-name": "hooks.gretel.GretelHook",
    "hook-name": "Gretel",
    "ui-field-behaviour": {
        "hidden-fields": ["login"],
        "relabeling": {"host": "API host", "schema": "Scheme", "password": "API key"},
        "placeholders": {
            "host": "api.gretel.ai",
            "port": "empty for the scheme's own port",
            "schema": "https, or http for a service on this machine",
            "password": "grtu…",
        },
    },
    "conn-fields": {
        "project": {
            "label": "Project",
            "description": "Name, id or guid of the project to use unless a task names another.",
            "schema": {"type": ["string", "null"]},
        },
        "connect_timeout": {
            "label": "Connect timeout (seconds)",
            "description": "How long to wait for a connection; 10 if empty.",
            "schema": {"type": ["number", "null"], "minimum": 0, "maximum": 3600},
        },
        "read_timeout": {
            "label": "Read timeout (seconds)",
            "description": "How long to wait for an answer; 60 if empty.",
            "schema": {"type": ["number", "null"], "minimum": 0, "maximum": 3600},
        },
        "allow_http": {
            "label": "Allow http over a network",
            "description": "Send the API key and personal data in clear text to another machine. Only in a network "
            "that you trust.",
            "schema": {"type": ["boolean", "null"], "default": False},
        },
    },
}
