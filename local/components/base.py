"""What every part of the local stack has in common."""

from __future__ import annotations

import os
import shutil
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

from local.health import StackError
from local.settings import Home
from local.supervision import Program


class Component(ABC):
    """One part of the stack: prepared once, run by the supervisor, and healthy when it says so itself."""

    name: str
    start_seconds = 60.0

    def __init__(self, home: Home) -> None:
        """Bind to the stack at `home`; nothing is started."""
        self.home = home

    @property
    @abstractmethod
    def port(self) -> int:
        """The TCP port on 127.0.0.1 that it serves on."""

    @property
    def ports(self) -> tuple[int, ...]:
        """Every port it listens on."""
        return (self.port,)

    @abstractmethod
    def prepare(self) -> None:
        """Create what the programs need before they start; does nothing the second time."""

    @abstractmethod
    def programs(self) -> Sequence[Program]:
        """The programs to run."""

    @abstractmethod
    def unhealthy(self) -> str | None:
        """Return None when the component serves, else what is missing."""

    @abstractmethod
    def after_start(self) -> None:
        """Create what can only be created while it runs (databases, buckets); does nothing the second time."""

    def connections(self) -> dict[str, str]:
        """Airflow connections (id → URI or JSON) that lead here."""
        return {}


def run(command: Sequence[str | Path], *, env: dict[str, str] | None = None, cwd: Path | None = None) -> str:
    """Run a command to its end and return what it printed.

    :raises StackError: with the command and its output, when it fails.
    """
    words = [str(word) for word in command]
    done = subprocess.run(
        words, check=False, text=True, capture_output=True, env={**os.environ, **(env or {})}, cwd=cwd
    )
    if done.returncode != 0:
        raise StackError(
            f"{' '.join(words)} failed with status {done.returncode}:\n{done.stdout}{done.stderr}".rstrip()
        )
    return done.stdout


def find_program(name: str, *folders: str, package: str) -> Path:
    """Return the path of an executable.

    :param folders: glob patterns searched, newest version first, besides PATH.
    :param package: the system package that brings it, for the error.
    """
    for pattern in folders:
        found = sorted(Path("/").glob(pattern.lstrip("/") + f"/{name}"), key=_version, reverse=True)
        if found:
            return found[0]
    on_path = shutil.which(name)
    if on_path:
        return Path(on_path)
    raise StackError(f"the program {name} is missing; `make setup` installs it (system package {package})")


def _version(path: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in path.parts if part.isdigit())
