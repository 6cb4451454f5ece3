"""Following runs of Airflow on the terminal."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from local.airflow_api import AirflowApi
from local.health import StackError

RUN_SECONDS = 600
PASSING = {None, "none", "scheduled", "queued", "removed"}  # on the way to the states that tell something
Say = Callable[[str], None]


def follow(api: AirflowApi, dag_id: str, run_id: str, say: Say) -> None:
    """Say every change of every task's state until the run has ended.

    :raises StackError: it failed, with the errors that failed it; or it did not end in time.
    """
    seen: dict[str, str | None] = {}
    started = time.monotonic()
    while (state := api.run_state(dag_id, run_id)) not in {"success", "failed"}:
        _say_changes(api, dag_id, run_id, seen, lambda line: say(f"{time.monotonic() - started:5.1f} s  {line}"))
        if time.monotonic() - started > RUN_SECONDS:
            raise StackError(f"{dag_id} did not end within {RUN_SECONDS} s; it is {state!r}. See the logs: make logs")
        time.sleep(0.5)
    _say_changes(api, dag_id, run_id, seen, lambda line: say(f"{time.monotonic() - started:5.1f} s  {line}"))
    if state == "failed":
        raise StackError(api.errors(dag_id, run_id))


def seconds(task: dict[str, Any]) -> float:
    """How long a task instance took, from its first start to its end, waiting included."""
    if not task["start_date"] or not task["end_date"]:
        return 0.0
    return (datetime.fromisoformat(task["end_date"]) - datetime.fromisoformat(task["start_date"])).total_seconds()


def _say_changes(api: AirflowApi, dag_id: str, run_id: str, seen: dict[str, str | None], say: Say) -> None:
    for task in api.task_instances(dag_id, run_id):
        name = task["task_id"] if task["map_index"] < 0 else f"{task['task_id']}[{task['map_index']}]"
        if task["state"] != seen.get(name):
            seen[name] = task["state"]
            if task["state"] not in PASSING:
                say(f"{name}: {task['state']}")
