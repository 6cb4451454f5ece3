"""Rows from the cursor into chunks of lines."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transfers.pseudonyms import Pseudonyms
from warehouse.config import Pii, TableConfig
from warehouse.errors import SourceDataError
from warehouse.lines import CHUNK, Row, fetch_size, gather
from warehouse.type_map import Column, SourceColumn, map_column

CONFIG = TableConfig(name="t", source="prod.t", target="a.t", primary_key=("id",), mode="append", cursor="created_at")


def column(name: str, data_type: str, *, length: int | None = None, pii: Pii | None = None) -> Column:
    return map_column(SourceColumn(name, data_type, data_type, True, length=length, charset="utf8mb4"), pii=pii)


NARROW = [column("id", "int"), column("name", "varchar", length=40)]
WIDE = [column("id", "int"), column("body", "longblob", length=2**32 - 1)]


@given(
    st.lists(
        st.lists(st.binary(max_size=30).filter(lambda line: b"\0" not in line), min_size=1, max_size=9), max_size=9
    )
)
def test_chunks_are_the_lines(batches: list[list[bytes]]) -> None:
    chunks = list(gather([[(line,) for line in batch] for batch in batches], NARROW, CONFIG, "NULL_x"))

    lines = [line for batch in batches for line in batch]
    assert b"".join(chunk.lines for chunk in chunks) == b"".join(lines)
    assert sum(chunk.rows for chunk in chunks) == len(lines)


def test_chunks_hold_about_a_megabyte() -> None:
    batches = [[(b"x" * 1000 + b"\n",)] * 100] * 100

    sizes = [len(chunk.lines) for chunk in gather(batches, NARROW, CONFIG, "NULL_x")]

    assert sum(sizes) == 10_010_000
    assert all(CHUNK <= size < CHUNK + 200_000 for size in sizes[:-1])


@given(st.lists(st.tuples(st.binary(max_size=20), st.none() | st.binary(max_size=20)), min_size=1, max_size=20))
def test_values_are_hashed_in_their_places(rows: list[tuple[bytes, bytes | None]]) -> None:
    key = "0123456789abcdef"
    batch: list[Row] = [(b"1,", first, b",2,", second, b",3\n") for first, second in rows]

    [chunk] = gather([batch], NARROW, CONFIG, "NULL_x", Pseudonyms(key))

    def field(value: bytes | None) -> str:
        return "NULL_x" if value is None else f'"{hmac.new(key.encode(), value, hashlib.sha256).hexdigest()}"'

    expected = "".join(f"1,{field(first)},2,{field(second)},3\n" for first, second in rows)
    assert chunk.lines.decode() == expected
    assert chunk.rows == len(rows)


@pytest.mark.parametrize("pseudonyms", [None, Pseudonyms("0123456789abcdef")])
def test_a_line_that_mysql_could_not_write_is_refused(pseudonyms: Pseudonyms | None) -> None:
    batches: list[list[Row]] = [[(b"1\n",), (b"2\n",), (None,)]]
    with pytest.raises(SourceDataError, match=r"prod\.t: MySQL could not write a row: .*max_allowed_packet"):
        list(gather(batches, NARROW, CONFIG, "NULL_x", pseudonyms))


def test_a_row_beyond_copy_s_limit_is_refused() -> None:
    with pytest.raises(
        SourceDataError, match=r"a row has 4,194,306 bytes as CSV.*takes 4,194,304; leave out one of body"
    ):
        list(gather([[(b"x" * (4 * 1024**2 + 1) + b"\n",)]], WIDE, CONFIG, "NULL_x"))


def test_a_nul_character_is_refused() -> None:
    with pytest.raises(SourceDataError, match=r"a text holds a NUL character.*one of name:"):
        list(gather([[(b'1,"a\0b"\n',)]], NARROW, CONFIG, "NULL_x"))


def test_few_wide_rows_are_fetched_at_once() -> None:
    assert fetch_size(NARROW) == 1000
    assert fetch_size([column(f"c{n}", "text", length=65535) for n in range(4)]) == 7
    assert fetch_size(WIDE) == 1


def test_a_hash_key_does_not_show() -> None:
    assert "0123456789abcdef" not in repr(Pseudonyms("0123456789abcdef"))
    with pytest.raises(ValueError, match="the hash key has 4 bytes, at least 16 are needed"):
        Pseudonyms("ñab")
