"""Settings of the service: the environment, plus host, port and data directory from the command line."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

PREFIX = "GRETEL_SERVICE_"
MIN_KEY_LENGTH = 20
MIB = 1024 * 1024


class SettingsError(ValueError):
    """A setting is missing or wrong; the message names it and never quotes a secret."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One API key and the person or program it belongs to.

    :param key: what clients send in the Authorization header; starts with `grt`.
    :param email: its user. Several keys of one user are one user, so a key can be replaced.
    """

    key: str = field(repr=False)
    email: str


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set; docs/gretel-service.md holds the table.

    :param signing_key: signs links; empty = one is made and kept in the data directory.
    :param workers: jobs that run at the same time, each in a process of its own.
    :param public_url: base of the links handed out; empty = as the request came in.
    :param trusted_proxies: addresses whose X-Forwarded-* headers are believed, comma separated.
    :param link_seconds: how long a signed link works.
    :param max_upload_mib: largest artifact.
    :param min_free_mib: disk space that uploads leave free.
    :param max_records: most rows that one job may generate.
    :param max_jobs: most jobs of one project that may be queued or running.
    :param max_artifacts: most artifacts that one project may hold.
    :param monthly_seconds: worker time that one user may use per calendar month; 0 = no limit.
    :param job_seconds: longest a job may run.
    :param job_attempts: how often a job is started when the service stops under it, before it counts as lost.
    :param worker_memory_mib: memory that a worker may hold; 0 = no limit.
    """

    data_dir: Path
    api_keys: tuple[ApiKey, ...]
    host: str = "127.0.0.1"
    port: int = 8080
    signing_key: str = field(default="", repr=False)
    workers: int = min(2, os.cpu_count() or 1)
    public_url: str = ""
    trusted_proxies: str = "127.0.0.1"
    link_seconds: int = 3600
    max_upload_mib: int = 1024
    min_free_mib: int = 256
    max_records: int = 5_000_000
    max_jobs: int = 50
    max_artifacts: int = 1000
    monthly_seconds: int = 0
    job_seconds: int = 6 * 3600
    job_attempts: int = 2
    worker_memory_mib: int = 0

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], *, host: str, port: int, data_dir: Path) -> "Settings":
        """Read `GRETEL_SERVICE_*`; a secret may also come from the file that `…_FILE` names.

        :raises SettingsError: a name is unknown, a value is wrong, or there is no API key.
        """
        given = _read(environment)
        values: dict[str, object] = {"host": host, "port": port, "data_dir": data_dir}
        values["api_keys"] = parse_api_keys(given.pop("API_KEYS", ""))
        known = {setting.name.upper(): setting.type for setting in fields(cls)}
        for name, text in given.items():
            values[name.lower()] = _number(name, text) if known[name] is int else text.strip()
        settings = cls(**values)  # type: ignore[arg-type]  # checked name by name above
        if settings.workers < 1 or settings.job_attempts < 1:
            raise SettingsError(f"{PREFIX}WORKERS and {PREFIX}JOB_ATTEMPTS must be at least 1.")
        return settings


def parse_api_keys(text: str) -> tuple[ApiKey, ...]:
    """Parse `grtu…=person@example.org` entries, separated by commas or line ends.

    :raises SettingsError: none is given, or one is malformed, too short or given twice.
    """
    entries = [entry.strip() for entry in re.split(r"[,\n]", text) if entry.strip()]
    if not entries:
        raise SettingsError(
            f"No API key: set {PREFIX}API_KEYS to key=email entries, separated by commas, or {PREFIX}API_KEYS_FILE to "
            "a file of them. `python -m services.gretel new-key` prints a fresh key."
        )
    keys = tuple(_api_key(entry, position) for position, entry in enumerate(entries, start=1))
    if len({key.key for key in keys}) < len(keys):
        raise SettingsError(f"{PREFIX}API_KEYS holds the same key twice.")
    return keys


def _api_key(entry: str, position: int) -> ApiKey:
    key, _, email = entry.partition("=")
    where = f"{PREFIX}API_KEYS, entry {position}"
    if not re.fullmatch(r"grt[A-Za-z0-9_-]*", key) or len(key) < MIN_KEY_LENGTH:
        raise SettingsError(
            f"{where}: a key starts with grt and has at least {MIN_KEY_LENGTH} letters, digits, dashes or underscores."
        )
    if not re.fullmatch(r"[^@\s=]+@[^@\s=]+", email):
        raise SettingsError(f"{where}: expected key=email, found no email address after the key.")
    return ApiKey(key, email.lower())


def _read(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what is set, by its name without prefix, with `…_FILE` read in."""
    known = {setting.name.upper() for setting in fields(Settings)} - {"HOST", "PORT", "DATA_DIR"}
    found: dict[str, str] = {}
    for variable in sorted(environment):
        if not variable.startswith(PREFIX):
            continue
        name, value = variable.removeprefix(PREFIX), environment[variable]
        if name in {"API_KEYS_FILE", "SIGNING_KEY_FILE"}:
            name, value = name.removesuffix("_FILE"), _secret_file(variable, value)
        if name not in known:
            raise SettingsError(
                f"Unknown setting {variable}; there are {', '.join(sorted(PREFIX + n for n in known))}."
            )
        if name in found:
            raise SettingsError(f"{PREFIX}{name} and {PREFIX}{name}_FILE are both set; set one.")
        found[name] = value
    return found


def _secret_file(variable: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{variable}: cannot read {path} ({error}).") from error


def _number(name: str, text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,12}", text.strip()):
        raise SettingsError(f"{PREFIX}{name} must be a whole number of 0 or more, found {text!r}.")
    return int(text)
