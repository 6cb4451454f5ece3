"""What a person at the keyboard does: answering, and pressing Ctrl-C at a bad moment."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from backfill.command import _confirm, _interrupts_held_back
from backfill.errors import BackfillError, UsageError
from backfill.options import Options
from backfill.plan import Plan, PlannedRun

DAY = datetime(2021, 9, 16, tzinfo=UTC)
RESET = Options("probe", "2021-09-16", "2021-09-17", reprocess="completed")


def plan(*states: str | None) -> Plan:
    days = [DAY + timedelta(days=number) for number in range(len(states))]
    runs = [
        PlannedRun(day, day + timedelta(days=1), state=state, conf=None, attempted=True)
        for day, state in zip(days, states, strict=True)
    ]
    return Plan("probe", DAY, DAY, runs, unfinished=None, max_active_runs=4, paused=False)


@pytest.fixture
def keyboard(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A terminal as stdin; write to it what is typed."""
    keys, terminal = pty.openpty()
    with open(terminal) as stdin:  # noqa: PTH123  a descriptor
        monkeypatch.setattr(sys, "stdin", stdin)
        yield keys
    os.close(keys)


@pytest.mark.parametrize("typed", [b"y\n", b"YES\n"])
def test_yes(keyboard: int, capsys: pytest.CaptureFixture[str], typed: bytes) -> None:
    os.write(keyboard, typed)
    _confirm(RESET, plan("success", "failed", None))
    assert capsys.readouterr().out == "Run 2 runs again? [y/N] "


@pytest.mark.parametrize("typed", [b"n\n", b"\n", b"\x04"], ids=["n", "enter", "ctrl-d"])
def test_anything_else_is_no(keyboard: int, typed: bytes) -> None:
    os.write(keyboard, typed)
    with pytest.raises(BackfillError, match="nothing was started"):
        _confirm(RESET, plan("success"))


@pytest.mark.parametrize(
    ("options", "state"),
    [(RESET, None), (replace(RESET, yes=True), "success"), (replace(RESET, reprocess="failed"), "failed")],
    ids=["nothing exists", "--yes", "--rerun-failed-tasks"],
)
@pytest.mark.usefixtures("keyboard")
def test_nobody_is_asked(options: Options, state: str | None, capsys: pytest.CaptureFixture[str]) -> None:
    _confirm(options, plan(state))
    assert capsys.readouterr().out == ""


def test_nobody_to_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    with open(os.devnull) as nothing:  # noqa: PTH123
        monkeypatch.setattr(sys, "stdin", nothing)
        with pytest.raises(UsageError, match="add --yes"):
            _confirm(RESET, plan("success"))


def test_a_metadata_database_that_is_down_is_one_clear_line() -> None:
    command = [sys.executable, "-m", "airflow", "dags", "backfill", "-s", "2021-09-16", "probe"]
    down = {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql+psycopg2://nobody@127.0.0.1:1/nothing"}
    done = subprocess.run(command, env=os.environ | down, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("airflow dags backfill: the metadata database does not answer: connection to server")
    assert len(done.stderr.splitlines()) == 1


def test_an_interrupt_waits_for_the_end_of_what_must_not_break_off() -> None:
    done = []

    def create() -> None:
        with _interrupts_held_back():
            os.kill(os.getpid(), signal.SIGINT)
            done.append("created")

    with pytest.raises(KeyboardInterrupt):
        create()
    assert done == ["created"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
