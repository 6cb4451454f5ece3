"""The half-open window of time that one extract covers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

# Clocks are set back by an hour or two; this close to a window's edge a local clock may show a time twice.
CLOCK_CHANGE = timedelta(hours=3)


@dataclass(frozen=True)
class Window:
    """`start` ≤ cursor < `end`.

    :param start: aware; any zone, kept in UTC.
    :param end: aware, later than `start`.
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        for name in ("start", "end"):
            value = getattr(self, name)
            if value.tzinfo is None:
                raise ValueError(f"window_{name} {value.isoformat()} has no time zone; add one, such as +00:00")
            object.__setattr__(self, name, value.astimezone(UTC))
        if self.start >= self.end:
            raise ValueError(
                f"the window from {self.start.isoformat()} to {self.end.isoformat()} is empty; its end must be later "
                "than its start (a bare cron schedule has zero-width intervals: use CronDataIntervalTimetable)"
            )

    @classmethod
    def parse(cls, start: str, end: str) -> Window:
        """A window of two ISO 8601 times with zones."""
        try:
            return cls(datetime.fromisoformat(start), datetime.fromisoformat(end))
        except ValueError as error:
            raise ValueError(f"window_start {start!r}, window_end {end!r}: {error}") from error

    def bounds(self, lookback: timedelta, zone: str) -> tuple[datetime, datetime]:
        """The naive times that a cursor is compared with, as a clock in the zone shows them.

        Where the clock is set back near an edge, the bound moves outwards by that hour: a row seen twice is upserted
        twice, a row missed is lost.

        :param lookback: subtracted from the start.
        :param zone: IANA name.
        """
        start = self.start - lookback
        lower = start + min(_offset(start, zone), _offset(start + CLOCK_CHANGE, zone))
        upper = self.end + max(_offset(self.end, zone), _offset(self.end - CLOCK_CHANGE, zone))
        return lower.replace(tzinfo=None), upper.replace(tzinfo=None)

    @property
    def slug(self) -> str:
        """For an S3 key: 20210916T000000Z--20210917T000000Z."""
        return f"{self.start:%Y%m%dT%H%M%SZ}--{self.end:%Y%m%dT%H%M%SZ}"


def _offset(moment: datetime, zone: str) -> timedelta:
    return moment.astimezone(ZoneInfo(zone)).utcoffset() or timedelta()
