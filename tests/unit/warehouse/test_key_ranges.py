"""Ranges of an integer key: no gap, no overlap, open at both ends."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from warehouse.key_ranges import split
from warehouse.manifest import KeyRange

KEYS = st.integers(-(2**63), 2**64 - 1)


@given(first=KEYS, second=KEYS, count=st.integers(1, 50), key=KEYS)
def test_every_key_lies_in_exactly_one_range(first: int, second: int, count: int, key: int) -> None:
    ranges = split("id", min(first, second), max(first, second), count)

    inside = [r for r in ranges if (r.lower is None or r.lower <= key) and (r.upper is None or key < r.upper)]
    assert len(inside) == 1
    assert 1 <= len(ranges) <= count


def test_ranges_have_equal_width() -> None:
    assert [(r.lower, r.upper) for r in split("id", 1, 100, 4)] == [(None, 26), (26, 51), (51, 76), (76, None)]


def test_few_keys_make_few_ranges() -> None:
    assert [(r.lower, r.upper) for r in split("id", 7, 8, 5)] == [(None, 8), (8, None)]
    assert split("id", None, None, 5) == [KeyRange(column="id")]
