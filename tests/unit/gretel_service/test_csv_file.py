"""Looking into the head of a CSV file."""

from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path

import pytest

from services.gretel.csv_file import HEAD_BYTES, TableError, check_head
from services.gretel.table import read_table


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "0123"


def check(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    check_head(path, name="bookings.csv")


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"a,b\n", "has a header of 2 columns but no rows"),
        (b"a,b\n1,2\n3\n", "line 3: 1 fields where the header has 2 columns, nothing for column 'b'"),
        (b"a,a\n1,2\n", "'a' appears twice"),
        (b"a,\n1,2\n", "column 2 of 2 has no name"),
        (b'a\n"1\n', "is not valid CSV"),
        (b"a\n\xff\n", "is not UTF-8"),
        (b"\x89PNG\x00\r\n\x1a\n\x00\x00,\x00", "is not UTF-8"),
    ],
)
def test_what_cannot_be_used_is_said_at_once(path: Path, content: bytes, text: str, packed: bool) -> None:
    with pytest.raises(TableError) as early:
        check(path, gzip.compress(content) if packed else content)
    with pytest.raises(TableError) as late:
        read_table(path, name="bookings.csv")

    assert text in str(early.value)
    assert str(early.value) == str(late.value)


@pytest.mark.parametrize(
    "content",
    [b"\x1f\x8b\x08\x00broken", gzip.compress(b"a\n" + b"1\n" * 99, mtime=0)[:-20]],
    ids=["a gzip header alone", "cut off"],
)
def test_damaged_gzip_is_said_at_once(path: Path, content: bytes) -> None:
    with pytest.raises(TableError, match=r"bookings\.csv: is a damaged or truncated gzip file"):
        check(path, content)


@pytest.mark.parametrize(
    "row", [b"1,2\n", '"ä\n",2\n'.encode(), b'"a\r\nb""c",2\r\n', "\N{GRINNING FACE},\N{GRINNING FACE}\n".encode()]
)
def test_where_the_head_ends_is_no_error(path: Path, row: bytes) -> None:
    for shift in range(len(row) + 1):
        header = b"a" * (shift + 1) + b",b\n"
        check(path, header + row * (HEAD_BYTES // len(row) + 9))


def test_one_row_too_long_for_the_head_is_left_to_the_job(path: Path) -> None:
    check(path, b"a," * HEAD_BYTES)


def test_a_file_that_unpacks_to_much_takes_little_memory(path: Path) -> None:
    path.write_bytes(gzip.compress(b"a\n" + b"1\n" * 20_000_000, compresslevel=1))
    tracemalloc.start()
    check_head(path, name="bookings.csv")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 10 * HEAD_BYTES
