"""`make up`, `make demo` and their kin: whatever ends them, nothing is left running, and the next one works."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import psycopg2
import pytest

from local.components.s3 import BUCKET
from local.health import StackError, wait_until
from local.settings import REPOSITORY
from local.stack import Stack

pytestmark = pytest.mark.integration


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def start(home: Path, *arguments: str, output: Path) -> subprocess.Popen[bytes]:
    with output.open("wb") as target:
        return subprocess.Popen(
            [sys.executable, "-m", "local", *arguments],
            env={**os.environ, "LOCAL_STACK": str(home)},
            cwd=REPOSITORY,
            stdout=target,
            stderr=target,
        )


def processes_of(home: Path) -> list[str]:
    """Every process that was started with the stack's folder, or that works in it."""
    found = []
    for process in psutil.process_iter():
        try:
            words, folder = process.cmdline(), process.cwd()
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        if any(str(home) in word for word in words) or folder.startswith(str(home)):
            found.append(f"{process.pid} {' '.join(words)[:100]}")
    return found


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGKILL, -9)])
def test_an_interrupted_start_leaves_no_process_and_the_next_one_works(
    home: Path, tmp_path: Path, number: signal.Signals, exit_code: int
) -> None:
    output = tmp_path / "output"
    process = start(home, "demo", output=output)
    wait_until(lambda: None if b"s3: up" in output.read_bytes() else "S3 is not up yet", seconds=60)
    assert processes_of(home), "the stack is not seen: the test would prove nothing"
    process.send_signal(number)
    assert process.wait(timeout=60) == exit_code, output.read_text()
    stack = Stack(home, with_airflow=False)
    assert not stack.running, "the earlier one is waited for while it stops"
    wait_until(lambda: str(left) if (left := processes_of(home)) else None, seconds=60)

    stack.launch()
    try:
        stack.start_component(stack.postgres)
        psycopg2.connect(stack.postgres.dsn("bookings", "bookings")).close()
    finally:
        stack.stop()
    assert processes_of(home) == []


def test_starting_what_runs_already_changes_nothing(home: Path) -> None:
    stack = Stack(home, with_airflow=False)
    with stack:
        before = processes_of(home)
        stack.s3.client().put_object(Bucket=BUCKET, Key="kept", Body=b"1")
        stack.start()
        assert processes_of(home) == before
        assert stack.s3.client().get_object(Bucket=BUCKET, Key="kept")["Body"].read() == b"1"
        stack.redshift.programs = lambda: 1 / 0
        with pytest.raises(ZeroDivisionError):
            stack.start()
        assert stack.running, "what ran before was stopped by a start that failed"


def test_a_full_disk_is_named_before_anything_starts(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.stack.NEEDED_BYTES", 2**60)
    with pytest.raises(StackError, match=rf"{home} has [0-9,]+ MiB of disk space left, and the stack needs"):
        Stack(home, with_airflow=False).launch()
    assert processes_of(home) == []


def test_a_program_that_cannot_run_is_named_with_the_end_of_its_log(home: Path) -> None:
    stack = Stack(home, with_airflow=False)
    stack.launch()
    try:
        (home / "postgres" / "postgresql.conf").write_text("no_such_setting = on\n")
        with pytest.raises(StackError, match=r'postgres does not run:\n(.*\n)*.*"no_such_setting"'):
            stack.start_component(stack.postgres)
    finally:
        stack.stop()


@pytest.mark.parametrize(
    ("command", "exit_code", "says"),
    [
        ("status", 1, "down; start it with: make up"),
        ("down", 0, "nothing was running"),
        ("logs", 1, "there are no logs yet"),
    ],
)
def test_commands_that_find_no_stack_say_so(
    home: Path, tmp_path: Path, command: str, exit_code: int, says: str
) -> None:
    output = tmp_path / "output"
    assert start(home, command, output=output).wait(timeout=60) == exit_code
    assert says in output.read_text()
