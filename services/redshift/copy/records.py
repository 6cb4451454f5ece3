"""The careful way to read a text file: every record is taken apart and checked here, so that an error can be named.

PostgreSQL reads most files untouched (load.py). This is for files that hold an error, and for options that PostgreSQL's
CSV has not.
"""

from __future__ import annotations

import csv
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from services.redshift.copy import report
from services.redshift.copy.report import FieldError, LoadError
from services.redshift.copy.statement import CopyStatement
from services.redshift.copy.target import Column
from services.redshift.copy.values import RowConverter

BATCH = 1 << 18
MAX_FIELD = 1 << 26

csv.field_size_limit(MAX_FIELD)


class Lines:
    """The lines of a stream of chunks; remembers those of the record that is being read."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._lines = _cut(chunks)
        self.number = 0
        self.record: list[str] = []

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> str:
        line = next(self._lines).decode("utf-8", "surrogateescape")
        self.number += 1
        self.record.append(line)
        return line


def _cut(chunks: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        lines = (rest + chunk).split(b"\n")
        rest = lines.pop()
        yield from (line + b"\n" for line in lines)
    if rest:
        yield rest


@dataclass
class Checked:
    """Reads one file.

    :param url: the file's name
    :param rejected: lines that PostgreSQL would not take, from an earlier reading, and why
    :param limit: stop after so many errors
    """

    url: str
    statement: CopyStatement
    columns: Sequence[Column]
    rejected: Mapping[int, tuple[str, FieldError]]
    limit: int
    errors: list[LoadError] = field(default_factory=list)
    _out_starts: list[int] = field(default_factory=list)
    _file_lines: list[int] = field(default_factory=list)

    def batches(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """Read the file's records and write the good ones as PostgreSQL's CSV: all quoted, NULL empty."""
        lines = Lines(chunks)
        converter = RowConverter(self.statement, self.columns)
        out: list[str] = []
        size, out_line = 0, 1
        for line, fields in self._records(lines):
            row = self._row(converter, line, fields, lines)
            if row is None:
                if len(self.errors) >= self.limit:
                    break
                continue
            self._out_starts.append(out_line)
            self._file_lines.append(line)
            out_line += row.count("\n")
            out.append(row)
            size += len(row)
            if size > BATCH:
                yield "".join(out).encode()
                out, size = [], 0
        yield "".join(out).encode()

    def file_line(self, out_line: int) -> int:
        """Say which line of the file a line of the written CSV comes from."""
        return self._file_lines[bisect_right(self._out_starts, out_line) - 1]

    def _records(self, lines: Lines) -> Iterator[tuple[int, list[str] | csv.Error]]:
        for _ in range(self.statement.ignore_header):
            next(lines, None)
        reader = _reader(lines, self.statement)
        while True:
            lines.record.clear()
            start = lines.number + 1
            try:
                fields = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield start, error
            else:
                yield start, fields or [""]

    def _row(self, converter: RowConverter, line: int, fields: list[str] | csv.Error, lines: Lines) -> str | None:
        """Write one row, or keep what is wrong with it."""
        position = 0
        try:
            if isinstance(fields, csv.Error):
                raise _bad_record(fields)
            if line in self.rejected:
                name, error = self.rejected[line]
                position = next((i for i, column in enumerate(self.columns) if column.name == name), -1)
                raise error
            if len(fields) > len(self.columns):
                position = -1
                raise FieldError(report.EXTRA_COLUMNS, "Extra column(s) found")
            written = []
            for position, value in enumerate(fields):
                written.append(converter.field(position, value))
            if len(fields) < len(self.columns):
                position = len(fields)
                raise FieldError(report.DELIMITER_NOT_FOUND, "Delimiter not found")
        except FieldError as error:
            self._keep(line, position, fields, lines, error)
            return None
        return ",".join(written) + "\n"

    def _keep(self, line: int, position: int, fields: list[str] | csv.Error, lines: Lines, error: FieldError) -> None:
        known = 0 <= position < len(self.columns) and not isinstance(fields, csv.Error)
        column = self.columns[position] if known else None
        value = fields[position] if isinstance(fields, list) and 0 <= position < len(fields) else ""
        raw_line = "".join(lines.record).rstrip("\r\n")
        self.errors.append(LoadError(self.url, line, column, raw_line, value, error.code, error.reason))


def _reader(lines: Lines, statement: CopyStatement) -> Iterator[list[str]]:
    delimiter = statement.field_delimiter
    if statement.file_format == "csv":
        return csv.reader(lines, strict=True, delimiter=delimiter, quotechar=statement.quote)
    return csv.reader(lines, strict=True, delimiter=delimiter, quoting=csv.QUOTE_NONE)


def _bad_record(error: csv.Error) -> FieldError:
    if "unexpected end" in str(error):
        return FieldError(report.MISSING_QUOTE, "Delimited value missing end quote")
    return FieldError(report.BAD_LINE, f"Invalid quote formatting for CSV: {error}")
