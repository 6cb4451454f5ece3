"""`airflow dags backfill`: plan, create, follow, and tell the truth by the exit status."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from airflow.utils import cli as cli_utils
from airflow.utils.providers_configuration_loader import providers_configuration_loaded
from airflow.utils.session import create_session
from sqlalchemy.exc import OperationalError

from backfill.backfills import close_finished, create, find_active, read_state, scheduler_alive
from backfill.errors import BackfillError, UsageError
from backfill.options import Options
from backfill.plan import Plan, make_plan
from backfill.progress import follow
from backfill.report import count_runs, goes_on, page, show, tell_nothing_to_do, tell_outcome
from backfill.terminal import Terminal, interval

INTERRUPTED = 128 + signal.SIGINT


@cli_utils.suppress_logs_and_warning  # a line for every step of every run, unless --verbose
@cli_utils.action_cli(check_db=False)  # a database that does not answer is explained below, without a traceback
@providers_configuration_loaded
def backfill(args: argparse.Namespace) -> None:
    """Run the command; raises SystemExit with the status that `airflow dags backfill --help` explains."""
    terminal = Terminal(sys.stdout)
    try:
        _backfill(Options.from_args(args), terminal)
    except BackfillError as error:
        terminal.clear()
        sys.stderr.write(f"airflow dags backfill: {error}\n")
        raise SystemExit(error.exit_code) from None
    except OperationalError as error:
        terminal.clear()
        sys.stderr.write(
            f"airflow dags backfill: the metadata database does not answer: {' '.join(str(error.orig).split())}. A "
            "backfill that was created goes on without this command; run the same command again to follow it\n"
        )
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        sys.stderr.write("\nInterrupted before anything was started.\n")
        raise SystemExit(INTERRUPTED) from None


def _backfill(options: Options, terminal: Terminal) -> None:
    with create_session() as session:
        plan = make_plan(options, session)
    if options.dry_run:
        show(plan, terminal)
        return
    close_finished(plan.dag_id)
    active = find_active(options, plan)
    if active and not active.same:
        raise BackfillError(
            f"another backfill of {plan.dag_id} is under way: number {active.backfill_id}, "
            f"{interval(active.from_date, active.to_date)}. Airflow carries out one per DAG: wait for its end, or "
            f"cancel it in the web UI{page(plan.dag_id, 'backfills')}"
        )
    if not active:
        show(plan, terminal)
        if not plan.attempted:
            tell_nothing_to_do(plan, terminal)
            return
        _check_that_runs_would_start(plan)
        _confirm(options, plan)
    _carry_out(options, plan, active.backfill_id if active else None, terminal)


def _carry_out(options: Options, plan: Plan, backfill_id: int | None, terminal: Terminal) -> None:
    """Create the backfill, unless it is there already, and follow it."""
    try:
        if backfill_id is None:
            with _interrupts_held_back():
                backfill_id = create(options, plan)
            terminal.say(f"Backfill {backfill_id} is created; at most {plan.max_active_runs} runs at a time.")
        else:
            terminal.say(f"Backfill {backfill_id} does just this and is under way: following it.")
        runs = follow(partial(read_state, backfill_id), terminal)
    except KeyboardInterrupt:
        if backfill_id is None:
            raise
        terminal.clear()
        sys.stderr.write(goes_on(plan.dag_id, backfill_id, options.reprocess))
        raise SystemExit(INTERRUPTED) from None
    close_finished(plan.dag_id)
    tell_outcome(plan, runs, terminal)


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Hold Ctrl-C back: a creation that breaks off leaves a backfill without runs, which blocks the DAG for minutes."""
    held: list[Any] = []
    usual = signal.signal(signal.SIGINT, lambda number, _frame: held.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
    if held:
        raise KeyboardInterrupt


def _check_that_runs_would_start(plan: Plan) -> None:
    if plan.paused:
        raise BackfillError(
            f"{plan.dag_id} is paused: Airflow would leave its runs queued. First: airflow dags unpause {plan.dag_id}"
        )
    if not scheduler_alive():
        raise BackfillError("no scheduler is running, so the runs would never start. First: airflow scheduler")


def _confirm(options: Options, plan: Plan) -> None:
    """Ask before runs that have ended are run again, as Airflow 2 did.

    :raises BackfillError: if the answer is no.
    """
    again = sum(run.state is not None for run in plan.attempted)
    if options.reprocess != "completed" or not again or options.yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("--reset-dagruns would run existing runs again, and there is nobody to ask: add --yes")
    try:
        answer = input(f"Run {count_runs(again)} again? [y/N] ")
    except EOFError:  # Ctrl-D
        answer = ""
    if answer.strip().lower() not in {"y", "yes"}:
        raise BackfillError("nothing was started")
