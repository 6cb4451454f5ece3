"""Gretel model configs: from a dict, or from a YAML file."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from hooks.gretel_errors import GretelFatalError

SUFFIXES = (".yml", ".yaml")


def load_model_config(source: dict[str, Any] | str, folders: Sequence[str | Path]) -> dict[str, Any]:
    """Read a Gretel model config.

    :param source: the config itself, or a YAML file's path, absolute or below one of `folders`; `.yml` may be left out
    :param folders: where to look, in this order
    :raises GretelFatalError: for a file that is missing or holds no model config
    """
    if isinstance(source, dict):
        config, origin = copy.deepcopy(source), "model_config"
    else:
        path = _find(source, [Path(folder) for folder in folders])
        config, origin = _read_yaml(path), str(path)
    model_settings(config, origin)
    return config


def with_settings(config: dict[str, Any], *, num_records: int, evaluate: dict[str, Any]) -> dict[str, Any]:
    """Copy a config and put into it what a run decides.

    :param num_records: rows to generate as the artifact `data_preview`
    :param evaluate: what the evaluation needs to know of the data; empty leaves the config's own
    """
    changed = copy.deepcopy(config)
    settings = model_settings(changed)
    settings["generate"] = {**(settings.get("generate") or {}), "num_records": num_records}
    if evaluate:
        settings["evaluate"] = {**(settings.get("evaluate") or {}), **evaluate}
    return changed


def model_settings(config: Any, origin: str = "model_config") -> dict[str, Any]:
    """Settings of a config's one model, that is of `models[0].<model type>`.

    :param origin: where the config came from, for the error
    """
    models = config.get("models") if isinstance(config, dict) else None
    entry = models[0] if isinstance(models, list) and len(models) == 1 else None
    settings = next(iter(entry.values())) if isinstance(entry, dict) and len(entry) == 1 else None
    if not isinstance(settings, dict):
        raise GretelFatalError(
            f"{origin} is no Gretel model config: expected `models:` with one entry, a model type such as `actgan` "
            "with its settings below it. Correct it."
        )
    return settings


def _find(name: str, folders: Sequence[Path]) -> Path:
    """Find a YAML file; `..` is refused, as part of the name may come from the trigger form."""
    names = [name] if name.endswith(SUFFIXES) else [name + suffix for suffix in SUFFIXES]
    if Path(name).is_absolute():
        folders = [Path(name).parent]
    for folder in folders:
        for candidate in names:
            path = folder / candidate
            if path.is_file() and ".." not in path.parts:
                return path
    there = {path.name for folder in folders for suffix in SUFFIXES for path in folder.rglob(f"*{suffix}")}
    raise GretelFatalError(
        f"Model config {name!r} was not found in {', '.join(map(str, folders))}. "
        f"There is: {', '.join(sorted(there)) or 'none'}."
    )


def _read_yaml(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text())
    except (yaml.YAMLError, UnicodeDecodeError) as exc:
        raise GretelFatalError(f"Model config {path} is not YAML: {exc}") from exc
