"""Which window a run loads."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pendulum
import pytest
from airflow.timetables.interval import CronDataIntervalTimetable
from airflow.timetables.simple import NullTimetable

from warehouse.errors import WindowError
from warehouse.interval import resolve_window

DAILY = CronDataIntervalTimetable("0 0 * * *", timezone="UTC")


def day(number: int, hour: int = 0) -> datetime:
    return pendulum.datetime(2021, 9, number, hour, tz="UTC")


def context(*, run_type: str = "manual", run_after: datetime | None = None, **values: Any) -> dict[str, Any]:
    params = {"window_start": None, "window_end": None, "full_refresh": False} | values.pop("params", {})
    run = SimpleNamespace(run_type=run_type, run_after=run_after or day(20, 7))
    return {"params": params, "dag_run": run, **values}


def bounds(found: Any) -> tuple[datetime, datetime]:
    return found.start, found.end


def test_a_scheduled_run_loads_its_data_interval() -> None:
    run = context(run_type="scheduled", logical_date=day(16), data_interval_start=day(16), data_interval_end=day(17))
    assert bounds(resolve_window(run, DAILY)) == (day(16), day(17))


def test_a_manual_run_without_any_date_loads_the_last_interval_complete_when_it_was_due() -> None:
    assert bounds(resolve_window(context(run_after=day(20, 7)), DAILY)) == (day(19), day(20))


def test_an_interval_without_a_logical_date_is_the_runs_own() -> None:
    run = context(run_after=day(20, 7), data_interval_start=day(16), data_interval_end=day(18))
    assert bounds(resolve_window(run, DAILY)) == (day(16), day(18))


def test_an_interval_of_the_run_need_not_be_one_of_the_schedule() -> None:
    run = context(logical_date=day(16, 7), data_interval_start=day(16, 6), data_interval_end=day(16, 9))
    assert bounds(resolve_window(run, DAILY)) == (day(16, 6), day(16, 9))


def test_the_end_of_an_interval_is_not_in_it() -> None:
    run = context(logical_date=day(17), data_interval_start=day(16), data_interval_end=day(17))
    assert bounds(resolve_window(run, DAILY)) == (day(17), day(18))


@pytest.mark.parametrize("hour", [0, 12])
def test_a_logical_date_outside_the_inferred_interval_means_its_own(hour: int) -> None:
    # `airflow dags trigger -l 2021-09-16` gets the interval of the present from Airflow.
    run = context(logical_date=day(16, hour), data_interval_start=day(19), data_interval_end=day(20))
    assert bounds(resolve_window(run, DAILY)) == (day(16), day(17))


def test_explicit_params_win() -> None:
    params = {"window_start": "2021-09-01T02:00:00+02:00", "window_end": "2021-09-05T00:00:00Z"}
    run = context(params=params, logical_date=day(16), data_interval_start=day(16), data_interval_end=day(17))
    assert bounds(resolve_window(run, DAILY)) == (datetime(2021, 9, 1, tzinfo=UTC), datetime(2021, 9, 5, tzinfo=UTC))


def test_a_full_refresh_has_no_window() -> None:
    assert resolve_window(context(params={"full_refresh": True}), DAILY) is None


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"params": {"window_start": "2021-09-01T00:00:00Z"}}, "belong together"),
        ({"params": {"window_end": "2021-09-01T00:00:00Z"}}, "belong together"),
        (
            {"params": {"window_start": "2021-09-02T00:00:00Z", "window_end": "2021-09-01T00:00:00Z"}},
            "must be later than its start",
        ),
        ({"params": {"window_start": "2021-09-01T00:00:00", "window_end": "2021-09-02T00:00:00Z"}}, "no time zone"),
        ({"params": {"window_start": "yesterday", "window_end": "2021-09-02T00:00:00Z"}}, "window_start 'yesterday'"),
        ({"params": {"full_refresh": True}, "run_type": "backfill"}, "a backfill loads intervals"),
        (
            {"params": {"full_refresh": True, "window_start": "2021-09-01T00:00:00Z"}},
            "leave window_start and window_end empty",
        ),
    ],
)
def test_what_is_no_window_is_an_error(values: dict[str, Any], complaint: str) -> None:
    with pytest.raises(WindowError, match=complaint):
        resolve_window(context(**values), DAILY)


def test_an_interval_without_width_is_replaced_by_the_dates_own() -> None:
    run = context(logical_date=day(16), data_interval_start=day(16), data_interval_end=day(16))
    assert bounds(resolve_window(run, DAILY)) == (day(16), day(17))


def test_a_schedule_without_intervals_is_an_error() -> None:
    with pytest.raises(WindowError, match=r"schedule has no interval at 2021-09-16T00:00:00"):
        resolve_window(context(logical_date=day(16)), NullTimetable())
