"""Which window of time a run loads: decided once per run, and the same whenever a task of it is cleared."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from warehouse.errors import WindowError
from warehouse.window import Window

if TYPE_CHECKING:
    from airflow.timetables.base import DataInterval, Timetable


def resolve_window(context: Mapping[str, Any], timetable: Timetable) -> Window | None:
    """Return the window of a run, or None for a full refresh, which loads whole tables.

    In this order: the params `window_start` and `window_end`; the run's data interval; for a run with a logical date
    outside the interval that Airflow inferred (it infers from the present, whatever `-l` says), the interval in which
    that date lies; for a run without any date, the last interval that was complete when the run was due. Never the
    present: a task cleared tomorrow sees the same window.

    :param context: the task's: params, dag_run; data_interval_start, data_interval_end, logical_date if it has them.
    :param timetable: the DAG's, with true intervals.
    :raises WindowError: half a window, an empty one, or a full refresh as part of a backfill.
    """
    params, run = context["params"], context["dag_run"]
    start, end = params.get("window_start"), params.get("window_end")
    if params.get("full_refresh"):
        if run.run_type == "backfill":
            raise WindowError(
                "a backfill loads intervals, and full_refresh loads whole tables: refresh by one manual run instead, "
                "airflow dags trigger -c '{\"full_refresh\": true}'"
            )
        if start or end:
            raise WindowError("full_refresh loads whole tables: leave window_start and window_end empty")
        return None
    if bool(start) != bool(end):
        raise WindowError("window_start and window_end belong together: give both or neither")
    try:
        if start and end:
            return Window.parse(start, end)
        return Window(*_interval(context, timetable))
    except ValueError as error:
        raise WindowError(str(error)) from error


def _interval(context: Mapping[str, Any], timetable: Timetable) -> tuple[datetime, datetime]:
    logical_date = context.get("logical_date")
    start, end = context.get("data_interval_start"), context.get("data_interval_end")
    if start and end and (logical_date is None or start <= logical_date < end):
        return start, end
    if logical_date is not None:
        interval = _interval_around(logical_date, timetable)
    else:
        interval = timetable.infer_manual_data_interval(run_after=_pendulum(context["dag_run"].run_after))
    return interval.start, interval.end


def _interval_around(moment: datetime, timetable: Timetable) -> DataInterval:
    """Return the interval of the schedule in which a moment lies."""
    from airflow.timetables.base import TimeRestriction

    following = timetable.next_dagrun_info(
        last_automated_data_interval=None,
        restriction=TimeRestriction(earliest=_pendulum(moment), latest=None, catchup=True),
    )
    if following is None or following.data_interval is None:
        raise WindowError(f"the DAG's schedule has no interval at {moment.isoformat()}")
    if following.data_interval.start == moment:
        return following.data_interval
    return timetable.infer_manual_data_interval(run_after=following.data_interval.start)


def _pendulum(moment: datetime) -> Any:
    import pendulum

    return pendulum.instance(moment)
