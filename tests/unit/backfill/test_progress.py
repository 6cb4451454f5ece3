"""Following a backfill whose states are given."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from backfill.errors import BackfillError
from backfill.progress import SCHEDULER_GRACE_SECONDS, BackfillState, RunState, follow
from backfill.terminal import Terminal

DAY = datetime(2021, 9, 16, tzinfo=UTC)


def run(day: int, state: str, *, skipped: bool = False) -> RunState:
    start = DAY + timedelta(days=day)
    return RunState(start, start + timedelta(days=1), run_id=f"run-{day}", state=state, skipped=skipped)


def state(*runs: RunState) -> BackfillState:
    return BackfillState(runs, completed=False, paused=False, dag_paused=False, scheduler_alive=True)


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self, step: float = 1) -> None:
        self.now = 0.0
        self.step = step

    def __call__(self) -> float:
        return self.now

    def sleep(self, _seconds: float) -> None:
        self.now += self.step


def followed(states: Sequence[BackfillState], clock: Clock | None = None) -> tuple[list[str], Sequence[RunState]]:
    """What is written to a log while the backfill goes through these states; it ends with them, not before."""
    clock, out = clock or Clock(), io.StringIO()
    given: Iterator[BackfillState] = iter(states)
    runs = follow(lambda: next(given), Terminal(out), clock=clock, sleep=clock.sleep)
    assert next(given, None) is None
    return out.getvalue().splitlines(), runs


def test_from_queued_to_the_end() -> None:
    last = state(run(0, "success"), run(1, "failed"))
    lines, runs = followed(
        [
            state(run(0, "queued"), run(1, "queued")),
            state(run(0, "queued"), run(1, "queued")),
            state(run(0, "running"), run(1, "queued")),
            state(run(0, "success"), run(1, "running")),
            last,
        ]
    )
    assert runs == last.runs
    assert lines == [
        "0 of 2 runs ended: 2 queued (0 s)",
        "0 of 2 runs ended: 1 running, 1 queued (2 s)",
        "  2021-09-16 00:00Z to 2021-09-17 00:00Z  success",
        "1 of 2 runs ended: 1 success, 1 running (3 s)",
        "  2021-09-17 00:00Z to 2021-09-18 00:00Z  failed",
    ]


def test_a_run_that_was_skipped_is_not_waited_for() -> None:
    lines, runs = followed([state(run(0, "running", skipped=True), run(1, "success"))])
    assert [found.state for found in runs] == ["running", "success"]
    assert lines == ["  2021-09-17 00:00Z to 2021-09-18 00:00Z  success"]


def test_a_run_that_is_cleared_meanwhile_is_waited_for_again() -> None:
    waits = run(1, "running")
    lines, _ = followed(
        [
            state(run(0, "failed"), waits),
            state(run(0, "queued"), waits),
            state(run(0, "success"), waits),
            state(run(0, "success"), run(1, "success")),
        ]
    )
    assert [line.split()[-1] for line in lines if line.startswith("  2021-09-16")] == ["failed", "success"]


def test_a_deleted_run_is_not_waited_for() -> None:
    _, runs = followed([state(run(0, "deleted"))])
    assert [found.state for found in runs] == ["deleted"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"dag_paused": True}, "the DAG is paused, so it waits for: airflow dags unpause"),
        ({"paused": True}, "the backfill is paused, so no further run starts until it is resumed"),
        ({"scheduler_alive": False}, "no scheduler is running"),
    ],
)
def test_it_says_what_keeps_it_waiting(change: dict[str, bool], said: str) -> None:
    waiting = state(run(0, "queued"))
    lines, _ = followed([waiting, replace(waiting, **change), state(run(0, "success"))])
    assert said not in lines[0]
    assert said in lines[1]


def test_it_does_not_wait_forever_for_a_scheduler() -> None:
    dead = replace(state(run(0, "queued")), scheduler_alive=False)
    with pytest.raises(BackfillError, match=r"no scheduler has been running for 150 s.*run the same command again"):
        followed([dead] * 4, Clock(step=50))


def test_a_scheduler_may_be_restarted() -> None:
    alive = state(run(0, "queued"))
    dead = replace(alive, scheduler_alive=False)
    clock = Clock(step=SCHEDULER_GRACE_SECONDS * 0.6)
    followed([alive, dead, alive, dead, alive, state(run(0, "success"))], clock)


def test_a_backfill_under_creation_is_waited_for() -> None:
    lines, _ = followed([state(), state(run(0, "success"))])
    assert lines[0] == "the backfill is being created (0 s)"


def test_a_backfill_whose_creation_broke_off_is_not() -> None:
    with pytest.raises(BackfillError, match="creating the backfill broke off"):
        followed([state(), replace(state(), completed=True)])
