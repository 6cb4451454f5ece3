"""Wait for a Gretel model in the triggerer, holding no worker slot."""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any, TypeVar

from airflow.triggers.base import BaseTrigger, TriggerEvent

from hooks.gretel import GretelHook
from hooks.gretel_errors import GretelError

if TYPE_CHECKING:
    from hooks.gretel_watch import Look, ModelWatch

T = TypeVar("T")

# A thread is busy for one request per look. Threads of our own: a Gretel that hangs must not stop other triggers.
POLL_THREADS = 16
LOG_POSITION_KEY = "gretel_log_position"
KILL_READ_TIMEOUT = 5.0  # on_kill() as a whole is given 30 s by default
KILL_TRIES = 3
OWNED_BY_NEW_TRY = {"running", "deferred"}


class GretelModelTrigger(BaseTrigger):
    """Fires once the model has ended, cannot be read any longer, or took too long.

    The event is `{"status": …, "message": …}`: one of Gretel's terminal statuses, or one of hooks.gretel_watch's own.

    :param gretel_conn_id: Airflow connection to Gretel
    :param project: name, id or guid of the model's project
    :param model_id: the model
    :param model_name: its name, which its training data carries too
    :param poll_interval: seconds between two looks
    :param deadline: Unix time at which waiting ends
    :param error_tolerance: seconds for which Gretel may be out of reach
    """

    def __init__(
        self,
        *,
        gretel_conn_id: str,
        project: str,
        model_id: str,
        model_name: str,
        poll_interval: float,
        deadline: float,
        error_tolerance: float,
    ) -> None:
        super().__init__()
        self.gretel_conn_id = gretel_conn_id
        self.project = project
        self.model_id = model_id
        self.model_name = model_name
        self.poll_interval = poll_interval
        self.deadline = deadline
        self.error_tolerance = error_tolerance

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Class and arguments, from which any triggerer makes this trigger again."""
        return (
            "triggers.gretel.GretelModelTrigger",
            {
                "gretel_conn_id": self.gretel_conn_id,
                "project": self.project,
                "model_id": self.model_id,
                "model_name": self.model_name,
                "poll_interval": self.poll_interval,
                "deadline": self.deadline,
                "error_tolerance": self.error_tolerance,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look at the model until it has ended; its log goes into the task's log."""
        watch = await _in_thread(self.start_watch)
        while True:
            look: Look = await _in_thread(watch.look)
            self.show(look)
            if look.lines:
                await _in_thread(partial(self._remember_position, watch.seen))
            if look.outcome is not None:
                yield TriggerEvent(look.outcome)
                return
            await asyncio.sleep(self.poll_interval)

    async def on_kill(self) -> None:
        """Cancel the model: somebody cleared or marked the task. Not called when the triggerer restarts."""
        if await _in_thread(self._new_try_took_over):
            self.log.info("A new try already waits for Gretel model %s; it goes on.", self.model_id)
            return
        await _in_thread(self._cancel_model)

    def start_watch(self, hook: GretelHook | None = None) -> ModelWatch:
        from hooks.gretel_watch import ModelWatch

        return ModelWatch(
            hook or GretelHook(self.gretel_conn_id),
            project=self.project,
            model_name=self.model_name,
            model_id=self.model_id,
            deadline=self.deadline,
            error_tolerance=self.error_tolerance,
            seen=self._known_position(),
        )

    def show(self, look: Look) -> None:
        for line in look.lines:
            self.log.info("%s", line)
        if look.warning:
            self.log.warning("%s Looking again in %g s.", look.warning, self.poll_interval)

    def _cancel_model(self) -> None:
        """Cancel the model and delete its training data, with a few quick tries."""
        from hooks.gretel_models import cancel_all

        hook = GretelHook(self.gretel_conn_id)
        hook.settings = replace(hook.settings, read_timeout=min(hook.settings.read_timeout, KILL_READ_TIMEOUT))
        for attempt in range(1, KILL_TRIES + 1):
            try:
                cancel_all(hook, hook.get_project(self.project), self.model_name)
            except GretelError as exc:
                if attempt == KILL_TRIES:
                    raise
                self.log.warning("%s Trying again.", exc)
                time.sleep(attempt)
            else:
                return

    # What Airflow knows of this task. Outside a triggerer there is no task, and nothing to ask or to store.

    def _new_try_took_over(self) -> bool:
        """Whether a cleared task is already at work again and has attached to this very model."""
        if self.task_instance is None:
            return False
        from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

        ti = self.task_instance
        states = RuntimeTaskInstance.get_task_states(
            dag_id=ti.dag_id, task_ids=[ti.task_id], run_ids=[ti.run_id], map_index=ti.map_index
        )
        key = ti.task_id if ti.map_index < 0 else f"{ti.task_id}_{ti.map_index}"
        return states.get(ti.run_id, {}).get(key) in OWNED_BY_NEW_TRY

    def _known_position(self) -> int:
        """Log position that an earlier triggerer reached, so that no line is shown twice."""
        if self.task_instance is None:
            return 0
        from airflow.sdk.bases.xcom import BaseXCom

        stored = BaseXCom.get_one(key=LOG_POSITION_KEY, **self._xcom_owner())
        return stored["seq"] if isinstance(stored, dict) and stored.get("model_id") == self.model_id else 0

    def _remember_position(self, position: int) -> None:
        if self.task_instance is None:
            return
        from airflow.sdk.bases.xcom import BaseXCom

        value = {"model_id": self.model_id, "seq": position}
        BaseXCom.set(LOG_POSITION_KEY, value, **self._xcom_owner())

    def _xcom_owner(self) -> dict[str, Any]:
        ti = self.task_instance
        if ti is None:
            raise RuntimeError("no task instance")
        return {"dag_id": ti.dag_id, "task_id": ti.task_id, "run_id": ti.run_id, "map_index": ti.map_index}


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(POLL_THREADS, thread_name_prefix="gretel")


async def _in_thread(function: Callable[[], T]) -> T:
    """Run blocking code beside the event loop, with this trigger's logging context."""
    context = contextvars.copy_context()
    return await asyncio.get_running_loop().run_in_executor(_threads(), context.run, function)
