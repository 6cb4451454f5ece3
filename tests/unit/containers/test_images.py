"""The images: what is copied and locked into them, and that it is what the code needs."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from pkgutil import resolve_name

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.containers import (
    AIRFLOW,
    COMPOSE,
    ONE_SHOT,
    REPOSITORY,
    SERVICES,
    STAGES,
    in_build_context,
    read_compose,
    read_lock,
)

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
OWN_MODULES = {path.stem for folder in (".", "plugins", "dags") for path in (REPOSITORY / folder).iterdir()}


def foreign_imports(path: Path) -> Iterator[str]:
    """Top-level modules that a file imports, and that neither Python nor this repository brings."""
    tree = ast.parse(path.read_text())
    conditions = [
        node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
    ]
    for_types_alone = {inner for condition in conditions for inner in ast.walk(condition)}
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
        tops = {name.split(".")[0] for name in names if node not in for_types_alone}
        yield from tops - OWN_MODULES - sys.stdlib_module_names


def test_what_is_copied_exists_and_reaches_the_build() -> None:
    sources = {source for stage in STAGES.values() for source, _ in stage.copies}
    assert {source for source in sources if not (REPOSITORY / source).exists()} == set()
    assert {source for source in sources if not in_build_context(source)} == set()
    secret = [".env", ".local/run/secrets.json", ".git/config", "local/components/s3.py", "tests/conftest.py"]
    assert [path for path in secret if in_build_context(path)] == []
    assert not in_build_context("plugins/hooks/__pycache__/gretel.pyc")


def test_paths_agree() -> None:
    airflow = STAGES["airflow"]
    copied = {source: target for source, target in airflow.copies if "/" not in source}
    assert airflow.environment["AIRFLOW__CORE__DAGS_FOLDER"] == copied["dags"]
    assert airflow.environment["AIRFLOW__CORE__PLUGINS_FOLDER"] == copied["plugins"]
    logs = f"{airflow.environment['AIRFLOW_HOME']}/logs"
    assert {volume for service in AIRFLOW.values() for volume in service.get("volumes", [])} == {f"airflow-logs:{logs}"}
    gretel = STAGES["gretel"].command
    assert SERVICES["gretel"]["volumes"] == [f"gretel:{gretel[gretel.index('--data-dir') + 1]}"]
    for service in read_compose("docker/dev.yml")["services"].values():
        mounts = dict(mount.removesuffix(":ro").removeprefix("./").split(":") for mount in service["volumes"])
        assert mounts == {name: copied[name] for name in ("dags", "plugins", "sql")}
    targets = {target for _, target in STAGES["demo"].copies}
    for name in ONE_SHOT.keys() - {"airflow-init"}:
        assert SERVICES[name]["command"][0] == "python"
        script = f"/opt/airflow/{SERVICES[name]['command'][1]}"
        assert Path(script).parent.as_posix() in targets
        assert (REPOSITORY / SERVICES[name]["command"][1]).exists()


def test_named_volumes_are_declared_and_used() -> None:
    used = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    assert used == COMPOSE["volumes"].keys()


@pytest.mark.parametrize("part", ["airflow", "gretel", "build"])
def test_locks_are_parts_of_requirements_txt(part: str) -> None:
    whole, lock = read_lock("requirements.txt"), read_lock(f"docker/requirements-{part}.txt")
    strange = [pin for pin, hashes in lock.items() if whole.get(pin) != hashes]
    assert strange == [], "run docker/lock.sh"
    assert all(lock.values())


@pytest.mark.parametrize(
    ("part", "declared"),
    [
        ("airflow", PROJECT["dependencies"]),
        ("gretel", PROJECT["optional-dependencies"]["services"]),
    ],
)
def test_locks_hold_what_the_project_declares(part: str, declared: list[str]) -> None:
    versions = dict(pin.split("==") for pin in read_lock(f"docker/requirements-{part}.txt"))
    for text in declared:
        requirement = Requirement(text)
        version = versions[canonicalize_name(re.sub(r"\[.*", "", requirement.name))]
        assert version in requirement.specifier, "run docker/lock.sh"


@pytest.mark.parametrize(
    ("part", "folders"),
    [
        ("airflow", ["dags", "plugins", "local/airbnb", "local/nps", "docker", "services/redshift"]),
        ("gretel", ["services/gretel"]),
    ],
)
def test_what_the_code_imports_is_in_its_image(part: str, folders: list[str]) -> None:
    locked = {pin.split("==")[0] for pin in read_lock(f"docker/requirements-{part}.txt")}
    distributions = importlib.metadata.packages_distributions()
    missing = {
        f"{path.relative_to(REPOSITORY)} imports {module}"
        for folder in folders
        for path in (REPOSITORY / folder).rglob("*.py")
        for module in foreign_imports(path)
        if not locked & {canonicalize_name(name) for name in distributions.get(module, [])}
    }
    assert missing == set(), "declare it in pyproject.toml, make lock, docker/lock.sh"


def test_celery_and_its_provider_fit() -> None:
    """Their declared version ranges allow pairs that do not even import."""
    assert resolve_name("airflow.providers.celery.executors.celery_executor:CeleryExecutor")
    (installed,) = [pin for pin in read_lock("docker/requirements-airflow.txt") if pin.startswith("celery==")]
    assert installed == f"celery=={importlib.metadata.version('celery')}"
