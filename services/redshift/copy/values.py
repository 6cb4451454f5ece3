"""Checks fields by Redshift's rules, and writes them as PostgreSQL reads them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Context, Decimal

from services.redshift.copy import report
from services.redshift.copy.report import FieldError
from services.redshift.copy.statement import CopyStatement
from services.redshift.copy.target import Column
from services.redshift.errors import SqlError

Converter = Callable[[str], str]

# Formats that PostgreSQL reads by itself.
NATIVE_DATE = {None, "auto", "YYYY-MM-DD"}
NATIVE_TIME = {None, "auto", "YYYY-MM-DD HH:MI:SS", "YYYY-MM-DD HH24:MI:SS"}

_INTEGERS = {"int2": ("Short", 15), "int4": ("Integer", 31), "int8": ("Long", 63)}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_BOOLEANS = {"t", "true", "y", "yes", "1", "f", "false", "n", "no", "0"}
_SURROGATE = re.compile("[\udc80-\udcff]+")

# DATEFORMAT and TIMEFORMAT parts, longest first, as a strptime directive.
_FORMAT_PARTS = {
    "YYYY": "%Y",
    "MONTH": "%B",
    "HH24": "%H",
    "HH12": "%I",
    "MON": "%b",
    "YY": "%y",
    "MM": "%m",
    "DD": "%d",
    "HH": "%H",
    "MI": "%M",
    "SS": "%S",
    "AM": "%p",
    "PM": "%p",
}


class RowConverter:
    """Turns a record's fields into a CSV line for PostgreSQL.

    :param statement: gives NULL markers and formats
    :param columns: in the order of the fields
    """

    def __init__(self, statement: CopyStatement, columns: Sequence[Column]) -> None:
        self.columns = columns
        self.null_markers = statement.null_markers
        self.converters = [_converter(column, statement) for column in columns]

    def field(self, position: int, value: str) -> str:
        """Write one field: empty for NULL, else in double quotes.

        :raises FieldError: the column cannot take it
        """
        column = self.columns[position]
        if not value.isascii() and _SURROGATE.search(value):
            raise _bad_utf8(value)
        if "\0" in value:
            raise FieldError(report.BAD_CHARACTER, "String contains a NUL character")
        if value in self.null_markers or (not value.strip() and not column.is_text):
            if column.not_null:
                raise FieldError(report.MISSING_NOT_NULL, "Missing data for not-null field")
            return ""
        return '"' + self.converters[position](value).replace('"', '""') + '"'


def _bad_utf8(value: str) -> FieldError:
    match = _SURROGATE.search(value)
    bad = match.group().encode("utf-8", "surrogateescape").hex(" ") if match else ""
    return FieldError(
        report.BAD_CHARACTER,
        f"String contains invalid or unsupported UTF8 codepoints. Bad UTF8 hex sequence: {bad} (error 3)",
    )


def _converter(column: Column, statement: CopyStatement) -> Converter:
    if column.kind in _INTEGERS:
        return _integer(*_INTEGERS[column.kind])
    if column.kind in {"date", "timestamp", "timestamptz"}:
        return _moment(column.kind, statement)
    factories: dict[str, Callable[[Column], Converter]] = {
        "numeric": _decimal,
        "varchar": _varchar,
        "bpchar": _char,
        "bytea": _varbyte,
    }
    if column.kind in factories:
        return factories[column.kind](column)
    return {"float4": _float, "float8": _float, "bool": _boolean, "jsonb": _super}.get(column.kind, str)


def _integer(type_name: str, bits: int) -> Converter:
    def convert(value: str) -> str:
        text = value.strip()
        digits = text[1:] if text[:1] in {"+", "-"} else text
        if not digits.isascii() or not digits.isdigit():
            raise _bad_digit(text, r"[^0-9]", type_name)
        if not -(1 << bits) <= int(text) < 1 << bits:
            raise FieldError(report.OUT_OF_RANGE, f"Overflow, Type: {type_name}")
        return text

    return convert


# The default of 28 digits is fewer than a DECIMAL(38) has.
_ANY_PRECISION = Context(prec=200)


def _bad_digit(text: str, wrong: str, type_name: str) -> FieldError:
    match = re.compile(wrong).search(text, 1 if text[:1] in {"+", "-"} else 0)
    position = match.start() if match else max(len(text) - 1, 0)
    return FieldError(
        report.BAD_DIGIT, f"Invalid digit, Value '{text[position : position + 1]}', Pos {position}, Type: {type_name}"
    )


def _decimal(column: Column) -> Converter:
    limit = Decimal(10) ** (column.length - column.scale)
    unit = Decimal(1).scaleb(-column.scale)

    def convert(value: str) -> str:
        text = value.strip()
        if not _NUMBER.fullmatch(text):
            raise _bad_digit(text, r"[^0-9.]", "Decimal")
        if column.length and Decimal(text).quantize(unit, context=_ANY_PRECISION).copy_abs() >= limit:
            raise FieldError(report.OUT_OF_RANGE, f"Overflow, Type: Decimal({column.shown_length})")
        return text

    return convert


def _float(value: str) -> str:
    try:
        float(value)
    except ValueError:
        raise FieldError(report.BAD_FLOAT, "Invalid floating point format") from None
    return value.strip()


def _boolean(value: str) -> str:
    if value.strip().lower() not in _BOOLEANS:
        raise FieldError(report.BAD_BOOLEAN, "Unknown boolean format")
    return value.strip()


def _varchar(column: Column) -> Converter:
    def convert(value: str) -> str:
        if column.length and len(value.encode()) > column.length:
            value = value.rstrip(" ")  # blanks at the end may be cut off
            if len(value.encode()) > column.length:
                raise FieldError(report.OUT_OF_RANGE, "String length exceeds DDL length")
        return value

    return convert


def _char(column: Column) -> Converter:
    def convert(value: str) -> str:
        if not value.isascii():
            wrong = next(character for character in value if not character.isascii())
            raise FieldError(
                report.BAD_CHARACTER,
                "Multibyte character not supported for CHAR (Hint: try using VARCHAR). "
                f"Invalid char: {wrong.encode().hex(' ')}",
            )
        if column.length and len(value.rstrip(" ")) > column.length:
            raise FieldError(report.OUT_OF_RANGE, "Char length exceeds DDL length")
        return value

    return convert


def _varbyte(column: Column) -> Converter:
    def convert(value: str) -> str:
        try:
            data = bytes.fromhex(value)
        except ValueError:
            raise FieldError(report.BAD_HEX, "Invalid hexadecimal digits for VARBYTE") from None
        if column.length and len(data) > column.length:
            raise FieldError(report.OUT_OF_RANGE, "VARBYTE length exceeds DDL length")
        return "\\x" + data.hex()

    return convert


def _super(value: str) -> str:
    try:
        json.loads(value)
    except ValueError:
        raise FieldError(report.BAD_LINE, "Invalid JSON format for SUPER") from None
    return value


def _moment(kind: str, statement: CopyStatement) -> Converter:
    date = kind == "date"
    given = statement.date_format if date else statement.time_format
    if given in (NATIVE_DATE if date else NATIVE_TIME):
        return str.strip  # PostgreSQL tells what is wrong with it
    code = report.BAD_DATE if date else report.BAD_TIMESTAMP
    if not date and given in {"epochsecs", "epochmillisecs"}:
        return _epoch(1000 if given == "epochmillisecs" else 1)
    pattern = strptime_format(str(given))

    def convert(value: str) -> str:
        try:
            parsed = _parse(value.strip(), pattern)
        except ValueError:
            what = "Invalid Date Format" if date else "Invalid timestamp format or value"
            raise FieldError(code, f"{what} [{given}]") from None
        return parsed.isoformat(sep=" ")

    return convert


def _parse(text: str, pattern: str) -> datetime:
    """Parse by a format; seconds may have a fraction although the format does not say so."""
    try:
        return datetime.strptime(text, pattern)  # noqa: DTZ007 the column decides about the zone
    except ValueError:
        return datetime.strptime(text, pattern.replace("%S", "%S.%f"))  # noqa: DTZ007


def _epoch(divisor: int) -> Converter:
    def convert(value: str) -> str:
        if not _NUMBER.fullmatch(value.strip()):
            raise FieldError(report.BAD_TIMESTAMP, "Invalid timestamp format or value [epoch]")
        microseconds = int(Decimal(value.strip()) * (1_000_000 // divisor))
        seconds, rest = divmod(microseconds, 1_000_000)
        return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest).isoformat(sep=" ")

    return convert


def strptime_format(given: str) -> str:
    """Turn a DATEFORMAT or TIMEFORMAT string into Python's.

    :raises SqlError: a part that is not known
    """
    parts = sorted(_FORMAT_PARTS, key=len, reverse=True)
    pattern = re.compile("|".join(parts) + r"|[^A-Za-z%]+|T", re.IGNORECASE)
    out, position = "", 0
    while position < len(given):
        match = pattern.match(given, position)
        if match is None:
            raise SqlError("22023", f"COPY: format '{given}' is not understood from '{given[position:]}' on")
        out += _FORMAT_PARTS.get(match.group().upper(), match.group())
        position = match.end()
    return out.replace("%H", "%I") if "%p" in out else out
