"""Where one local stack keeps its files, ports and secrets."""

from __future__ import annotations

import json
import os
import secrets
import socket
import tempfile
from hashlib import sha256
from pathlib import Path

import psutil

REPOSITORY = Path(__file__).resolve().parent.parent
OWN_HOME = REPOSITORY / ".local"
# LOCAL_STACK lets several stacks live side by side; `./airflow` reads it too.
DEFAULT_HOME = Path(os.environ.get("LOCAL_STACK") or OWN_HOME)

# A Unix socket's path may hold 107 bytes, which a clone in a deep folder exceeds.
MAX_SOCKET_PATH = 100


class Home:
    """The folder of one stack: everything it writes lies below it, so removing it removes the stack.

    :param path: created if missing.
    """

    def __init__(self, path: Path = DEFAULT_HOME) -> None:
        """Create the folder if it is missing."""
        self.path = path.resolve()
        self.path.mkdir(parents=True, exist_ok=True)
        self.logs = self.folder("logs")
        self.run = self.folder("run", mode=0o700)
        self._secrets_file = self.run / "secrets.json"
        self._ports_file = self.run / "ports.json"

    def folder(self, name: str, mode: int = 0o755) -> Path:
        """Return the subfolder `name`, created if missing."""
        folder = self.path / name
        folder.mkdir(mode=mode, exist_ok=True)
        return folder

    @property
    def control_socket(self) -> Path:
        """The process manager's Unix socket."""
        inside = self.run / "supervisor.sock"
        if len(str(inside)) <= MAX_SOCKET_PATH:
            return inside
        digest = sha256(str(self.path).encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"stack-{digest}.sock"

    def secret(self, name: str, prefix: str = "") -> str:
        """Return the secret `name`, made up on first use: no password is ever shipped.

        :param prefix: what the value has to begin with, as Gretel's keys begin with `grtu`.
        """
        known = _read_json(self._secrets_file)
        if name not in known:
            known[name] = prefix + secrets.token_hex(24)
            _write_private_json(self._secrets_file, known)
        return known[name]

    def port(self, name: str, usual: int) -> int:
        """Return the port that the stack last used for `name`, or choose a free one.

        :param usual: what the clone's own stack prefers, as people know it or find it in their browser's history. Other
            stacks come and go beside it, and take whatever is free.
        """
        known = _read_json(self._ports_file)
        if name not in known:
            known[name] = free_port(usual if self.path == OWN_HOME else 0)
            _write_private_json(self._ports_file, known)
        return known[name]

    def avoid_taken_ports(self) -> list[str]:
        """Give up ports that another program holds by now, so that new ones are chosen; say which.

        Called only while the stack is down: then nobody should listen on its ports.
        """
        known = _read_json(self._ports_file)
        taken = [name for name, port in known.items() if not is_free(port)]
        _write_private_json(self._ports_file, {name: port for name, port in known.items() if name not in taken})
        return [f"port {known[name]}, last used for {name}, is taken by another program" for name in taken]


def is_free(port: int) -> bool:
    """Whether nothing listens on 127.0.0.1:`port`, or on all addresses with that port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def holder(port: int) -> str:
    """Name the program that listens on a port, as far as this user may know."""
    for socket_ in psutil.net_connections("tcp"):
        if socket_.status == psutil.CONN_LISTEN and socket_.pid and socket_.laddr and socket_.laddr.port == port:
            return f"{psutil.Process(socket_.pid).name()} (process {socket_.pid})"
    return "another program"


def free_port(preferred: int = 0) -> int:
    """Return `preferred` if it is free, else one that the kernel gives."""
    if preferred and is_free(preferred):
        return preferred
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _read_json(path: Path) -> dict:
    return json.loads(path.read_text()) if path.exists() else {}


def _write_private_json(path: Path, value: dict) -> None:
    temporary = path.with_suffix(".new")
    temporary.touch(mode=0o600)
    temporary.write_text(json.dumps(value, indent=2))
    temporary.replace(path)
