"""The local stack: everything the DAGs talk to, and Airflow, on one machine without containers.

The DAGs do not know it: they see Airflow connections, and the same connections lead to the real services in production.
"""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from local.components.airflow import Airflow
from local.components.base import Component
from local.components.gretel import Gretel
from local.components.mariadb import MariaDB
from local.components.postgres import Postgres
from local.components.redshift import Redshift
from local.components.s3 import S3Server
from local.health import StackError, wait_until
from local.settings import DEFAULT_HOME, REPOSITORY, Home, holder, is_free
from local.supervision import Supervisor

NEEDED_BYTES = 2**30  # twice what the demo's data, logs and databases' own files take


class Stack:
    """All components, started in order and stopped in reverse.

    As a context manager it starts everything and stops it again, also when the caller is killed.

    :param path: the stack's folder; two folders make two independent stacks.
    :param with_airflow: False for tests that need the engines alone.
    :param dags_folder: the DAG files Airflow serves.
    :param say: gets one line per step.
    """

    def __init__(
        self,
        path: Path = DEFAULT_HOME,
        *,
        with_airflow: bool = True,
        dags_folder: Path = REPOSITORY / "dags",
        say: Callable[[str], None] = lambda _line: None,
    ) -> None:
        """Describe the stack; nothing is started."""
        self._say = say
        self._path = path
        self._with_airflow = with_airflow
        self._dags_folder = dags_folder
        self._assemble()

    def _assemble(self) -> None:
        self.home = Home(self._path)
        self.supervisor = Supervisor(self.home)
        self.postgres = Postgres(self.home)
        self.s3 = S3Server(self.home)
        self.gretel = Gretel(self.home)
        self.mariadb = MariaDB(self.home)
        self.redshift = Redshift(self.home, self.postgres, self.s3)
        self.engines: list[Component] = [self.postgres, self.s3, self.gretel, self.mariadb, self.redshift]
        self.connections = {name: uri for engine in self.engines for name, uri in engine.connections().items()}
        self.airflow = Airflow(self.home, self.postgres, self.connections, self._dags_folder)
        self.components = [*self.engines, *([self.airflow] if self._with_airflow else [])]

    @property
    def running(self) -> bool:
        """Whether this stack's process manager is up."""
        return self.supervisor.running

    def start(self, *, detached: bool = False) -> None:
        """Start what does not run yet and wait until all of it serves.

        A stack that does not come up is stopped again; one that ran before goes on as it is.

        :param detached: go on running after the caller ended.
        :raises StackError: naming the component, what is wrong and its log.
        """
        ran_before = self.running
        if not ran_before:
            self.launch(detached=detached)
        try:
            for component in self.components:
                self.start_component(component)
        except BaseException:
            if not ran_before:
                self.stop()
            raise

    def launch(self, *, detached: bool = False) -> None:
        """Prepare all components and start their process manager, without starting them yet.

        :raises StackError: the disk is nearly full, which would fail one of them with a message of its own.
        """
        if (free := shutil.disk_usage(self.home.path).free) < NEEDED_BYTES:
            raise StackError(
                f"{self.home.path} has {free / 2**20:,.0f} MiB of disk space left, and the stack needs "
                f"{NEEDED_BYTES / 2**20:,.0f}: make room, or set LOCAL_STACK to a folder on a larger disk"
            )
        for message in self.home.avoid_taken_ports():
            self._say(f"{message}: another one is used")
        self._assemble()  # the ports may be others now
        for component in self.components:
            component.prepare()
        self._write_airflow_env()
        self.supervisor.launch([program for c in self.components for program in c.programs()], detached=detached)

    def stop(self) -> None:
        """Stop everything in reverse order; does nothing when it is down."""
        self.supervisor.shutdown()

    def states(self) -> dict[str, str]:
        """Program name → the supervisor's state and, where one is ill, why."""
        if not self.running:
            return {}
        states = {}
        for component in self.components:
            complaint = component.unhealthy()
            for program in component.programs():
                state = self.supervisor.state(program.name)
                states[program.name] = f"{state}: {complaint}" if complaint else state
        return states

    def start_component(self, component: Component) -> None:
        """Start one component and wait until it serves."""
        if isinstance(component, Airflow):
            self._say("airflow: migrating its metadata database")
            component.migrate()
        names = [program.name for program in component.programs()]
        stopped = all(self.supervisor.state(name) == "STOPPED" for name in names)
        taken = [port for port in component.ports if stopped and not is_free(port)]
        if taken:
            # It was free when it was chosen; whoever has it now would answer our health check.
            raise StackError(f"port {taken[0]}, chosen for {component.name}, was taken since by {holder(taken[0])}")
        for name in names:
            self.supervisor.start(name)

        def unmet() -> str | None:
            complaint = component.unhealthy()
            given_up = [name for name in names if self.supervisor.state(name) in {"FATAL", "EXITED"}]
            if given_up:
                raise StackError(f"{given_up[0]} does not run:\n{_tail(self.supervisor.log(given_up[0]))}")
            return complaint

        try:
            wait_until(unmet, seconds=component.start_seconds)
        except StackError as error:
            logs = ", ".join(str(self.supervisor.log(name)) for name in names)
            raise StackError(f"{component.name} did not come up: {error}\nIts log: {logs}") from error
        component.after_start()
        self._say(f"{component.name}: up")

    def _write_airflow_env(self) -> None:
        """Write the environment that `./airflow` reads."""
        path = self.home.run / "airflow.env"
        path.touch(mode=0o600)
        path.write_text("".join(f"export {name}={shlex.quote(value)}\n" for name, value in self.airflow.env.items()))

    def __enter__(self) -> Self:
        """Start everything; ends with the caller."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop everything."""
        self.stop()


def _tail(path: Path, lines: int = 25) -> str:
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else "(no log)"


def describe(states: dict[str, str]) -> Sequence[str]:
    """One aligned line per program."""
    width = max(map(len, states), default=0)
    return [f"{name:<{width}}  {state}" for name, state in states.items()]
