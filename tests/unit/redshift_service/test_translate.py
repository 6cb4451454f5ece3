"""PostgreSQL's answers, as Redshift would have given them."""

import struct

import pytest

from services.redshift import translate
from services.redshift.errors import SqlError
from services.redshift.wire import MessageBuffer, cstring, error_message, fields_message, message, parse_fields


def translated(fields: dict[str, str]) -> dict[str, str]:
    return parse_fields(translate.error(fields_message(b"E", fields)[5:], pid=77)[5:])


def test_a_write_conflict_is_redshifts_1023() -> None:
    error = translated(
        {"S": "ERROR", "C": "40001", "M": "could not serialize access due to concurrent update", "L": "1"}
    )
    assert (error["C"], error["M"]) == ("XX000", "1023")
    assert error["D"].startswith("Serializable isolation violation on table")
    assert "L" not in error


@pytest.mark.parametrize(
    ("fields", "sqlstate", "text"),
    [
        (
            {"C": "23514", "n": "character varying(5) #2", "D": "Failing row contains (secret)."},
            "22001",
            "value too long for type character varying(5)",
        ),
        ({"C": "23514", "n": "binary varying(9) col"}, "22001", "value too long for type binary varying(9)"),
        ({"C": "23514", "n": "character(3) #1"}, "22021", "Multibyte character not supported for CHAR"),
        (
            {"C": "23502", "c": "id", "D": "Failing row contains (secret)."},
            "23502",
            "Cannot insert a NULL value into column id",
        ),
        (
            {"C": "21000", "M": "MERGE command cannot affect row a second time"},
            "21000",
            "Found multiple matches to update the same tuple.",
        ),
        ({"C": "42703", "M": 'column "x" does not exist', "P": "8"}, "42703", 'column "x" does not exist'),
    ],
)
def test_errors(fields: dict[str, str], sqlstate: str, text: str) -> None:
    error = translated({"S": "ERROR", "M": "", **fields})
    assert error["C"] == sqlstate
    assert error["M"].startswith(text)
    assert "secret" not in str(error)
    assert "P" not in error


def row_description(*oids: int) -> bytes:
    columns = [cstring("c") + struct.pack("!IhIhih", 0, 0, oid, -1, -1, 0) for oid in oids]
    return struct.pack("!H", len(oids)) + b"".join(columns)


def data_row(*values: bytes | None) -> bytes:
    cells = [struct.pack("!i", -1) if value is None else struct.pack("!i", len(value)) + value for value in values]
    return struct.pack("!H", len(values)) + b"".join(cells)


def test_varbyte_and_super_have_redshifts_types_and_texts() -> None:
    described, transforms = translate.row_description(row_description(23, translate.BYTEA, translate.JSONB))
    assert described == message(b"T", row_description(23, translate.VARBYTE, translate.SUPER))
    row = data_row(b"\\x1", b"\\x00ff", b'{"a": "x: y, \\" z", "b": [1, 2]}')
    assert translate.data_row(row, transforms) == message(
        b"D", data_row(b"\\x1", b"00ff", b'{"a":"x: y, \\" z","b":[1,2]}')
    )
    assert translate.data_row(data_row(None, None, None), transforms) == message(b"D", data_row(None, None, None))


@pytest.mark.parametrize(
    ("tag", "expected"),
    [("SELECT 5", "SELECT"), ("MERGE 3", "MERGE"), ("INSERT 0 7", "INSERT 0 7"), ("UPDATE 2", "UPDATE 2")],
)
def test_tags_carry_counts_where_redshifts_do(tag: str, expected: str) -> None:
    assert translate.command_complete(cstring(tag)) == message(b"C", cstring(expected))


def test_parameters() -> None:
    assert translate.parameter(cstring("server_version") + cstring("15.18")).endswith(b"8.0.2\0")
    assert translate.parameter(cstring("standard_conforming_strings") + cstring("on")) == b""
    assert translate.parameter(cstring("TimeZone") + cstring("UTC")).endswith(b"TimeZone\0UTC\0")


@pytest.mark.parametrize("size", [1, 4, 7, 1000])
def test_messages_are_found_in_any_cut_of_the_stream(size: int) -> None:
    messages = [message(b"T", b"x" * 9), message(b"Z", b"I"), message(b"D", b"")]
    stream = b"".join(messages)
    buffer = MessageBuffer()
    found = [whole for i in range(0, len(stream), size) for _, whole in buffer.feed(stream[i : i + size])]
    assert found == messages


def test_an_error_of_the_services_own_has_all_its_fields() -> None:
    fields = parse_fields(error_message(SqlError("XX000", "what", detail="more", hint="do"), "FATAL")[5:])
    assert fields == {"S": "FATAL", "V": "FATAL", "C": "XX000", "M": "what", "D": "more", "H": "do"}
