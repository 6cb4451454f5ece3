"""Holds a worker to its limits."""

import threading
import time

import psutil

from services.gretel.jobs.process import WorkerProcess
from services.gretel.settings import MIB

LOOK_SECONDS = 0.5


class Guard:
    """Kills a worker that takes too long or too much memory. A context: watches for as long as it is entered.

    Memory is what the worker and the processes it started hold in RAM, looked at twice a second: a limit on address
    space would stop threads that need none. Hard limits are the container's business.

    :param seconds: longest it may run.
    :param memory_mib: most memory it may hold; 0 = no limit.
    """

    def __init__(self, worker: WorkerProcess, *, seconds: float, memory_mib: int) -> None:
        self._worker = worker
        self._seconds = seconds
        self._memory_mib = memory_mib
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, name=f"guard-{worker.pid}", daemon=True)
        self.verdict: str | None = None
        """Why the worker was killed, if it was."""

    def __enter__(self) -> "Guard":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        deadline = time.monotonic() + self._seconds
        while not self._done.wait(min(LOOK_SECONDS, self._seconds)):
            if time.monotonic() >= deadline:
                self.verdict = (
                    f"The job ran for {self._seconds:g} seconds, the longest this service allows, and was stopped. "
                    "Train on fewer rows, or have the service's operator raise the limit."
                )
            elif self._memory_mib and resident_mib(self._worker.pid) > self._memory_mib:
                self.verdict = (
                    f"The job needed more than {self._memory_mib} MiB of memory, the most this service allows, and was "
                    "stopped. Train on fewer rows or columns, or have the service's operator raise the limit."
                )
            if self.verdict:
                self._worker.kill()
                return


def resident_mib(pid: int) -> float:
    """Memory that a process and its descendants hold, in MiB; 0 if it has ended."""
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
        return sum(member.memory_info().rss for member in family) / MIB
    except psutil.NoSuchProcess:
        return 0.0
