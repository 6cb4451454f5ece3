"""Running programs under supervisord: start, stop, look, and leave no orphan whatever happens.

Supervisor (https://supervisord.org) restarts what crashes, keeps logs and stops whole process groups. What it does not
know is readiness: `local.stack` waits for each component's own health check.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault, ServerProxy

from supervisor.xmlrpc import SupervisorTransport

from local.health import StackError, wait_until
from local.settings import REPOSITORY, Home

# The kernel sends this to a program whose parent died, even by SIGKILL: no orphans.
END_WITH_PARENT = ("setpriv", "--pdeathsig", "TERM")


@dataclass(frozen=True)
class Program:
    """One long-running process.

    :param command: the argument vector; no shell is involved.
    :param env: variables on top of the caller's environment. All programs see them: they are handed to supervisord,
        whose configuration file cannot carry every value and is no place for secrets.
    :param user: run as this user (only root can ask for that).
    :param stop_signal: what ends it cleanly.
    :param signal_group: send that signal to its children as well.
    """

    name: str
    command: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    stop_signal: str = "TERM"
    signal_group: bool = True

    @property
    def argv(self) -> list[str]:
        """The command as it is executed: as its user, and ended by the kernel when its parent dies."""
        become = ["--reuid", self.user, "--regid", self.user, "--init-groups"] if self.user else []
        return [*END_WITH_PARENT, *become, *self.command]


class Supervisor:
    """A supervisord of this stack's own, controlled over a Unix socket."""

    def __init__(self, home: Home) -> None:
        """Bind to the stack at `home`; nothing is started."""
        self._home = home
        self._config = home.run / "supervisord.conf"

    @property
    def running(self) -> bool:
        """Whether a supervisord answers on the socket; one that is stopping everything is waited for."""
        wait_until(lambda: "an earlier stack is still stopping" if self._state() == "stopping" else None, seconds=90)
        return self._state() == "running"

    def _state(self) -> str:
        try:
            self._rpc.getState()
        except OSError:
            return "gone"
        except Fault as fault:
            if "SHUTDOWN_STATE" not in fault.faultString:
                raise
            return "stopping"
        return "running"

    def launch(self, programs: Sequence[Program], *, detached: bool) -> None:
        """Start supervisord with all programs stopped.

        :param detached: outlive the caller (`make up`); otherwise it ends when the caller does, even by SIGKILL.
        """
        self._write_config(programs)
        command = [sys.executable, "-m", "supervisor.supervisord", "--nodaemon", "-c", str(self._config)]
        log = self._home.logs / "supervisord.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                command if detached else [*END_WITH_PARENT, *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=REPOSITORY,
                env=os.environ | {name: value for program in programs for name, value in program.env.items()},
                start_new_session=True,  # Ctrl-C reaches the caller alone, which then stops the stack in order
            )

        def answers() -> str | None:
            if process.poll() is not None:
                raise StackError(f"supervisord ended at once with status {process.returncode}; see {log}")
            return None if self.running else "supervisord does not answer yet"

        wait_until(answers, seconds=30)

    def start(self, name: str) -> None:
        """Start one program, unless it runs already."""
        try:
            self._rpc.startProcess(name, False)
        except Fault as fault:
            if "ALREADY_STARTED" not in fault.faultString:
                raise StackError(f"{name} did not start: {fault.faultString}; see {self.log(name)}") from fault

    def stop(self, name: str) -> None:
        """Stop one program and return when it has ended."""
        self._rpc.stopProcess(name, True)

    def state(self, name: str) -> str:
        """Supervisor's word for it: RUNNING, STARTING, BACKOFF, FATAL, STOPPED …."""
        info: Any = self._rpc.getProcessInfo(name)
        return str(info["statename"])

    def log(self, name: str) -> Path:
        """The file that holds what the program prints."""
        return self._home.logs / f"{name}.log"

    def shutdown(self) -> None:
        """Stop every program in reverse order, then supervisord itself; return when all are gone."""
        if not self.running:
            return
        pid = int(self._rpc.getPID())
        self._rpc.shutdown()
        wait_until(lambda: f"supervisord ({pid}) has not ended" if _alive(pid) else None, seconds=90)

    @property
    def _rpc(self) -> Any:
        transport = SupervisorTransport(None, None, f"unix://{self._home.control_socket}")
        return ServerProxy("http://127.0.0.1", transport=transport).supervisor

    def _write_config(self, programs: Sequence[Program]) -> None:
        run, logs = self._home.run, self._home.logs
        sections = [
            f"[unix_http_server]\nfile={self._home.control_socket}\nchmod=0700",
            "[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface",
            f"[supervisord]\npidfile={run}/supervisord.pid\nlogfile=/dev/null\nlogfile_maxbytes=0\nchildlogdir={logs}\n"
            "minfds=4096",
            *(self._section(program, priority) for priority, program in enumerate(programs, start=1)),
        ]
        self._config.touch(mode=0o600)
        self._config.write_text("\n\n".join(sections) + "\n")

    def _section(self, program: Program, priority: int) -> str:
        command = " ".join(f'"{_quoted(word)}"' for word in program.argv)
        return "\n".join(
            [
                f"[program:{program.name}]",
                f"command={command}",
                f"directory={REPOSITORY}",
                f"priority={priority}",
                "autostart=false",
                "autorestart=true",
                "startsecs=1",
                "startretries=2",
                f"stopsignal={program.stop_signal}",
                "stopwaitsecs=30",
                f"stopasgroup={str(program.signal_group).lower()}",
                "killasgroup=true",
                "redirect_stderr=true",
                f"stdout_logfile={self.log(program.name)}",
                "stdout_logfile_maxbytes=20MB",
                "stdout_logfile_backups=1",
            ]
        )


def _quoted(text: str) -> str:
    """Escape for supervisord.conf, which expands `%(name)s` and splits like a shell."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")


def _alive(pid: int) -> bool:
    """Whether the process exists and is not a zombie."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)  # our own child must be reaped to disappear
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
