"""A worker process, seen from the service."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from services.gretel.settings import PREFIX

ROOT = Path(__file__).resolve().parents[3]


class WorkerProcess:
    """A process that runs one job and ends.

    It is started ahead of its job, so that the libraries are loaded when the job comes. It is the leader of a process
    group of its own, so that killing it takes along whatever it started. Its standard input is a pipe that only the
    service holds open: when the service dies, however it dies, the worker reads the end of it and kills itself.

    :param threads: threads that numerical libraries may use.
    """

    def __init__(self, *, threads: int) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), environment.get("PYTHONPATH", "")]))
        for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "LOKY_MAX_CPU_COUNT"):
            environment.setdefault(variable, str(threads))
        # Threads that spin while they wait take the processor from those they wait for: on a busy machine, minutes
        # instead of seconds.
        environment.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        self._lock = threading.Lock()  # a process that was reaped must not be killed: its number may be another's
        self._process = subprocess.Popen(  # our own module
            [sys.executable, "-m", "services.gretel.jobs.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        with self._lock:
            return self._process.poll() is None

    def send(self, job: dict[str, Any]) -> None:
        """Give it its job. A worker that has died takes none; `events` then ends at once."""
        pipe = self._process.stdin
        if pipe is None:
            raise RuntimeError("a worker's standard input is a pipe")
        try:
            pipe.write(json.dumps(job).encode() + b"\n")
            pipe.flush()
        except BrokenPipeError:
            return

    def events(self) -> Iterator[dict[str, Any]]:
        """Yield what it reports, until it ends."""
        pipe = self._process.stdout
        if pipe is None:
            raise RuntimeError("a worker's standard output is a pipe")
        for line in pipe:
            if line.endswith(b"\n"):  # a worker killed while it wrote leaves half a line
                yield json.loads(line)

    def kill(self) -> None:
        """Kill it and what it started, at once."""
        with self._lock:
            if self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGKILL)

    def wait(self) -> int:
        """Wait for its end; returns the exit code, negative for a signal."""
        with suppress(ChildProcessError):  # reaped already
            os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
        with self._lock:
            code = self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        return code
