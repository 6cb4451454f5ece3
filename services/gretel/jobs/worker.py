"""The worker process: `python -m services.gretel.jobs.worker`, started by the service.

It loads the libraries, reads one job (a line of JSON) from standard input, runs it, reports events (lines of JSON) on
standard output, and ends. The end of standard input means that the service is gone: it then kills itself and
whatever it started.
"""

import base64
import json
import logging
import os
import queue
import signal
import sys
import threading
import traceback
from typing import Any, BinaryIO

from services.gretel.jobs.errors import JobError
from services.gretel.store.files import OUT_OF_SPACE

PIPE_BYTES = 65536


class Reporter:
    """Sends events to the service."""

    def __init__(self, pipe: BinaryIO) -> None:
        self._pipe = pipe

    def send(self, event: str, **fields: Any) -> None:
        self._pipe.write(json.dumps({"event": event, **fields}, default=str).encode() + b"\n")
        self._pipe.flush()

    def log(self, stage: str, msg: str, ctx: dict[str, Any] | None = None) -> None:
        """Send a log line.

        :param stage: pre, train, run, evaluate or post.
        """
        self.send("log", stage=stage, msg=msg, ctx=ctx or {})


def main() -> None:
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s worker %(process)d %(levelname)s %(message)s")
    # Standard output carries the events: whatever else prints there goes to the log.
    reporter = Reporter(os.fdopen(os.dup(sys.stdout.fileno()), "wb"))
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    inbox: queue.Queue[dict[str, Any]] = queue.Queue()
    threading.Thread(target=_listen, args=(inbox,), daemon=True).start()

    from services.gretel.jobs.generation import generate
    from services.gretel.jobs.training import train

    job = inbox.get()
    reporter.send("started")
    try:
        if job["kind"] == "model":
            train(job, reporter.log)
        else:
            generate(job, reporter.log)
    except Exception as error:  # noqa: BLE001  # whatever it is, the job's owner must see it
        reporter.send("failed", **describe(error))
    else:
        reporter.send("done")


def describe(error: Exception) -> dict[str, str | None]:
    """Say what a job's owner may see of an error.

    Only errors that were raised for the owner's eyes are quoted: the text of any other may hold a value of the data.
    """
    if isinstance(error, JobError):
        return {"error_msg": str(error), "traceback": None}
    frames = "".join(traceback.format_tb(error.__traceback__))
    encoded = base64.b64encode(f"{frames}{type(error).__name__}".encode()).decode()
    if isinstance(error, MemoryError):
        message = "Out of memory: train on fewer rows or columns, or let the service's operator give workers more."
    elif isinstance(error, OSError) and error.errno in OUT_OF_SPACE:
        message = "The service has no disk space left; nothing of this job was kept. Ask its operator to free some."
    else:
        message = f"Unexpected {type(error).__name__}; the traceback says where. This is a fault of the service."
    return {"error_msg": message, "traceback": encoded}


def _listen(inbox: "queue.Queue[dict[str, Any]]") -> None:
    received = b""
    while chunk := os.read(0, PIPE_BYTES):
        received += chunk
        if received.endswith(b"\n"):
            inbox.put(json.loads(received))
            received = b""
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
