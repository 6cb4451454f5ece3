"""Starting, settings and the command line."""

from __future__ import annotations

import os
import re
import socket
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from tests.integration.gretel_service.conftest import ALICE, KEYS, ROOT, Services

pytestmark = pytest.mark.integration


def run(*arguments: object, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GRETEL")}
    return subprocess.run(
        [sys.executable, "-m", "services.gretel", *map(str, arguments)],
        cwd=ROOT,
        env={**environment, **{f"GRETEL_SERVICE_{name}": value for name, value in settings.items()}},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({}, "No API key: set GRETEL_SERVICE_API_KEYS"),
        ({"API_KEYS": "grtu" + "x" * 30}, "entry 1: expected key=email"),
        ({"API_KEYS": f"{KEYS},hunter2=a@b"}, "entry 4: a key starts with grt"),
        ({"API_KEYS": KEYS, "WORKER": "2"}, "Unknown setting GRETEL_SERVICE_WORKER;"),
        (
            {"API_KEYS": KEYS, "WORKERS": "two"},
            "GRETEL_SERVICE_WORKERS must be a whole number of 0 or more, found 'two'",
        ),
        ({"API_KEYS": KEYS, "WORKERS": "0"}, "must be at least 1"),
        ({"API_KEYS_FILE": "/nowhere/keys"}, "GRETEL_SERVICE_API_KEYS_FILE: cannot read /nowhere/keys"),
    ],
)
def test_a_wrong_setting_ends_the_start_by_name(tmp_path: Path, settings: dict[str, str], text: str) -> None:
    result = run("serve", "--data-dir", tmp_path / "data", **settings)

    assert result.returncode == 2
    assert text in result.stderr
    assert "hunter2" not in result.stderr
    assert "Traceback" not in result.stderr


def test_a_data_directory_serves_one_service(services: Services) -> None:
    service = services.start(workers="1")

    result = run("serve", "--port", 0, "--data-dir", service.data_dir, API_KEYS=KEYS)

    assert result.returncode == 2
    assert result.stderr == f"The data directory {service.data_dir} is in use by another running service.\n"


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run("serve", "--port", port, "--data-dir", tmp_path, API_KEYS=KEYS)

    assert result.returncode != 0
    assert str(port) in result.stderr
    assert "address already in use" in result.stderr


def test_a_new_key_is_one_that_the_service_takes(services: Services, tmp_path: Path) -> None:
    key = run("new-key").stdout.strip()
    assert key != run("new-key").stdout.strip()
    keys = tmp_path / "keys"
    keys.write_text(f"{key}=carol@example.org\n")
    service = services.prepare(workers="1", api_keys_file=str(keys))
    del service._settings["GRETEL_SERVICE_API_KEYS"]

    service.start()

    assert service.call("GET", "/users/me", key=key).json()["data"]["me"]["email"] == "carol@example.org"


def test_what_is_kept_is_for_the_service_alone(services: Services, frame: pd.DataFrame) -> None:
    service = services.start(workers="1")
    service.project().upload_artifact(frame)

    for path in (service.data_dir, *service.data_dir.rglob("*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode & 0o077 == 0, f"{path} has mode {mode:o}"


def test_a_fault_is_one_answer_and_a_traceback_in_the_log(services: Services, frame: pd.DataFrame) -> None:
    service = services.start(workers="1")
    project = service.project()
    link = project.get_artifact_link(project.upload_artifact(frame)).removeprefix(service.endpoint)
    [artifact] = (service.data_dir / "projects" / project.project_id / "artifacts").iterdir()
    artifact.unlink()
    lost = service.call("GET", link)
    with sqlite3.connect(service.data_dir / "service.db") as database:
        database.execute("ALTER TABLE members RENAME TO hidden")
    broken = service.call("GET", "/projects?query=secret")
    with sqlite3.connect(service.data_dir / "service.db") as database:
        database.execute("ALTER TABLE hidden RENAME TO members")

    for response, name in ((lost, "RuntimeError"), (broken, "OperationalError")):
        message = f"Internal error of the service ({name}); its log holds the details."
        assert (response.status_code, response.json()) == (500, {"message": message, "context": {}})
    log = service.log.read_text()
    assert "GET '/projects' failed\nTraceback" in log
    assert "sqlite3.OperationalError: no such table: members" in log
    assert "RuntimeError: File at path" in log
    for secret in (ALICE, "secret", "sig=", "alice@example.org"):
        assert secret not in log
    assert service.call("GET", "/projects").json()["data"]["projects"][0]["name"] == project.name


def test_the_documented_backup_restores_and_nobody_else_may_read_it(
    services: Services, frame: pd.DataFrame, tmp_path: Path
) -> None:
    text = (ROOT / "docs" / "gretel-service.md").read_text(encoding="utf-8")
    recipe = next(block for block in re.findall(r"```sh\n(.+?)```", text, re.DOTALL) if "VACUUM INTO" in block)
    service = services.start(workers="1")
    key = service.project().upload_artifact(frame)
    backup = tmp_path / "backup"
    backup.mkdir()

    script = recipe.replace("/var/lib/gretel", str(service.data_dir)).replace("/backup", str(backup))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(["sh", "-ec", script], env={**os.environ, "PATH": path}, timeout=60, check=True)

    for kept in backup.rglob("*"):
        assert stat.S_IMODE(kept.stat().st_mode) & 0o077 == 0, kept
    link = service.project().get_artifact_link(key).removeprefix(service.endpoint)
    service.terminate()
    restored = services.start(workers="1", data_dir=backup)
    assert restored.call("GET", link).content == frame.to_csv(index=False).encode()


def test_health_needs_no_key_and_tells_nothing(services: Services) -> None:
    service = services.start(workers="1")

    response = service.call("GET", "/health", key="")

    assert (response.status_code, response.json()) == (200, {"status": "ok"})
