"""The few calls of Airflow's REST API that the demo and the tests make."""

from __future__ import annotations

from typing import Any

import requests

from local.components.airflow import USER, Airflow
from local.health import StackError, wait_until

TIMEOUT = 30
LAST_LINES = 15


class AirflowApi:
    """A session with the api-server, logged in as the local administrator."""

    def __init__(self, airflow: Airflow) -> None:
        """Log in."""
        self.url = f"http://127.0.0.1:{airflow.port}"
        self.session = requests.Session()
        login = {"username": USER, "password": airflow.password}
        token = self.session.post(f"{self.url}/auth/token", json=login, timeout=TIMEOUT)
        token.raise_for_status()
        self.session.headers["Authorization"] = f"Bearer {token.json()['access_token']}"

    def wait_for_dag(self, dag_id: str, seconds: float = 90) -> None:
        """Return when the dag-processor has read the DAG.

        :raises StackError: with the import errors, if it does not appear.
        """

        def unmet() -> str | None:
            if self.session.get(f"{self.url}/api/v2/dags/{dag_id}", timeout=TIMEOUT).ok:
                return None
            errors = self.get("importErrors")["import_errors"]
            if errors:
                raise StackError("\n".join(f"{error['filename']}:\n{error['stack_trace']}" for error in errors))
            return f"the dag-processor has not read {dag_id} yet"

        wait_until(unmet, seconds=seconds, poll=0.5)

    def trigger(self, dag_id: str, conf: dict[str, Any] | None = None) -> str:
        """Start a manual run, without a logical date as the web UI's button may do; return its id."""
        run = self.post(f"dags/{dag_id}/dagRuns", {"logical_date": None, "conf": conf or {}})
        return str(run["dag_run_id"])

    def run_state(self, dag_id: str, run_id: str) -> str:
        """Return queued, running, success or failed."""
        return str(self.get(f"dags/{dag_id}/dagRuns/{run_id}")["state"])

    def task_instances(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Return the run's task instances in the order in which they started."""
        tasks = self.get(f"dags/{dag_id}/dagRuns/{run_id}/taskInstances")["task_instances"]
        return sorted(tasks, key=lambda task: (task["start_date"] is None, task["start_date"], task["task_id"]))

    def xcom(self, dag_id: str, run_id: str, task_id: str) -> Any:
        """Return what a task returned."""
        path = f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/return_value"
        return self.get(path, deserialize="true")["value"]

    def log(self, dag_id: str, run_id: str, task_id: str, try_number: int = 1, map_index: int = -1) -> str:
        """Return a try's log as text, one event a line."""
        return "\n".join(_text(event) for event in self._events(dag_id, run_id, task_id, try_number, map_index))

    def errors(self, dag_id: str, run_id: str) -> str:
        """Say what failed a run: every failed task, and why."""
        failed = [task for task in self.task_instances(dag_id, run_id) if task["state"] == "failed"]
        reasons = [f"{task['task_id']}: {self._error(dag_id, run_id, task)}" for task in failed]
        return f"run {run_id} of {dag_id} failed.\n" + "\n".join(reasons)

    def _error(self, dag_id: str, run_id: str, task: dict[str, Any]) -> str:
        """What failed a task instance at its latest try, or the end of its log where that holds no error."""
        events = self._events(dag_id, run_id, task["task_id"], task["try_number"], task["map_index"])
        errors = [error for event in events for error in _errors(event)]
        return "\n".join(errors or [_text(event) for event in events[-LAST_LINES:]])

    def _events(self, dag_id: str, run_id: str, task_id: str, try_number: int, map_index: int) -> list[Any]:
        path = f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/logs/{try_number}"
        events: list[Any] = self.get(path, full_content="true", map_index=str(map_index))["content"]
        return events

    def has_queued_events(self, dag_id: str) -> bool:
        """Whether assets have announced updates for which the DAG's run is not created yet."""
        return bool(self.get(f"dags/{dag_id}/assets/queuedEvents")["total_entries"])

    def unpause(self, dag_id: str) -> None:
        """Let the DAG's runs begin."""
        self._answer(self.session.patch(f"{self.url}/api/v2/dags/{dag_id}", json={"is_paused": False}, timeout=TIMEOUT))

    def get(self, path: str, **query: str) -> Any:
        """GET below /api/v2."""
        return self._answer(self.session.get(f"{self.url}/api/v2/{path}", params=query, timeout=TIMEOUT))

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """POST below /api/v2."""
        return self._answer(self.session.post(f"{self.url}/api/v2/{path}", json=body, timeout=TIMEOUT))

    @staticmethod
    def _answer(response: requests.Response) -> Any:
        if not response.ok:
            raise StackError(f"Airflow answered {response.status_code} to {response.url}: {response.text}")
        return response.json()


def _text(event: Any) -> str:
    """One structured log event as text, with the error it carries."""
    if not isinstance(event, dict):
        return str(event)
    return "\n".join([str(event.get("event", event)), *_errors(event)])


def _errors(event: Any) -> list[str]:
    """The exceptions that a structured log event carries."""
    details = event.get("error_detail") if isinstance(event, dict) else None
    return [f"{error['exc_type']}: {error['exc_value']}" for error in details or []]
