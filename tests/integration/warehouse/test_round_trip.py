"""Values that nobody would think of: what goes into MySQL comes out of the files, in every format."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.warehouse.conftest import Lake, Source
from warehouse.config import TableConfig
from warehouse.extract import Written

pytestmark = pytest.mark.integration

FORMATS: list[dict[str, str]] = [{"compression": "gzip"}, {"compression": "zstd"}, {"format": "parquet"}]
# NUL is refused, and lone surrogates are no text.
TEXT = st.text(st.characters(blacklist_characters="\0", codec="utf-8"), max_size=60)
HOSTILE = st.text(st.sampled_from("\"',\n\r\\N \t`%;{}\u2028\ufeff\x1a\x7f😀"), max_size=60)
LONGEST = timedelta(hours=838, minutes=59, seconds=59)  # what a TIME holds, but for the last second's fraction
LATIN1 = st.text(st.characters(blacklist_characters="\0", codec="cp1252"), max_size=60)
ROW = st.tuples(
    st.none() | TEXT | HOSTILE,
    st.none() | LATIN1,
    st.none() | st.binary(max_size=60),
    st.none() | st.integers(0, 2**64 - 1),
    st.none() | st.decimals(Decimal(-(10**28) + 1), Decimal(10**28 - 1), places=10),
    st.none() | st.floats(allow_nan=False, allow_infinity=False).map(lambda value: value + 0.0),
    st.none() | st.floats(allow_nan=False, allow_infinity=False, width=32).map(lambda value: value + 0.0),
    st.none() | st.datetimes(datetime(1, 1, 1, tzinfo=UTC).replace(tzinfo=None)),
    st.none() | st.dates(date(1, 1, 1)),
    st.none() | st.timedeltas(-LONGEST, LONGEST),
)


def as_time(span: Any) -> str | None:
    """A TIME as MySQL writes it."""
    if span is None:
        return None
    microseconds = abs(span) // type(span)(microseconds=1)
    seconds, fraction = divmod(microseconds, 10**6)
    sign = "-" if span < type(span)() else ""
    return f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{fraction:06}"


@pytest.fixture(scope="module", autouse=True)
def table(source: Source) -> None:
    source.execute(
        "CREATE TABLE anything (id int PRIMARY KEY, words varchar(120), latin varchar(60) character set latin1,"
        " bytes varbinary(60), big bigint unsigned, exact decimal(38,10), wide double, narrow float, at datetime(6),"
        " day date, span time(6), updated_at datetime NOT NULL)"
    )


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(rows=st.lists(ROW, max_size=15), output=st.sampled_from(FORMATS))
def test_what_goes_in_comes_out(
    rows: list[tuple[Any, ...]],
    output: dict[str, str],
    source: Source,
    lake: Lake,
    configure: Callable[..., TableConfig],
    extract: Callable[..., Written],
) -> None:
    places = ", ".join(["%s"] * 12)
    numbered = [(number, *row, "2021-09-16") for number, row in enumerate(rows)]
    as_inserted = [(*row[:-2], as_time(row[-2]), row[-1]) for row in numbered]
    source.execute("DELETE FROM anything")
    if rows:
        source.execute((f"INSERT INTO anything VALUES ({places})", as_inserted))

    written = extract(configure("anything", **output))

    found = sorted(lake.rows(written))
    assert [row[:-1] for row in found] == [(number, *row[:-1], as_time(row[-1])) for number, row in enumerate(rows)]
    counts = written.manifest.extract.counts
    assert counts.rows == len(rows)
    assert counts.non_null["words"] == sum(row[0] is not None for row in rows)
    assert (counts.sums["big"] or 0) == sum(row[3] or 0 for row in rows)
