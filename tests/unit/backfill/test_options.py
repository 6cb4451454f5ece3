"""What the options of Airflow 2's command mean."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from backfill.cli import _arguments
from backfill.errors import UsageError
from backfill.options import Options


def parse(*words: str) -> Options:
    parser = argparse.ArgumentParser()
    for argument in _arguments():
        argument.add_to_parser(parser)
    return Options.from_args(parser.parse_args([*words, "probe"]))


def zone(name: str) -> Callable[[datetime], datetime]:
    return lambda moment: moment.replace(tzinfo=ZoneInfo(name)).astimezone(UTC)


DAYS = ("-s", "2021-09-16", "-e", "2021-09-17")


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (DAYS, {}),
        (("--start-date", "2021-09-16", "--end-date", "2021-09-17"), {}),
        (("-s", "2021-09-16"), {"end": "2021-09-16"}),
        (("-e", "2021-09-17"), {"start": "2021-09-17"}),
        ((*DAYS, "--rerun-failed-tasks"), {"reprocess": "failed"}),
        ((*DAYS, "--reset-dagruns"), {"reprocess": "completed"}),
        ((*DAYS, "--reset-dagruns", "-y"), {"reprocess": "completed", "yes": True}),
        ((*DAYS, "-c", '{"tables": ["nps"]}'), {"conf": {"tables": ["nps"]}}),
        ((*DAYS, "--conf", '{"full_refresh": false}'), {"conf": {"full_refresh": False}}),
        ((*DAYS, "-B"), {"run_backwards": True}),
        ((*DAYS, "--run-backwards"), {"run_backwards": True}),
        ((*DAYS, "--max-active-runs", "2"), {"max_active_runs": 2}),
        ((*DAYS, "-n"), {"dry_run": True}),
        ((*DAYS, "--dry-run"), {"dry_run": True}),
    ],
)
def test_meaning(words: tuple[str, ...], meant: dict[str, Any]) -> None:
    expected = {"dag_id": "probe", "start": "2021-09-16", "end": "2021-09-17", **meant}
    assert parse(*words) == Options(**expected)


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ((), r"give the range of days: -s START -e END"),
        ((*DAYS, "--reset-dagruns", "--rerun-failed-tasks"), r"leave --rerun-failed-tasks out"),
        ((*DAYS, "-c", "{tables: nps}"), r"-c is not JSON: Expecting property name .* Expected an object"),
        ((*DAYS, "-c", "[1]"), r"-c must be a JSON object, .* not list"),
        ((*DAYS, "-c", '{"full_refresh": true}'), r"full_refresh replaces whole tables, .* airflow dags trigger"),
    ],
)
def test_wrong_usage(words: tuple[str, ...], error: str) -> None:
    with pytest.raises(UsageError, match=error):
        parse(*words)


@pytest.mark.parametrize(
    ("start", "end", "zone_name", "first", "last"),
    [
        ("2021-09-16", "2021-09-17", "UTC", "2021-09-16T00:00:00+00:00", "2021-09-17T23:59:59.999999+00:00"),
        ("2021-09-16", "2021-09-16", "UTC", "2021-09-16T00:00:00+00:00", "2021-09-16T23:59:59.999999+00:00"),
        # the schedule's days, also those on which clocks change
        ("2021-10-31", "2021-10-31", "Europe/Berlin", "2021-10-30T22:00:00+00:00", "2021-10-31T22:59:59.999999+00:00"),
        ("2021-09-16T09:00", "2021-09-16T12:00", "Europe/Berlin", "2021-09-16T07:00:00+00:00",
         "2021-09-16T10:00:00+00:00"),
        ("2021-09-16T09:00Z", "2021-09-17T00:00:00+02:00", "Asia/Tokyo", "2021-09-16T09:00:00+00:00",
         "2021-09-16T22:00:00+00:00"),
        ("20210916", "2021-09-16T12:00", "UTC", "2021-09-16T00:00:00+00:00", "2021-09-16T12:00:00+00:00"),
    ],
)  # fmt: skip
def test_range(start: str, end: str, zone_name: str, first: str, last: str) -> None:
    found = Options("probe", start, end).range(zone(zone_name))
    assert tuple(moment.astimezone(UTC).isoformat() for moment in found) == (first, last)


@pytest.mark.parametrize(
    ("start", "end", "error"),
    [
        ("2021-09-17", "2021-09-16", r"the start 2021-09-17 \(-s\) is after the end 2021-09-16 \(-e\)"),
        ("2021-09-31", "2021-10-01", r"-s '2021-09-31' is no date: expected YYYY-MM-DD"),
        ("2021-09-16", "yesterday", r"-e 'yesterday' is no date"),
        ("16.09.2021", "2021-09-17", r"-s '16.09.2021' is no date"),
    ],
)
def test_wrong_range(start: str, end: str, error: str) -> None:
    with pytest.raises(UsageError, match=error):
        Options("probe", start, end).range(zone("UTC"))
