"""Following runs of a real Airflow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from local.airflow_api import AirflowApi
from local.health import wait_until

FINAL = {"success", "failed"}


@dataclass(frozen=True)
class Run:
    """One DAG run."""

    api: AirflowApi
    dag_id: str
    run_id: str

    @property
    def state(self) -> str:
        return self.api.run_state(self.dag_id, self.run_id)

    def tasks(self) -> dict[str, dict[str, Any]]:
        return {task["task_id"]: task for task in self.api.task_instances(self.dag_id, self.run_id)}

    def wait(self, seconds: float = 300) -> Run:
        """Wait for the run's end."""
        wait_until(
            lambda: None if self.state in FINAL else f"{self.dag_id} is {self.state}: {self.states()}", seconds=seconds
        )
        return self

    def wait_for_task(self, task_id: str, states: set[str], seconds: float = 120) -> None:
        def unmet() -> str | None:
            state = self.tasks()[task_id]["state"]
            return None if state in states else f"{task_id} is {state}, expected one of {states}"

        wait_until(unmet, seconds=seconds)

    def states(self) -> dict[str, str]:
        return {task_id: task["state"] for task_id, task in self.tasks().items()}

    def log(self, task_id: str) -> str:
        """The logs of all tries."""
        tries = range(1, self.tasks()[task_id]["try_number"] + 1)
        return "\n".join(self.api.log(self.dag_id, self.run_id, task_id, number) for number in tries)

    def xcoms(self) -> dict[tuple[str, str], Any]:
        """Every XCom of the run: (task, key) → value."""
        base = f"dags/{self.dag_id}/dagRuns/{self.run_id}/taskInstances"
        return {
            (task_id, entry["key"]): self.api.get(f"{base}/{task_id}/xcomEntries/{entry['key']}")["value"]
            for task_id in self.tasks()
            for entry in self.api.get(f"{base}/{task_id}/xcomEntries")["xcom_entries"]
        }


def trigger(api: AirflowApi, dag_id: str, conf: dict[str, Any] | None = None) -> Run:
    """Trigger a DAG as the web UI does, without a logical date."""
    api.wait_for_dag(dag_id)
    return Run(api, dag_id, api.trigger(dag_id, conf))
