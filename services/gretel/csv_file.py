"""CSV files: unpacked, decoded and checked row by row, with nothing but the standard library."""

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, cast

GZIP_MAGIC = b"\x1f\x8b"
MAX_FIELD_CHARACTERS = 1_000_000
HEAD_BYTES = 1024 * 1024


class TableError(ValueError):
    """A CSV file cannot be used; the message says where and why, and never quotes a value."""


class _EndOfHeadError(Exception):
    """The file goes on where what was read of it ends."""


@contextmanager
def open_csv(source: str | Path | BinaryIO, label: str) -> Iterator[BinaryIO]:
    """Open a CSV file, gzip or plain, as bytes; inside the block, what is wrong with them becomes one clear error.

    :param source: a path, or an open binary file, which stays open.
    :param label: what errors call the file.
    :raises TableError: it is missing, is not UTF-8, or is damaged gzip.
    """
    with ExitStack() as stack:
        try:
            file = stack.enter_context(Path(source).open("rb")) if isinstance(source, str | Path) else source
            packed = file.read(2) == GZIP_MAGIC
            file.seek(0)
        except OSError as error:
            raise TableError(f"{label}: cannot be read ({error.strerror}).") from error
        try:
            yield cast("BinaryIO", gzip.GzipFile(fileobj=file)) if packed else file
        except UnicodeDecodeError as error:
            byte = error.object[error.start]
            raise TableError(f"{label}: is not UTF-8 (found byte 0x{byte:02x}). Save the CSV as UTF-8.") from error
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise TableError(f"{label}: is a damaged or truncated gzip file ({error}). Upload it again.") from error


def records(lines: Iterable[str], label: str) -> Iterator[list[str]]:
    """Yield the header, then every row; blank lines are skipped.

    :param label: what errors call the file.
    :raises TableError: there is no header or no row, a column name is missing or comes twice, a row has a wrong number
        of fields, or it is not CSV.
    """
    csv.field_size_limit(MAX_FIELD_CHARACTERS)
    reader = csv.reader(lines, strict=True)
    try:
        header = next(reader, [])
        _check_header(header, label)
        yield header
        empty = True
        for row in reader:
            if not row:
                continue
            if len(row) != len(header):
                raise TableError(_ragged(label, reader.line_num, header, len(row)))
            empty = False
            yield row
    except csv.Error as error:
        raise TableError(f"{label}, line {reader.line_num}: is not valid CSV ({error}).") from error
    if empty:
        raise TableError(f"{label}: has a header of {len(header)} columns but no rows; expected at least one.")


def check_head(path: Path, *, name: str) -> None:
    """Check the first MiB of a CSV file, in memory that does not grow with the file.

    :param name: what errors call the file.
    :raises TableError: what is there cannot be used, whatever comes after it.
    """
    with open_csv(path, name) as file:
        head = file.read(HEAD_BYTES)
        goes_on = len(head) == HEAD_BYTES
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(head, final=not goes_on)
    try:
        for _ in records(_lines(text, goes_on=goes_on), name):
            pass
    except _EndOfHeadError:
        return


def _lines(text: str, *, goes_on: bool) -> Iterator[str]:
    """Yield the lines of a file's head; the last one may be cut, and with it the row that it is part of."""
    for line in io.StringIO(text, newline=""):
        if goes_on and not line.endswith("\n"):
            break
        yield line
    if goes_on:
        raise _EndOfHeadError


def _check_header(header: list[str], label: str) -> None:
    if not header:
        raise TableError(f"{label}: is empty; expected a CSV file with a header line and at least one row.")
    if any("\0" in name for name in header):
        raise TableError(f"{label}, line 1: holds binary data; expected a CSV file with a header line.")
    for position, name in enumerate(header, start=1):
        if not name.strip():
            raise TableError(
                f"{label}, line 1: column {position} of {len(header)} has no name; name it or leave it out."
            )
        if header.index(name) != position - 1:
            first = header.index(name) + 1
            raise TableError(
                f"{label}, line 1: column name {name!r} appears twice, as columns {first} and {position}; rename one."
            )


def _ragged(label: str, line: int, header: list[str], fields: int) -> str:
    place = (
        f"nothing for column {header[fields]!r}"
        if fields < len(header)
        else f"{fields - len(header)} too many after the last column {header[-1]!r}"
    )
    return (
        f"{label}, line {line}: {fields} fields where the header has {len(header)} columns, {place}. "
        "Check this line for a missing or an unquoted comma."
    )
