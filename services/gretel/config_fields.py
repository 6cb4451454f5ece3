"""Checks of single fields of a configuration: each refuses by name, with what was found and what was expected."""

import re
import reprlib
import secrets
from collections.abc import Iterable
from typing import Any

from services.gretel.api.errors import bad_request

MAX_SEED = 2**32 - 1

_brief = reprlib.Repr()
_brief.maxstring = _brief.maxother = 120
shown = _brief.repr
"""A value as an error shows it: not longer than a line."""


def section(parent: dict[str, Any], name: str, where: str) -> dict[str, Any]:
    """Return a nested object; one that is missing or null is empty."""
    value = parent.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise bad_request(f"{where}.{name} must be an object, found {kind(value)}.")
    return value


def check_keys(given: Iterable[str], known: frozenset[str], where: str) -> None:
    """Refuse unknown keys: a misspelt parameter must not pass unnoticed."""
    unknown = sorted(set(given) - known)
    if unknown:
        raise bad_request(
            f"Unknown parameter {listed(unknown[:5])} in {where}; known are {listed(known)}.",
            dict.fromkeys(unknown[:5], f"unknown in {where}"),
        )


def whole_number(value: object, where: str, *, default: int, least: int, most: int) -> int:
    """Check a whole number; one in text is taken as well, as gretel-client's command line sends it."""
    if value is None:
        return default
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,12}", value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise bad_request(f"{where} must be a whole number from {least} to {most}, found {shown(value)}.")
    return value


def seed(parent: dict[str, Any], where: str) -> int:
    """Check a seed; one that is not given is drawn."""
    drawn = secrets.randbelow(MAX_SEED + 1)
    return whole_number(parent.get("seed"), f"{where}.seed", default=drawn, least=0, most=MAX_SEED)


def share(value: object, where: str, *, default: float, least: float, most: float) -> float:
    """Check a share of the rows."""
    if value is None:
        return default
    if not isinstance(value, int | float) or not least <= value <= most:
        raise bad_request(f"{where} must be a share of the rows from {least} to {most}, found {shown(value)}.")
    return float(value)


def flag(value: object, where: str) -> bool:
    """Check a boolean; null is false."""
    if value is not None and not isinstance(value, bool):
        raise bad_request(f"{where} must be true or false, found {shown(value)}.")
    return bool(value)


def names(value: object, where: str) -> list[str]:
    """Check a list of column names; null is empty."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise bad_request(f"{where} must be a list of column names, found {shown(value)}.")
    return value


def listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def kind(value: object) -> str:
    """What JSON calls a value."""
    return {"NoneType": "null", "dict": "an object", "list": "a list", "str": "text"}.get(
        type(value).__name__, "a number"
    )
