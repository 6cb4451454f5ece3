"""Follow a backfill to its end."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from backfill.errors import BackfillError
from backfill.terminal import Terminal, interval

POLL_SECONDS = 1.0
# A scheduler that is restarted is back within this time.
SCHEDULER_GRACE_SECONDS = 120.0
ACTIVE = ("running", "queued")


@dataclass(frozen=True)
class RunState:
    """One run of a backfill.

    :param state: queued, running, success, failed; or deleted.
    :param skipped: it existed before and was left as it is.
    """

    start: datetime
    end: datetime
    run_id: str | None
    state: str
    skipped: bool

    @property
    def active(self) -> bool:
        """Whether the backfill has to wait for it."""
        return not self.skipped and self.state in ACTIVE


@dataclass(frozen=True)
class BackfillState:
    """How a backfill goes.

    :param completed: Airflow has closed it (all runs ended, or it was cancelled).
    :param paused: it starts no further runs.
    """

    runs: Sequence[RunState]
    completed: bool
    paused: bool
    dag_paused: bool
    scheduler_alive: bool


def follow(
    read: Callable[[], BackfillState],
    terminal: Terminal,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Sequence[RunState]:
    """Show how a backfill goes until none of its runs is left to wait for; return them.

    :param read: gives the present state.
    :raises BackfillError: when no scheduler has been running for a while, or the backfill was never fully created.
    """
    began = alive = clock()
    ended: dict[datetime, str] = {}
    while True:
        state = read()
        now = clock()
        alive = now if state.scheduler_alive else alive
        _say_ended(state.runs, ended, terminal)
        if state.runs and not any(run.active for run in state.runs):
            return state.runs
        if state.completed and not state.runs:
            raise BackfillError("creating the backfill broke off, and Airflow has closed it: run the command again")
        if now - alive > SCHEDULER_GRACE_SECONDS:
            raise BackfillError(
                f"no scheduler has been running for {now - alive:.0f} s, so nothing goes on. The backfill stays in "
                "Airflow: start `airflow scheduler`, then run the same command again to follow it"
            )
        terminal.progress(_counts(state) + _obstacle(state), f" ({now - began:.0f} s)")
        sleep(POLL_SECONDS)


def _say_ended(runs: Sequence[RunState], ended: dict[datetime, str], terminal: Terminal) -> None:
    """Say once how each run ended; again if it was cleared meanwhile and ended anew."""
    for run in runs:
        if run.skipped:
            continue
        if run.active:
            ended.pop(run.start, None)
        elif ended.get(run.start) != run.state:
            ended[run.start] = run.state
            terminal.say(f"  {interval(run.start, run.end)}  {run.state}")


def _counts(state: BackfillState) -> str:
    own = [run for run in state.runs if not run.skipped]
    if not own:
        return "the backfill is being created"
    counts = Counter(run.state for run in own)
    parts = [f"{counts[name]} {name}" for name in ("success", "failed", "deleted", *ACTIVE) if counts[name]]
    return f"{sum(not run.active for run in own)} of {len(own)} runs ended: {', '.join(parts)}"


def _obstacle(state: BackfillState) -> str:
    """What keeps the runs from going on, which a person has to change."""
    if not state.scheduler_alive:
        return "; no scheduler is running"
    if state.dag_paused:
        return "; the DAG is paused, so it waits for: airflow dags unpause"
    if state.paused:
        return "; the backfill is paused, so no further run starts until it is resumed in the web UI"
    return ""
