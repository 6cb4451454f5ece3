"""Bring `airflow dags backfill` back: Airflow 3 dropped it for `airflow backfill create`, which does not wait.

Airflow reads this through the `cli` entry of `provider.get_provider_info()` whenever any `airflow` command starts, so
nothing heavy is imported here. A provider may only add top-level commands (a second group `dags` breaks the whole
command line), hence the entry of Airflow's own list is replaced. That list is private: if it looks different from what
is expected, nothing is changed, and Airflow goes on telling that the command was removed.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from typing import Any

HELP = "Run a DAG for a range of days, wait, and say how it went"
DESCRIPTION = """\
Run a DAG for every data interval that starts on one of the days START to END, both included, and wait for the end.

  airflow dags backfill -s 2021-09-16 -e 2021-09-17 mysql_to_redshift

loads, with a daily schedule, two intervals: 2021-09-16 00:00 to 2021-09-17 00:00, and 2021-09-17 00:00 to
2021-09-18 00:00. A date is a whole day in the time zone of the DAG's schedule; a date with a time (2021-09-16T09:00)
is that instant. Intervals that are not over yet are left out. Runs that exist already are left as they are, unless one
of --rerun-failed-tasks and --reset-dagruns is given. Airflow's scheduler carries the backfill out: it goes on when
this command is interrupted, and the same command then follows it again. It works with catchup=False."""
EPILOG = """\
Exit status: 0 every run of the range has succeeded (with --dry-run: the plan was shown); 1 one has not, or the backfill
was refused; 2 wrong usage; 130 interrupted, while the backfill goes on."""
# What Airflow itself answers without this command; see airflow.cli.commands.legacy_commands.
REMOVED = "Command `dags backfill` has been removed. Please use `airflow backfill create`"


def get_cli_commands() -> list[Any]:
    """Put `backfill` into Airflow's group `dags`.

    :return: always empty: there is no further top-level command.
    """
    try:
        _add_to_dags_group()
    except Exception as error:  # noqa: BLE001  whatever it is, every other command has to work
        from airflow import __version__

        warnings.warn(f"`airflow dags backfill` does not fit Airflow {__version__}: {error!r}", stacklevel=1)
    return []


def run(args: argparse.Namespace) -> None:
    """Run the command: imports what it needs only now."""
    try:
        from backfill.command import backfill
    except ImportError as error:
        raise SystemExit(f"{REMOVED}. (The replacement does not fit this version of Airflow: {error})") from error
    backfill(args)


def _add_to_dags_group() -> None:
    from airflow.cli.cli_config import ActionCommand

    # Airflow is in the middle of importing this module when it asks for commands; elsewhere there is nothing to add to.
    parser = sys.modules.get("airflow.cli.cli_parser")
    if parser is None:
        return
    commands = parser.airflow_commands
    [position] = [number for number, command in enumerate(commands) if command.name == "dags"]
    group = commands[position]
    if any(command.name == "backfill" for command in group.subcommands):
        return
    command = ActionCommand(
        name="backfill", help=HELP, description=DESCRIPTION, epilog=EPILOG, func=run, args=_arguments()
    )
    commands[position] = group._replace(subcommands=(*group.subcommands, command))


def _arguments() -> tuple[Any, ...]:
    """The options of Airflow 2's command, as far as they mean something in Airflow 3."""
    from airflow.cli.cli_config import Arg, positive_int

    arguments = (
        Arg(("dag_id",), help="The id of the dag"),
        Arg(("-s", "--start-date"), help="First day of the range, YYYY-MM-DD (default: the last one)"),
        Arg(("-e", "--end-date"), help="Last day of the range, included (default: the first one)"),
        Arg(("-n", "--dry-run"), help="Only say which runs would be started", action="store_true"),
        Arg(
            ("--rerun-failed-tasks",),
            help="Run again, as a whole, the runs of the range that have failed (reprocess behavior `failed`)",
            action="store_true",
        ),
        Arg(
            ("--reset-dagruns",),
            help="Run again all runs of the range that have ended (reprocess behavior `completed`)",
            action="store_true",
        ),
        Arg(("-y", "--yes"), help="Do not ask before --reset-dagruns runs something again", action="store_true"),
        Arg(("-c", "--conf"), help="JSON object for the runs' conf, which sets the DAG's params"),
        Arg(("-B", "--run-backwards"), help="Begin with the latest interval", action="store_true"),
        Arg(
            ("--max-active-runs",),
            help="Runs of this backfill at the same time (default: the DAG's own max_active_runs)",
            type=positive_int(allow_zero=False),
        ),
        Arg(("-v", "--verbose"), help="Make logging output more verbose", action="store_true"),
    )
    trial = argparse.ArgumentParser()
    for argument in arguments:  # an error must show up here, not when Airflow builds the parser of every command
        argument.add_to_parser(trial)
    return arguments
