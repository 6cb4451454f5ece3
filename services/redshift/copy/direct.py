"""When PostgreSQL can read a text file as it is, and the bytes that must not come to it."""

from __future__ import annotations

from collections.abc import Iterator

from services.redshift.copy.statement import CopyStatement
from services.redshift.copy.target import Target
from services.redshift.copy.values import NATIVE_DATE, NATIVE_TIME
from services.redshift.dialect.tokens import literal

_NO_QUOTE = "\x01"  # what stands for a quote character in a format that has none


class NotDirectError(Exception):
    """A file that must be read carefully, found out on the way."""


def direct_options(statement: CopyStatement, target: Target) -> str | None:
    """Say how PostgreSQL's COPY reads the file as it is, or None if it cannot."""
    markers = statement.null_markers
    quote = statement.quote if statement.file_format == "csv" else _NO_QUOTE
    null = next(iter(markers))
    if (
        len(markers) > 1
        or len(target.columns) < 2  # a lone \. would end PostgreSQL's COPY
        or any(column.kind == "bytea" for column in target.columns)
        or statement.date_format not in NATIVE_DATE
        or statement.time_format not in NATIVE_TIME
        or statement.field_delimiter in {quote, "\r", "\n"}
        or quote in null
        or statement.field_delimiter in null
    ):
        return None
    # A quoted field equal to the NULL marker is NULL, too: Redshift does not promise to tell them apart.
    return (
        f"FORMAT csv, ENCODING 'UTF8', DELIMITER {literal(statement.field_delimiter)}, QUOTE {literal(quote)}, "
        f"NULL {literal(null)}, FORCE_NULL ({target.column_list})"
    )


def guarded(chunks: Iterator[bytes], statement: CopyStatement) -> Iterator[bytes]:
    r"""Pass bytes through, unless they hold what PostgreSQL would take for something else.

    A line that starts with ``\.`` may end its COPY; and a format without quotes must not hold the stand-in for one.
    """
    no_quote = _NO_QUOTE.encode() if statement.file_format == "text" else None
    last = b"\n"
    for chunk in chunks:
        if b"\n\\." in last + chunk or (no_quote is not None and no_quote in chunk):
            raise NotDirectError
        last = (last + chunk)[-2:]
        yield chunk


def without_header(chunks: Iterator[bytes], lines: int) -> Iterator[bytes]:
    """Leave out the first lines."""
    for chunk in chunks:
        rest = chunk
        while lines and rest:
            found = rest.find(b"\n")
            rest = rest[found + 1 :] if found >= 0 else b""
            lines -= found >= 0
        if rest:
            yield rest
