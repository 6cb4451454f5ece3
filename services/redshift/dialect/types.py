"""Redshift's data types in PostgreSQL's terms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from services.redshift.dialect.cursor import Cursor
from services.redshift.errors import SqlError, not_provided, refused

MAX_VARCHAR = 65535
MAX_CHAR = 4096
MAX_VARBYTE = 16_777_216
DEFAULT_VARBYTE = 64_000

_PLAIN = {
    "smallint": "smallint",
    "int2": "smallint",
    "integer": "integer",
    "int": "integer",
    "int4": "integer",
    "bigint": "bigint",
    "int8": "bigint",
    "real": "real",
    "float4": "real",
    "float8": "double precision",
    "float": "double precision",
    "boolean": "boolean",
    "bool": "boolean",
    "date": "date",
    "timestamptz": "timestamptz",
    "timetz": "timetz",
    "super": "jsonb",
}
_BINARY = {"varbyte", "varbinary"}
_NOT_PROVIDED = {"geometry", "geography", "hllsketch", "interval"}
# What PostgreSQL would accept in a cast and Redshift would not.
_UNSUPPORTED_NAMES = """
bit bytea cidr circle citext hstore inet json jsonb jsonpath line lseg macaddr money path point polygon serial
bigserial smallserial numrange daterange int4range int8range tsrange tstzrange tsquery tsvector uuid xml
"""
_UNSUPPORTED = frozenset(_UNSUPPORTED_NAMES.split())


@dataclass(frozen=True, slots=True)
class ColumnType:
    """A column's type.

    :param sql: the type for PostgreSQL
    :param max_bytes: a limit PostgreSQL's type cannot carry (VARBYTE's), or None
    """

    sql: str
    max_bytes: int | None = None


def column_type(cursor: Cursor, column: str) -> ColumnType:
    """Read a column's type.

    :param cursor: stands at the type
    :param column: the column's name, for errors
    :raises SqlError: no type of Redshift's, or out of its limits
    """
    word = cursor.peek().text.lower()
    if word in _BINARY or cursor.at("binary", "varying"):
        cursor.position += 2 if word == "binary" else 1
        length = _length(cursor, word, DEFAULT_VARBYTE, MAX_VARBYTE)
        return ColumnType("bytea", length)
    sql = _type(cursor, in_column=True)
    if sql is None:
        raise refused(f'Column "{column}" has unsupported type "{word}"', hint="See Redshift's list of data types.")
    return ColumnType(sql)


def cast_type(cursor: Cursor) -> str | None:
    """Read the type of a cast.

    :param cursor: stands behind ``::`` or ``AS``
    :return: PostgreSQL's type, or None for one that can stay as it is written
    :raises SqlError: a type that Redshift has not, or whose cast means something else in Redshift
    """
    word = cursor.peek().text.lower()
    if word == "super":
        raise not_provided("a cast to SUPER", hint="JSON_PARSE(text) gives a SUPER value.")
    if word in _BINARY or cursor.at("binary", "varying"):
        raise not_provided("a cast to VARBYTE", hint="TO_VARBYTE(text, 'utf8') and FROM_HEX(text) give one.")
    if word in _UNSUPPORTED:
        raise refused(f'type "{word}" does not exist in Redshift')
    return _type(cursor, in_column=False)


def _type(cursor: Cursor, *, in_column: bool) -> str | None:
    word = cursor.peek().text.lower() if cursor.peek().kind == "word" else ""
    if word in _NOT_PROVIDED and in_column:
        raise not_provided(f"the data type {word.upper()}")
    if cursor.accept("double", "precision"):
        return "double precision"
    if word in _PLAIN:
        cursor.next()
        return _PLAIN[word]
    if cursor.at("character", "varying") or cursor.at("char", "varying"):
        cursor.next()
        word = "varchar"
    reader = next((read for words, read in _READERS if word in words), None)
    return reader(cursor, in_column) if reader else None


def _varchar(cursor: Cursor, in_column: bool) -> str:
    word = cursor.next().text.lower()
    if cursor.peek().kind == "group":
        return f"varchar({_length(cursor, word, 0, MAX_VARCHAR)})"
    # Without a length: 256 bytes in a column, as long as it needs to be in an expression.
    return "varchar(256)" if in_column else "varchar"


def _char(cursor: Cursor, in_column: bool) -> str:
    word = cursor.next().text.lower()
    if cursor.peek().kind == "group":
        return f"char({_length(cursor, word, 0, MAX_CHAR)})"
    if word == "bpchar":
        return "char(256)" if in_column else "bpchar"
    return "char(1)" if in_column else "bpchar"


def _decimal(cursor: Cursor, _: bool) -> str:
    cursor.position += 1
    if cursor.peek().kind != "group":
        return "numeric(18,0)"
    inner = Cursor(cursor.group().items)
    precision, scale = inner.integer(), 0
    if not inner.done:
        if not inner.next().is_op(","):
            raise inner.error('expected ","')
        scale = inner.integer()
    if not 1 <= precision <= 38:
        raise _out_of_range(f"DECIMAL precision {precision} must be between 1 and 38")
    if scale > precision:
        raise _out_of_range(f"DECIMAL scale {scale} must be between 0 and precision {precision}")
    return f"numeric({precision},{scale})"


def _time(cursor: Cursor, _: bool) -> str:
    word = cursor.next().text.lower()
    if cursor.peek().kind == "group":
        raise refused(f"{word.upper()} with a precision is not supported: it always holds microseconds")
    if cursor.accept("with", "time", "zone"):
        return f"{word}tz"
    cursor.accept("without", "time", "zone")
    return word


_READERS: tuple[tuple[set[str], Callable[[Cursor, bool], str]], ...] = (
    ({"varchar", "nvarchar", "text"}, _varchar),
    ({"char", "character", "nchar", "bpchar"}, _char),
    ({"decimal", "numeric", "dec"}, _decimal),
    ({"timestamp", "time"}, _time),
)


def _length(cursor: Cursor, word: str, default: int, maximum: int) -> int:
    if cursor.peek().kind != "group":
        return default
    inner = Cursor(cursor.group().items)
    length = maximum if inner.accept("max") else inner.integer()
    if not inner.done:
        raise inner.error()
    if not 1 <= length <= maximum:
        raise _out_of_range(f"length for type {word} must be between 1 and {maximum}, not {length}")
    return length


def _out_of_range(message: str) -> SqlError:
    return SqlError("22023", message)
