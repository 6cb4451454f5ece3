"""The document and the settings say the same."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from services.gretel.model_types import DISCONTINUED, MODEL_TYPES
from services.gretel.settings import Settings

TEXT = Path("docs/gretel-service.md").read_text(encoding="utf-8")


def test_every_setting_is_documented_with_its_default() -> None:
    documented = dict(re.findall(r"^\| `([A-Z_]+)` \| ([^|]+?) \|", TEXT, re.MULTILINE))
    by_command_line = {"host", "port", "data_dir"}

    assert set(documented) == {field.name.upper() for field in fields(Settings) if field.name not in by_command_line}
    for field in fields(Settings):
        if field.type is int and field.name not in {"port", "workers"}:
            assert documented[field.name.upper()].startswith(str(field.default)), field.name


def test_every_model_type_is_documented() -> None:
    for name in (*MODEL_TYPES, *DISCONTINUED):
        assert f"`{name}`" in TEXT
