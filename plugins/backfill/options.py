"""What was asked for on the command line."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from backfill.errors import UsageError

# Reads a clock time without an offset as one of the time zone of the DAG's schedule.
Localize = Callable[[datetime], datetime]


@dataclass(frozen=True)
class Options:
    """One backfill, as asked for.

    :param start: first day or instant, as typed.
    :param end: last day or instant, as typed.
    :param reprocess: Airflow's reprocess behavior: none, failed or completed.
    :param conf: the runs' conf; None leaves the conf of runs that run again as it was.
    :param max_active_runs: None for the DAG's own.
    """

    dag_id: str
    start: str
    end: str
    reprocess: str = "none"
    conf: dict[str, Any] | None = None
    run_backwards: bool = False
    max_active_runs: int | None = None
    dry_run: bool = False
    yes: bool = False

    @classmethod
    def from_args(cls, args: argparse.Namespace) -> Options:
        """Read the parsed command line.

        :raises UsageError: for options that are missing, contradict each other, or are not JSON.
        """
        start, end = args.start_date or args.end_date, args.end_date or args.start_date
        if not start:
            raise UsageError("give the range of days: -s START -e END (one of them alone means that one day)")
        return cls(
            dag_id=args.dag_id,
            start=start,
            end=end,
            reprocess=_reprocess(args),
            conf=_conf(args.conf),
            run_backwards=args.run_backwards,
            max_active_runs=args.max_active_runs,
            dry_run=args.dry_run,
            yes=args.yes,
        )

    def range(self, localize: Localize) -> tuple[datetime, datetime]:
        """Return the first and the last instant of the range: an end that is a day means its last microsecond.

        :raises UsageError: for what is no date, or a start after the end.
        """
        start, _ = _moments(self.start, "-s", localize)
        _, end = _moments(self.end, "-e", localize)
        if start > end:
            raise UsageError(f"the start {self.start} (-s) is after the end {self.end} (-e)")
        return start, end


def is_full_refresh(conf: Any) -> bool:
    """Whether a run's conf asks for whole tables instead of the run's data interval."""
    return isinstance(conf, dict) and bool(conf.get("full_refresh"))


def _reprocess(args: argparse.Namespace) -> str:
    if args.reset_dagruns and args.rerun_failed_tasks:
        raise UsageError("--reset-dagruns runs everything again, failed runs included: leave --rerun-failed-tasks out")
    if args.reset_dagruns:
        return "completed"
    return "failed" if args.rerun_failed_tasks else "none"


def _conf(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        conf = json.loads(text)
    except json.JSONDecodeError as error:
        raise UsageError(f'-c is not JSON: {error}. Expected an object, such as \'{{"key": "value"}}\'') from error
    if not isinstance(conf, dict):
        raise UsageError(f'-c must be a JSON object, such as \'{{"key": "value"}}\', not {type(conf).__name__}')
    if is_full_refresh(conf):
        raise UsageError(
            "full_refresh replaces whole tables, while a backfill loads one data interval after the other: leave it "
            "out, or start one manual run with it: airflow dags trigger -c '{\"full_refresh\": true}' DAG_ID"
        )
    return conf


def _moments(text: str, option: str, localize: Localize) -> tuple[datetime, datetime]:
    """First and last instant of what was typed: of a day, or of an instant, which is both."""
    try:
        day = datetime.combine(date.fromisoformat(text), datetime.min.time())
    except ValueError:
        instant = _instant(text, option, localize)
        return instant, instant
    return localize(day), localize(day + timedelta(days=1)) - timedelta(microseconds=1)


def _instant(text: str, option: str, localize: Localize) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        expected = "expected YYYY-MM-DD, or an instant such as 2021-09-16T09:00 or 2021-09-16T09:00+02:00"
        raise UsageError(f"{option} {text!r} is no date: {expected}") from error
    return instant if instant.tzinfo else localize(instant)
