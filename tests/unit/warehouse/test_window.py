"""Windows of time: half open, in UTC, widened where a local clock changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.window import Window

ZONES = ["UTC", "Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/St_Johns"]
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def test_bounds_subtract_the_lookback_and_show_local_time() -> None:
    window = Window.parse("2021-09-16T00:00:00+00:00", "2021-09-17T00:00:00Z")

    lower, upper = window.bounds(timedelta(minutes=90), "Asia/Kolkata")

    assert (lower.isoformat(), upper.isoformat()) == ("2021-09-16T04:00:00", "2021-09-17T05:30:00")
    assert window.slug == "20210916T000000Z--20210917T000000Z"


def test_other_zones_are_the_same_window() -> None:
    assert Window.parse("2021-09-16T02:00:00+02:00", "2021-09-16T19:00:00-05:00") == Window.parse(
        "2021-09-16T00:00:00Z", "2021-09-17T00:00:00Z"
    )


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        ("2021-09-16T00:00:00Z", "2021-09-16T00:00:00Z", "is empty; its end must be later"),
        ("2021-09-17T00:00:00Z", "2021-09-16T00:00:00Z", "is empty"),
        ("2021-09-16T00:00:00", "2021-09-17T00:00:00Z", "window_start 2021-09-16T00:00:00 has no time zone"),
        ("2021-09-16T00:00:00Z", "2021-09-17", "window_end 2021-09-17T00:00:00 has no time zone"),
        ("yesterday", "2021-09-17T00:00:00Z", "window_start 'yesterday'"),
    ],
)
def test_a_wrong_window_is_refused(start: str, end: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Window.parse(start, end)


@given(
    start=MOMENTS,
    length=st.timedeltas(timedelta(seconds=1), timedelta(days=40)),
    share=st.floats(0, 1, exclude_max=True),
    zone=st.sampled_from(ZONES),
)
def test_no_moment_of_a_window_is_outside_its_local_bounds(
    start: datetime, length: timedelta, share: float, zone: str
) -> None:
    from zoneinfo import ZoneInfo

    window = Window(start, start + length)
    moment = start + length * share

    lower, upper = window.bounds(timedelta(), zone)

    if moment < window.end:  # length * share rounds
        assert lower <= moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None) < upper
    assert upper - lower <= length + timedelta(hours=2)


@given(moment=MOMENTS, zone=st.sampled_from(ZONES))
def test_every_window_around_the_clock_change_covers_its_hour(moment: datetime, zone: str) -> None:
    """Adjacent hours leave no gap between their local bounds, whatever the clock does."""
    hour = timedelta(hours=1)
    _, upper = Window(moment, moment + hour).bounds(timedelta(), zone)
    lower, _ = Window(moment + hour, moment + 2 * hour).bounds(timedelta(), zone)
    assert lower <= upper
