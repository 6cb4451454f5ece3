"""Runs queued jobs: one thread per worker slot, one process per job."""

import base64
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from services.gretel.artifact_files import MODEL_ARCHIVE
from services.gretel.jobs.guard import Guard
from services.gretel.jobs.process import WorkerProcess
from services.gretel.settings import Settings
from services.gretel.store.artifacts import ArtifactStore, file_id
from services.gretel.store.files import Files, put_in_place, remove
from services.gretel.store.job_types import Job, Status
from services.gretel.store.jobs import JobStore

log = logging.getLogger(__name__)

RETRY_SECONDS = 5.0

T = TypeVar("T")


class Dispatcher:
    """Hands queued jobs to workers, first come first served, with projects taking turns.

    Workers only read their input and write to a directory of their own; all changes of state are made here, so a
    worker that was given up can change nothing any more.
    """

    def __init__(self, settings: Settings, jobs: JobStore, artifacts: ArtifactStore, files: Files) -> None:
        self._settings = settings
        self._jobs = jobs
        self._artifacts = artifacts
        self._files = files
        self._stopping = threading.Event()
        self._queued = threading.Condition()
        self._running: dict[str, WorkerProcess] = {}
        self._spare: WorkerProcess | None = None
        self._slots = [
            threading.Thread(target=self._slot, name=f"worker-slot-{number}", daemon=True)
            for number in range(1, settings.workers + 1)
        ]

    @property
    def healthy(self) -> bool:
        return all(slot.is_alive() for slot in self._slots)

    def start(self) -> None:
        """Settle what the last stop interrupted, then begin to work."""
        self._settle_interrupted()
        self._spare = self._spawn()
        for slot in self._slots:
            slot.start()

    def stop(self) -> None:
        """Kill the workers and end; what they were doing is settled at the next start."""
        self._stopping.set()
        with self._queued:
            for worker in filter(None, (self._spare, *self._running.values())):
                worker.kill()
            self._queued.notify_all()
        for slot in self._slots:
            slot.join()
        if self._spare is not None:
            self._spare.wait()

    def wake(self) -> None:
        """Tell the slots that the queue has changed."""
        with self._queued:
            self._queued.notify_all()

    def kill(self, uid: str) -> None:
        """Kill the worker of a job that was cancelled or deleted, if one runs it."""
        with self._queued:
            worker = self._running.get(uid)
        if worker is not None:
            worker.kill()

    def _settle_interrupted(self) -> None:
        for job in self._jobs.unfinished():
            if job.status == Status.CREATED:
                continue
            if job.attempt >= self._settings.job_attempts:
                self._jobs.fail(
                    job.uid,
                    Status.LOST,
                    f"The service stopped while this job was running (start {job.attempt} of "
                    f"{self._settings.job_attempts}). Submit it again.",
                )
            else:
                self._jobs.requeue(job.uid)
                self._jobs.log(
                    job.uid,
                    "pre",
                    "The service stopped while this job was running; it starts again from the beginning.",
                    {"start": job.attempt + 1, "of": self._settings.job_attempts},
                )

    def _slot(self) -> None:
        while (job := self._next_job()) is not None:
            try:
                self._run(job)
            except Exception:
                log.exception("job %s: the dispatcher failed", job.uid)
                self._fail(job, "Internal error of the service's queue; its log holds the details.")

    def _take_worker(self) -> WorkerProcess:
        """Take the worker that stands ready, and have the next one get ready."""
        with self._queued:
            worker, self._spare = self._spare, None if self._stopping.is_set() else self._spawn()
        if worker is not None and worker.alive:
            return worker
        if worker is not None:
            worker.wait()
        return self._spawn()

    def _spawn(self) -> WorkerProcess:
        return WorkerProcess(threads=max(1, (os.cpu_count() or 1) // self._settings.workers))

    def _next_job(self) -> Job | None:
        """Wait for a job; None when the service stops."""
        with self._queued:
            while not self._stopping.is_set():
                try:
                    job = self._jobs.claim()
                except sqlite3.OperationalError:
                    log.exception("the queue cannot be read; trying again")
                    self._queued.wait(RETRY_SECONDS)
                    continue
                if job is not None:
                    return job
                self._queued.wait()
        return None

    def _run(self, job: Job) -> None:
        """Run one job to its end."""
        began = time.monotonic()
        output = self._files.new_staging_directory()
        worker = self._take_worker()
        with self._queued:
            self._running[job.uid] = worker
            if self._stopping.is_set():
                worker.kill()
        limits = {"seconds": self._settings.job_seconds, "memory_mib": self._settings.worker_memory_mib}
        try:
            with Guard(worker, **limits) as guard:
                worker.send(self._order(job, str(output)))
                ended = self._follow(job, worker, output)
            if not ended and not self._stopping.is_set():
                self._fail(job, guard.verdict or _obituary(worker.wait()))
        finally:
            with self._queued:
                del self._running[job.uid]
            worker.kill()
            worker.wait()
            remove(output)
            self._persist(partial(self._jobs.add_seconds, job, time.monotonic() - began))

    def _order(self, job: Job, output: str) -> dict[str, Any]:
        """What the worker is told."""
        order: dict[str, Any] = {
            "uid": job.uid,
            "kind": job.kind,
            "model_type": job.model_type,
            "config": job.config,
            "task": job.task,
            "output": output,
        }
        if job.kind == "model" and job.data_source is not None:
            artifact = self._artifacts.get(job.data_source)
            order["input"] = str(self._files.artifact(job.project_id, file_id(job.data_source)))
            order["filename"] = artifact.filename if artifact else job.data_source
        elif job.model_uid is not None:
            order["model"] = str(self._files.job(job.project_id, job.model_uid) / MODEL_ARCHIVE)
        return order

    def _follow(self, job: Job, worker: WorkerProcess, output: Path) -> bool:
        """Note what the worker reports; True if it came to an end of its own."""
        for event in worker.events():
            if event["event"] == "started":
                if not self._persist(partial(self._jobs.activate, job.uid)):
                    worker.kill()
            elif event["event"] == "log":
                self._persist(partial(self._jobs.log, job.uid, event["stage"], event["msg"], event["ctx"]))
            elif event["event"] == "failed":
                log.warning("job %s failed: %s%s", job.uid, event["error_msg"], _frames(event["traceback"]))
                self._fail(job, event["error_msg"], event["traceback"])
                return True
            elif event["event"] == "done":
                publish = partial(put_in_place, output, self._files.job(job.project_id, job.uid))
                self._persist(partial(self._jobs.complete, job.uid, publish=publish))
                return True
        return False

    def _fail(self, job: Job, error_msg: str, traceback: str | None = None) -> None:
        self._persist(partial(self._jobs.fail, job.uid, Status.ERROR, error_msg, traceback))

    def _persist(self, change: Callable[[], T]) -> T | None:
        """Make a change that must not be lost, trying until the database takes it; None if the service stops first."""
        while True:
            try:
                return change()
            except sqlite3.OperationalError:
                log.exception("a job's state cannot be written; trying again")
                if self._stopping.wait(RETRY_SECONDS):
                    return None


def _frames(traceback: str | None) -> str:
    """What a worker says of where a fault is, as lines to follow a message; nothing where the owner is at fault."""
    return "" if traceback is None else "\n" + base64.b64decode(traceback).decode()


def _obituary(code: int) -> str:
    """Say how a worker ended that did not say so itself."""
    if code < 0:
        return f"The worker was killed by signal {-code}; the machine may have run out of memory. Submit it again."
    return f"The worker ended with exit code {code} before the job was done; the service's log says why."
