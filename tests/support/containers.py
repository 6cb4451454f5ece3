"""What docker-compose.yml, Dockerfile and .env.example say, read just as far as the tests need it."""

from __future__ import annotations

import fnmatch
import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
VARIABLE = re.compile(r"\$\$|\$\{(\w+)(:\?[^}]+)?\}|\$(\w+)")


@dataclass
class Stage:
    """One build stage, with what it inherits.

    :param base: the stage or image it begins with.
    :param copies: (what, to where) of each COPY from the build context.
    :param packages: Debian packages installed.
    """

    base: str
    user: str = "root"
    workdir: str = "/"
    command: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    copies: list[tuple[str, str]] = field(default_factory=list)
    packages: set[str] = field(default_factory=set)


def read_compose(path: str = "docker-compose.yml") -> dict[str, Any]:
    """Read a Compose file, anchors and merges resolved, variables not."""
    return yaml.safe_load((REPOSITORY / path).read_text())


def read_settings(path: Path = REPOSITORY / ".env.example") -> dict[str, str]:
    """Read a file of NAME=value lines."""
    return _assignments([line for line in path.read_text().splitlines() if line and not line.startswith("#")])


def _assignments(texts: list[str]) -> dict[str, str]:
    return {name: value for name, _, value in (text.partition("=") for text in texts)}


def run_env_script(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run what `make env` runs, in a folder with nothing else."""
    (folder / "docker").mkdir(exist_ok=True)
    shutil.copy(REPOSITORY / "docker/env.sh", folder / "docker")
    shutil.copy(REPOSITORY / ".env.example", folder)
    return subprocess.run([folder / "docker/env.sh"], capture_output=True, text=True, check=False)


def variables(value: Any) -> Iterator[tuple[str, bool]]:
    """Every variable that Compose fills in below `value`, and whether a missing or empty one is an error."""
    for text in strings(value):
        for match in VARIABLE.finditer(text):
            if name := match[1] or match[3]:
                yield name, bool(match[2])


def fill_in(value: Any, settings: dict[str, str]) -> Any:
    """Fill in variables as Compose does."""
    if isinstance(value, dict):
        return {key: fill_in(item, settings) for key, item in value.items()}
    if isinstance(value, list):
        return [fill_in(item, settings) for item in value]
    if isinstance(value, str):
        return VARIABLE.sub(lambda match: "$" if match[0] == "$$" else settings[match[1] or match[3]], value)
    return value


def strings(value: Any) -> Iterator[str]:
    """Every text below `value`, keys left out."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from strings(item)
    elif isinstance(value, str):
        yield value


def read_dockerfile() -> tuple[dict[str, str], dict[str, Stage]]:
    """Read the build arguments and, by name, the stages."""
    arguments: dict[str, str] = {}
    stages: dict[str, Stage] = {}
    stage = Stage(base="")
    for instruction, rest in _instructions():
        match instruction:
            case "ARG":
                arguments |= _assignments([rest])
            case "FROM":
                base, _, name = rest.split()
                parent = stages.get(base)
                stage = Stage(base, parent.user, parent.workdir, parent.command) if parent else Stage(base)
                if parent:
                    stage.environment |= parent.environment
                    stage.copies += parent.copies
                    stage.packages |= parent.packages
                stages[name] = stage
            case "USER":
                stage.user = rest
            case "WORKDIR":
                stage.workdir = rest
            case "CMD":
                stage.command = json.loads(rest)
            case "ENV":
                stage.environment |= _assignments(shlex.split(rest))
            case "COPY" if not rest.startswith("--from="):
                *sources, target = rest.split()
                stage.copies += [(source, str(Path(stage.workdir, target))) for source in sources]
            case "RUN":
                installed = re.search(r"apt-get install ([^&]*)", rest)
                stage.packages |= {word for word in (installed[1].split() if installed else []) if word[0] != "-"}
    return arguments, stages


def _instructions() -> Iterator[tuple[str, str]]:
    text = "\n".join(
        line for line in (REPOSITORY / "Dockerfile").read_text().splitlines() if not line.lstrip().startswith("#")
    )
    for line in text.replace("\\\n", " ").splitlines():
        if line.strip():
            instruction, _, rest = line.strip().partition(" ")
            yield instruction, rest.strip()


def in_build_context(path: str) -> bool:
    """Whether .dockerignore lets a path of the repository into the build; the last pattern that matches decides."""
    included = True
    for pattern in (REPOSITORY / ".dockerignore").read_text().splitlines():
        if not pattern or pattern.startswith("#"):
            continue
        name = pattern.removeprefix("!").removeprefix("**/")
        parts = Path(path).parts
        ancestors = ["/".join(parts[: depth + 1]) for depth in range(len(parts))]
        candidates = list(parts) if "**/" in pattern else ancestors
        if any(fnmatch.fnmatchcase(candidate, name) for candidate in candidates):
            included = pattern.startswith("!")
    return included


def read_lock(path: str) -> dict[str, frozenset[str]]:
    """Read a pip lock: name==version → its hashes (one name may have several versions, by Python version)."""
    pins: dict[str, frozenset[str]] = {}
    pin = ""
    for line in (REPOSITORY / path).read_text().splitlines():
        text = line.strip(" \\")
        if text.startswith("--hash="):
            pins[pin] |= {text}
        elif text and not text.startswith("#"):
            pin = text.split(" ;")[0]
            pins.setdefault(pin, frozenset())
    return pins


COMPOSE = read_compose()
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
LONG_RUNNING = {name: service for name, service in SERVICES.items() if service["restart"] != "no"}
ONE_SHOT = {name: service for name, service in SERVICES.items() if service["restart"] == "no"}
AIRFLOW = {name: service for name, service in SERVICES.items() if service.get("build", {}).get("target") == "airflow"}
EXAMPLE = read_settings()
ARGUMENTS, STAGES = read_dockerfile()
