"""Settings from the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.gretel.settings import ApiKey, Settings, SettingsError, parse_api_keys

KEY = "grtu" + "a" * 40
OTHER = "grtu" + "b" * 40


def read(**environment: str) -> Settings:
    names = {f"GRETEL_SERVICE_{name}": value for name, value in environment.items()}
    return Settings.from_environment({"PATH": "/bin", **names}, host="127.0.0.1", port=1, data_dir=Path("/data"))


def test_what_is_not_set_has_a_default() -> None:
    settings = read(API_KEYS=f"{KEY}=a@example.org")

    assert settings.api_keys == (ApiKey(KEY, "a@example.org"),)
    assert (settings.link_seconds, settings.job_attempts, settings.public_url) == (3600, 2, "")


def test_what_is_set_is_taken() -> None:
    settings = read(API_KEYS=f"{KEY}=a@example.org", WORKERS=" 3 ", PUBLIC_URL="https://x ", SIGNING_KEY="s")

    assert (settings.workers, settings.public_url, settings.signing_key) == (3, "https://x", "s")


def test_keys_are_separated_by_commas_or_line_ends_and_emails_have_no_case() -> None:
    text = f"{KEY}=A@Example.org,\n {OTHER}=b@example.org\n\n"

    assert parse_api_keys(text) == (ApiKey(KEY, "a@example.org"), ApiKey(OTHER, "b@example.org"))


def test_secrets_may_come_from_files(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(f"{KEY}=a@example.org\n")
    (tmp_path / "signing").write_text("secret\n")

    settings = read(API_KEYS_FILE=str(tmp_path / "keys"), SIGNING_KEY_FILE=str(tmp_path / "signing"))

    assert settings.api_keys[0].key == KEY
    assert settings.signing_key == "secret"


def test_secrets_are_not_shown() -> None:
    shown = repr(read(API_KEYS=f"{KEY}=a@example.org", SIGNING_KEY="very secret"))

    assert KEY not in shown
    assert "very secret" not in shown


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "No API key"),
        (f"sk-{KEY}=a@example.org", "entry 1: a key starts with grt"),
        ("grtu123=a@example.org", "at least 20"),
        (f"{KEY}", "expected key=email"),
        (f"{KEY}=nobody", "expected key=email"),
        (f"{KEY}=a@example.org,{KEY}=b@example.org", "the same key twice"),
    ],
)
def test_bad_keys_are_named_by_their_place(text: str, why: str) -> None:
    with pytest.raises(SettingsError, match=why) as error:
        parse_api_keys(text)
    assert KEY not in str(error.value)


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("WORKERS", "-1", "WORKERS must be a whole number of 0 or more"),
        ("WORKERS", "0", "must be at least 1"),
        ("JOB_ATTEMPTS", "0", "must be at least 1"),
        ("PORT", "80", "Unknown setting GRETEL_SERVICE_PORT"),
        ("LINK_EXPIRY", "5", "Unknown setting GRETEL_SERVICE_LINK_EXPIRY; there are .*GRETEL_SERVICE_LINK_SECONDS"),
        ("API_KEYS_FILE", "/dev/null", "both set"),
    ],
)
def test_a_bad_setting_is_named(name: str, value: str, why: str) -> None:
    with pytest.raises(SettingsError, match=why):
        read(API_KEYS=f"{KEY}=a@example.org", **{name: value})
