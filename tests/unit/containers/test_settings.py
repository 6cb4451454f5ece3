"""Variables and secrets: Compose requires what .env.example lists and `make env` writes, and no file holds a secret."""

from __future__ import annotations

import re
import stat
from pathlib import Path

from cryptography.fernet import Fernet

from services.gretel.settings import parse_api_keys
from tests.support.containers import (
    COMPOSE,
    EXAMPLE,
    REPOSITORY,
    SERVICES,
    in_build_context,
    read_settings,
    run_env_script,
    strings,
    variables,
)


def test_every_variable_is_in_the_example_and_none_is_unused() -> None:
    used = {name for name, _ in variables(COMPOSE)}
    # COMPOSE_PROFILES is read by Compose itself.
    assert used | {"COMPOSE_PROFILES"} == EXAMPLE.keys()


def test_a_missing_variable_is_an_error() -> None:
    assert [name for name, required in variables(COMPOSE) if not required] == []


def test_profiles_of_the_example_are_those_of_the_services() -> None:
    profiles = {profile for service in SERVICES.values() for profile in service.get("profiles", [])}
    assert profiles == set(EXAMPLE["COMPOSE_PROFILES"].split(","))


def test_the_env_script_fills_what_is_empty_and_nothing_else(settings: dict[str, str]) -> None:
    assert settings.keys() == EXAMPLE.keys()
    assert [name for name, value in settings.items() if not value] == []
    assert {name: value for name, value in settings.items() if EXAMPLE[name]} == {
        name: value for name, value in EXAMPLE.items() if value
    }


def test_generated_secrets_are_fresh_and_fit_their_use(tmp_path: Path, settings: dict[str, str]) -> None:
    run_env_script(tmp_path)
    again = read_settings(tmp_path / ".env")
    secret_names = [name for name, value in EXAMPLE.items() if not value]
    assert [name for name in secret_names if again[name] == settings[name]] == []
    assert len({settings[name] for name in secret_names}) == len(secret_names)
    Fernet(settings["AIRFLOW_FERNET_KEY"])
    parse_api_keys(f"{settings['GRETEL_API_KEY']}={settings['GRETEL_USER']}")
    assert len(settings["AIRFLOW_JWT_SECRET"]) * 8 >= 512  # Airflow signs with HS512


def test_env_file_is_private_and_never_overwritten(tmp_path: Path) -> None:
    run_env_script(tmp_path)
    written = tmp_path / ".env"
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
    before = written.read_text()
    done = run_env_script(tmp_path)
    assert done.returncode == 1
    assert ".env exists" in done.stderr
    assert written.read_text() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == [".env", ".env.example", "docker"]


def test_the_env_script_prints_no_secret(tmp_path: Path) -> None:
    done = run_env_script(tmp_path)
    values = [value for name, value in read_settings(tmp_path / ".env").items() if not EXAMPLE[name]]
    assert [value for value in values if value in done.stdout + done.stderr] == []
    assert all(name in done.stdout for name, value in EXAMPLE.items() if not value)


def test_make_and_git_know_the_env_file() -> None:
    assert "docker/env.sh" in (REPOSITORY / "Makefile").read_text().split("\nenv:")[1].split("\n\n")[0]
    assert "/.env" in (REPOSITORY / ".gitignore").read_text().splitlines()
    assert not in_build_context(".env")


def test_no_file_holds_a_secret() -> None:
    secret_name = re.compile("PASSWORD|SECRET|_KEY|TOKEN|AUTH$|API_KEYS", re.IGNORECASE)
    for name, service in SERVICES.items():
        for variable, value in service.get("environment", {}).items():
            if secret_name.search(variable) and not variable.endswith("_FILE"):
                assert re.fullmatch(r"(\$\{\w+:\?[^}]+\}=?)+", value), f"{name}: {variable}"
    for text in strings(COMPOSE):
        literal = re.sub(r"\$\{[^}]*\}", "$", text)
        assert not re.search(r'"password": "[^$]', literal)
        assert not re.search(r"://[^/@]*:[^$/@]+@", literal)
    assert [name for name, value in EXAMPLE.items() if secret_name.search(name) and value] == []
