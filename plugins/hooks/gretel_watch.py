"""Follow one model to its end, one request per look: shared by the trigger and by tasks that wait on their worker."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hooks.gretel import GretelHook
from hooks.gretel_errors import GretelError, GretelFatalError
from hooks.gretel_models import attach

if TYPE_CHECKING:
    from gretel_client.projects.models import Model

TIMEOUT = "timeout"  # our own outcomes, beside Gretel's terminal statuses
REFUSED = "refused"
UNREACHABLE = "unreachable"


@dataclass
class Look:
    """What one look at a model brought.

    :param lines: new log lines, with Gretel's progress
    :param warning: why this look failed, if it did
    :param outcome: how it ended, as `{"status": …, "message": …}`; None while it goes on
    """

    lines: list[str] = field(default_factory=list)
    warning: str = ""
    outcome: dict[str, Any] | None = None


class ModelWatch:
    """A model that somebody waits for.

    :param project: name, id or guid of its project
    :param model_name: its name, by which duplicates are found
    :param deadline: Unix time after which nobody waits any longer
    :param error_tolerance: seconds for which Gretel may be out of reach
    :param seen: highest sequence number of the log lines already shown
    """

    def __init__(
        self,
        hook: GretelHook,
        *,
        project: str,
        model_id: str,
        model_name: str,
        deadline: float,
        error_tolerance: float,
        seen: int = 0,
    ) -> None:
        self.seen = seen
        self._hook = hook
        self._project = project
        self._model_id = model_id
        self._model_name = model_name
        self._deadline = deadline
        self._error_tolerance = error_tolerance
        self._model: Model | None = None
        self._status = ""
        self._failing_since: float | None = None

    def look(self) -> Look:
        """Read status and logs once; never raises what Gretel answers."""
        try:
            model = self._read()
            moved_on = self._moved_on(model)
        except GretelFatalError as exc:
            return Look(outcome={"status": REFUSED, "message": str(exc)})
        except GretelError as exc:
            return self._failed(exc)
        self._failing_since = None
        look = Look(lines=self._new_lines(model) + moved_on)
        look.outcome = self._outcome(model)
        return look

    def _read(self) -> Model:
        if self._model is None:
            self._model = self._hook.get_model(self._hook.get_project(self._project), self._model_id)
        else:
            self._hook.refresh_model(self._model)
        return self._model

    def _moved_on(self, model: Model) -> list[str]:
        """On a new status, say so, and cancel what a request that arrived late has started beside this model."""
        if model.status.value == self._status:
            return []
        attach(self._hook, model.project, self._model_name)
        self._status = model.status.value
        return [f"status: {self._status}"]

    def _failed(self, exc: GretelError) -> Look:
        """Bear with an endpoint that is away, for a while."""
        now = time.time()
        self._failing_since = self._failing_since or now
        if now - self._failing_since >= self._error_tolerance:
            return Look(warning=str(exc), outcome={"status": UNREACHABLE, "message": str(exc)})
        return Look(warning=str(exc))

    def _outcome(self, model: Model) -> dict[str, Any] | None:
        from gretel_client.projects.jobs import END_STATES

        if model.status in END_STATES:
            return {"status": model.status.value, "message": model.errors or ""}
        if time.time() >= self._deadline:
            return {"status": TIMEOUT, "message": f"status {model.status.value}"}
        return None

    def _new_lines(self, model: Model) -> list[str]:
        lines = []
        for number, entry in enumerate(model.logs or [], start=1):
            sequence = int(entry.get("seq") or number)
            if sequence > self.seen:
                self.seen = sequence
                lines.append(_format(entry))
        return lines


def _format(entry: dict[str, Any]) -> str:
    """One of Gretel's log entries as one line: `[stage] message key=value`."""
    stage = f"[{entry['stage']}] " if entry.get("stage") else ""
    context = entry.get("ctx") or {}
    progress = "".join(f" {key}={value}" for key, value in context.items()) if isinstance(context, dict) else ""
    return f"{stage}{entry.get('msg', '')}{progress}"
