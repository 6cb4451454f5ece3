"""Airflow's command line as a user has it, without paying for its start (seconds) at every command.

`AirflowCli` starts one process that imports Airflow and then forks for every command: each runs `airflow …` from the
beginning in a process of its own, with no terminal.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    status: int
    out: str
    err: str


class AirflowCli:
    """Runs `airflow …` against one deployment.

    :param env: the deployment's environment.
    :param folder: for what the commands write.
    """

    def __init__(self, env: dict[str, str], folder: Path) -> None:
        self._folder = folder
        self._count = 0
        self._server = subprocess.Popen(
            [sys.executable, __file__],
            env={**os.environ, **env, "PYTHONSAFEPATH": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            process_group=0,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        os.killpg(self._server.pid, signal.SIGKILL)  # with a command that a failed test left running
        self._server.wait()

    def start(self, *words: str) -> Command:
        """Start `airflow words…`; one at a time."""
        self._count += 1
        out, err = (self._folder / f"{self._count}.{stream}" for stream in ("out", "err"))
        out.touch()
        err.touch()
        assert self._server.stdin
        assert self._server.stdout
        self._server.stdin.write(json.dumps([str(out), str(err), *words]) + "\n")
        return Command(self._server, int(self._server.stdout.readline()), out, err)

    def run(self, *words: str) -> Done:
        """Run `airflow words…` to its end."""
        return self.start(*words).wait()


@dataclass(frozen=True)
class Command:
    """A command that runs."""

    server: subprocess.Popen[str]
    pid: int
    out: Path
    err: Path

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        os.kill(self.pid, signal.SIGINT)

    def wait(self) -> Done:
        assert self.server.stdout
        return Done(int(self.server.stdout.readline()), self.out.read_text(), self.err.read_text())


def serve() -> None:
    """Answer every line of stdin, a JSON list of two files and a command's words, by its pid and its exit status."""
    import airflow.__main__

    import backfill.command  # noqa: F401  what takes longest

    for line in sys.stdin:
        out, err, *words = json.loads(line)
        pid = os.fork()
        if pid == 0:
            for path, descriptor in ((os.devnull, 0), (out, 1), (err, 2)):
                os.dup2(os.open(path, os.O_RDWR), descriptor)
            sys.argv = ["airflow", *words]
            airflow.__main__.main()
            sys.exit(0)
        print(pid, flush=True)  # noqa: T201
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)  # noqa: T201


if __name__ == "__main__":
    serve()
