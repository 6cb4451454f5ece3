"""The documentation's links lead somewhere, its commands exist, and pictures are the ones that a command draws."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
MAKE = re.compile(r"`make ([a-z][a-z-]*)|^make ([a-z][a-z-]*)", re.MULTILINE)


def documents() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    return [REPOSITORY / name for name in listed.stdout.split()]


def broken_links(path: Path) -> list[str]:
    targets = [target.split("#")[0] for target in LINK.findall(path.read_text())]
    return [
        target
        for target in targets
        if target and not target.startswith(("http://", "https://", "mailto:")) and not (path.parent / target).exists()
    ]


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_links_lead_to_files(path: Path) -> None:
    assert broken_links(path) == []


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_make_targets_exist(path: Path) -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    mentioned = {first or second for first, second in MAKE.findall(path.read_text())}
    assert mentioned <= targets


def test_broken_links_are_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("[here](page.md) [there](nowhere.md#part) [web](https://example.org/x)")
    assert broken_links(page) == ["nowhere.md"]
