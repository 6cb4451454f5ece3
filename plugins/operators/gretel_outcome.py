"""What the end of a model means for the task that waited for it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk.exceptions import AirflowException

from hooks.gretel import GretelHook
from hooks.gretel_errors import GretelError, GretelFatalError
from hooks.gretel_watch import REFUSED, TIMEOUT, UNREACHABLE

COMPLETED = "completed"


def raise_unless_completed(
    hook: GretelHook, event: dict[str, Any], facts: dict[str, Any], *, waited: timedelta
) -> None:
    """Raise the one error that explains how the model ended, unless it is completed.

    A model that did not complete needs its training data no longer: it is deleted from Gretel's artifact store. After
    a timeout the model is cancelled first. While Gretel cannot be reached, or refuses, the model is left alone, as the
    next try attaches to it.

    :param event: `{"status": …, "message": …}`
    :param facts: `project_id`, `model_id` and `model_name`
    :param waited: how long the task was ready to wait
    """
    status, message = event["status"], str(event.get("message") or "").rstrip(".")
    if status == COMPLETED:
        return
    if status == UNREACHABLE:
        raise GretelError(f"{message}. The model may still be at work: the task's retry attaches to it.")
    if status == REFUSED:
        raise GretelFatalError(f"{message}. If the model is still at work, clearing the task attaches to it.")
    where = _clean_up(hook, facts, cancel=status == TIMEOUT)
    model = f"Gretel model {facts['model_name']} ({facts['model_id']})"
    match status:
        case "error":
            raise GretelFatalError(
                f"{model} failed: {message or 'no message'}. Its log is above. Correct the model config or the data, "
                f"then clear the task.{where}"
            )
        case "cancelled":
            raise GretelFatalError(
                f"{model} was cancelled in Gretel, by a person or another task. Clear the task to train again.{where}"
            )
        case "lost":
            raise GretelError(
                f"{model} was lost: Gretel's worker stopped answering{f' ({message})' if message else ''}. "
                f"The task's retry trains again.{where}"
            )
        case "timeout":
            raise GretelFatalError(
                f"{model} did not end within {waited} ({message}) and was cancelled. Raise the task's `timeout`, or "
                f"train on fewer rows or with a faster model, then clear the task.{where}"
            )
        case _:
            raise GretelFatalError(f"{model} ended with the unknown status {status!r}: {message}.{where}")


def _clean_up(hook: GretelHook, facts: dict[str, Any], *, cancel: bool) -> str:
    """Cancel and delete what is left in Gretel; where to read on, or what could not be cleaned up."""
    try:
        project = hook.get_project(facts["project_id"])
        if cancel:
            hook.cancel_model(hook.get_model(project, facts["model_id"]))
        hook.delete_training_data(project, facts["model_name"])
    except AirflowException as exc:
        hook.log.warning("%s", exc)
        return f" Cleaning up failed: {exc}"
    url = hook.console_url(project, facts["model_id"])
    return f" See {url}" if url else ""
