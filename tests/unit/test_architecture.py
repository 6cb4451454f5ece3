"""The arrows between the parts that docs/architecture.md forbids."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PLUGIN_MODULES = {path.stem for path in (REPOSITORY / "plugins").iterdir() if path.suffix == ".py" or path.is_dir()}
DAG_MODULES = {"dags", "factories"} | {path.stem for path in (REPOSITORY / "dags").glob("*.py")}

FORBIDDEN = {
    "plugins": {"services", "local", "tests"} | DAG_MODULES,
    "dags": {"services", "local", "tests"},
    "services/gretel": {"local", "tests", "plugins", "services.redshift"} | DAG_MODULES | PLUGIN_MODULES,
    "services/redshift": {"local", "tests", "plugins", "services.gretel"} | DAG_MODULES | PLUGIN_MODULES,
    "local": {"tests", "plugins", "services"} | DAG_MODULES | PLUGIN_MODULES,
}


def imported_modules(source: str) -> Iterator[str]:
    """Every module that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def forbidden_imports(source: str, forbidden: set[str]) -> list[str]:
    return [
        module
        for module in imported_modules(source)
        if any(module == name or module.startswith(f"{name}.") for name in forbidden)
    ]


@pytest.mark.parametrize("part", FORBIDDEN)
def test_forbidden_arrows(part: str) -> None:
    files = list((REPOSITORY / part).rglob("*.py"))
    assert files, f"{part} holds no Python file: the check looks in the wrong place"
    found = {str(path.relative_to(REPOSITORY)): forbidden_imports(path.read_text(), FORBIDDEN[part]) for path in files}
    assert {path: modules for path, modules in found.items() if modules} == {}


def test_the_check_sees_every_form_of_import() -> None:
    source = "import local, locale\ndef f():\n    from services.gretel import app\n    from services import redshift\n"
    assert forbidden_imports(source, {"local", "services.redshift", "services.gretel"}) == [
        "local",
        "services.gretel",
        "services.gretel.app",
        "services.redshift",
    ]
