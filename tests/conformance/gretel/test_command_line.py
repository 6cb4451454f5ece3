"""gretel-client's command line, as a program."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from gretel_client.config import ClientConfig
from gretel_client.projects import Project, get_project
from gretel_client.projects.models import Model

from tests.conformance.gretel.conftest import plain_config

pytestmark = pytest.mark.integration


class CommandLine:
    """Runs `gretel …` with the session's key and a home directory of its own."""

    def __init__(self, session: ClientConfig, home: Path) -> None:
        self._environment = {
            **os.environ,
            "HOME": str(home),
            "GRETEL_ENDPOINT": session.endpoint,
            "GRETEL_API_KEY": str(session.api_key),
        }
        self._home = home

    def __call__(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        result = subprocess.run(
            [Path(sys.executable).with_name("gretel"), *arguments],
            cwd=self._home,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=1800,
            check=False,
        )
        assert result.returncode == code, result.stderr
        return result

    def json(self, *arguments: str) -> Any:
        return json.loads(self(*arguments).stdout)


@pytest.fixture
def gretel_cli(session: ClientConfig, tmp_path: Path) -> CommandLine:
    return CommandLine(session, tmp_path)


def test_whoami(gretel_cli: CommandLine, session: ClientConfig) -> None:
    assert gretel_cli.json("whoami")["email"] == session.email


def test_a_project_is_created_found_and_deleted(
    gretel_cli: CommandLine, session: ClientConfig, project: Project
) -> None:
    name = f"cli-{project.project_id[:8]}"
    shown = gretel_cli.json("projects", "create", "--name", name, "--desc", "By hand", "--display-name", "By hand")
    assert shown["project"]["name"] == name
    try:
        found = gretel_cli.json("projects", "search", "--query", name)
        assert [(item["name"], item["desc"]) for item in found] == [(name, "By hand")]
        assert gretel_cli.json("projects", "set-default", "--name", name)["default_project_name"] == name
    finally:
        gretel_cli("projects", "delete", "--name", name)
    assert "Could not get project" in gretel_cli("projects", "delete", "--name", name, code=1).stderr


def test_artifacts_are_uploaded_listed_and_deleted(
    gretel_cli: CommandLine, session: ClientConfig, frame: pd.DataFrame, tmp_path: Path
) -> None:
    frame.to_csv(tmp_path / "bookings.csv", index=False)
    own = get_project(create=True, session=session)
    try:
        gretel_cli("artifacts", "upload", "--project", own.name, "--in-data", str(tmp_path / "bookings.csv"))
        [listed] = gretel_cli.json("artifacts", "list", "--project", own.name)
        gretel_cli("artifacts", "delete", "--project", own.name, "--artifact-key", listed["key"])
        assert own.artifacts == []
    finally:
        own.delete()


def test_a_model_is_trained_downloaded_run_and_deleted(
    gretel_cli: CommandLine, project: Project, frame: pd.DataFrame, tmp_path: Path
) -> None:
    frame.to_csv(tmp_path / "bookings.csv", index=False)
    written = plain_config(params={"epochs": 2}, generate={"num_records": 60}, evaluate={"skip": False})
    (tmp_path / "model.yml").write_text(yaml.safe_dump(written))
    at = ("--project", project.name)

    created = gretel_cli(
        *("models", "create", "--config", "model.yml", "--name", "by-cli", "--in-data", "bookings.csv", *at)
    )
    model = json.loads(created.stdout)
    assert (model["status"], model["model_name"]) == ("completed", "by-cli")
    assert "Model done training" in created.stderr
    assert "synthetic_data_quality_score" in created.stderr  # the report is peeked into

    found = gretel_cli.json("models", "search", *at, "--model-name", "by-cli", "--limit", "5")
    assert [item["uid"] for item in found] == [model["uid"]]

    gretel_cli("models", "get", *at, "--model-id", model["uid"], "--output", "got")
    preview = pd.read_csv(tmp_path / "got" / "data_preview.gz", compression="gzip")
    assert len(preview) == 60
    report = json.loads(gzip.decompress((tmp_path / "got" / "report_json.json.gz").read_bytes()))
    assert "synthetic_data_quality_score" in report

    gretel_cli("models", "run", *at, "--model-id", model["uid"], "--param", "num_records", "33", "--output", "ran")
    assert len(pd.read_csv(tmp_path / "ran" / "data.gz", compression="gzip")) == 33

    gretel_cli("records", "generate", *at, "--model-id", model["uid"], "--num-records", "44", "--output", "generated")
    assert len(pd.read_csv(tmp_path / "generated" / "data.gz", compression="gzip")) == 44

    gretel_cli("models", "delete", *at, "--model-id", model["uid"])
    assert "could not be found" in gretel_cli("models", "get", *at, "--model-id", model["uid"], code=1).stderr


def test_links_of_a_model_are_listed(gretel_cli: CommandLine, trained: Model) -> None:
    listed = gretel_cli.json(
        "artifacts", "list", "--project", trained.project.name, "--model-id", str(trained.model_id)
    )

    assert {item["artifact_type"] for item in listed} >= {"data_preview", "report", "report_json", "model_logs"}


def test_a_dry_run_and_a_bad_configuration(
    gretel_cli: CommandLine, project: Project, frame: pd.DataFrame, tmp_path: Path
) -> None:
    frame.to_csv(tmp_path / "bookings.csv", index=False)
    (tmp_path / "good.yml").write_text(yaml.safe_dump(plain_config(name="dry")))
    (tmp_path / "bad.yml").write_text(yaml.safe_dump(plain_config("no_such_type")))
    at = ("--project", project.name, "--in-data", "bookings.csv")

    gretel_cli("models", "create", "--config", "good.yml", "--dry-run", *at)
    refused = gretel_cli("models", "create", "--config", "bad.yml", *at, code=1)

    assert "Bad API Request (400)" in refused.stderr
    assert list(project.search_models(factory=dict, model_name="dry")) == []
