"""What PostgreSQL answers, as Redshift would have said it: errors, row descriptions, values, tags, parameters."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Mapping

from services.redshift.wire import cstring, fields_message, message, parameter_status, parse_fields, take_cstring

# Redshift is "PostgreSQL 8.0.2" to its clients, and their drivers choose their SQL by it.
SERVER_VERSION = "8.0.2"
_HIDDEN_PARAMETERS = {"standard_conforming_strings"}  # 8.0 has none: clients then escape backslashes, as Redshift needs

BYTEA, JSONB = 17, 3802
VARBYTE, SUPER = 6551, 4000
# redshift_connector turns VARBYTE's hex digits into text by itself at the protocol version that is spoken here, 0; at
# Redshift's own, 2, it hands them out, as it does for a type it does not know.
UNKNOWN_TO_CONNECTOR = BYTEA

_BYTE_LIMIT = re.compile(r"((?:character varying|binary varying)\(\d+\)) ")
_ASCII_ONLY = re.compile(r"character\(\d+\) ")
_JSON_TOKEN = re.compile(rb'("(?:[^"\\]|\\.)*")|([,:]) ')

Transform = Callable[[bytes], bytes]


def _hex(value: bytes) -> bytes:
    return value.removeprefix(b"\\x")


def _compact_json(value: bytes) -> bytes:
    return _JSON_TOKEN.sub(lambda match: match.group(1) or match.group(2), value)


_TRANSFORMS: dict[int, Transform] = {BYTEA: _hex, JSONB: _compact_json}


def row_description(body: bytes, varbyte: int = VARBYTE) -> tuple[bytes, dict[int, Transform]]:
    """Give VARBYTE and SUPER columns Redshift's type numbers.

    :param body: RowDescription without its header
    :param varbyte: the number this client is told for VARBYTE
    :return: the whole message, and how to change the text of which column (by position)
    """
    out = bytearray(body)
    transforms: dict[int, Transform] = {}
    position = 2
    for column in range(struct.unpack_from("!H", body)[0]):
        position = body.index(b"\0", position) + 1
        (oid,) = struct.unpack_from("!I", body, position + 6)
        if oid in _TRANSFORMS:
            struct.pack_into("!Ih", out, position + 6, varbyte if oid == BYTEA else SUPER, -1)
            transforms[column] = _TRANSFORMS[oid]
        position += 18
    return message(b"T", bytes(out)), transforms


def data_row(body: bytes, transforms: Mapping[int, Transform]) -> bytes:
    """Change the text of some columns of a DataRow."""
    out = [body[:2]]
    position = 2
    for column in range(struct.unpack_from("!H", body)[0]):
        (length,) = struct.unpack_from("!i", body, position)
        end = position + 4 + max(length, 0)
        if length >= 0 and column in transforms:
            value = transforms[column](body[position + 4 : end])
            out.append(struct.pack("!i", len(value)) + value)
        else:
            out.append(body[position:end])
        position = end
    return message(b"D", b"".join(out))


def row_values(body: bytes) -> list[str | None]:
    """Read a DataRow whose values are all text."""
    values: list[str | None] = []
    position = 2
    for _ in range(struct.unpack_from("!H", body)[0]):
        (length,) = struct.unpack_from("!i", body, position)
        end = position + 4 + max(length, 0)
        values.append(body[position + 4 : end].decode() if length >= 0 else None)
        position = end
    return values


def command_complete(body: bytes) -> bytes:
    """Leave the row count out where Redshift's tag has none."""
    tag = body[:-1].decode()
    word = tag.split(" ", 1)[0]
    return message(b"C", cstring(word if word in {"SELECT", "MERGE"} else tag))


def parameter(body: bytes) -> bytes:
    """Translate a ParameterStatus; empty if the client shall not see it."""
    name, start = take_cstring(body)
    value, _ = take_cstring(body, start)
    if name in _HIDDEN_PARAMETERS:
        return b""
    return parameter_status(name, SERVER_VERSION if name == "server_version" else value)


def error(body: bytes, pid: int) -> bytes:
    """Translate an ErrorResponse.

    :param body: the message without its header
    :param pid: the session's process number
    """
    fields = parse_fields(body)
    _translate(fields, pid)
    for code in "PWFLRq":  # positions and code places in a text the client never sent
        fields.pop(code, None)
    return fields_message(b"E", fields)


def _translate(fields: dict[str, str], pid: int) -> None:
    sqlstate, name = fields.get("C"), fields.get("n", "")
    if sqlstate == "40001":
        reason = fields["M"]
        fields.update(C="XX000", M="1023", D=f"Serializable isolation violation on table (pid:{pid}): {reason}")
    elif sqlstate == "23514" and (match := _BYTE_LIMIT.match(name)):
        # The row is not repeated: the client asked for an error, not for the data.
        fields.pop("D", None)
        fields.update(C="22001", M=f"value too long for type {match.group(1)}")
    elif sqlstate == "23514" and _ASCII_ONLY.match(name):
        fields.pop("D", None)
        fields.update(C="22021", M="Multibyte character not supported for CHAR (Hint: try using VARCHAR)")
    elif sqlstate == "23502":
        fields.pop("D", None)
        fields["M"] = f"Cannot insert a NULL value into column {fields.get('c', '')}"
    elif sqlstate == "21000" and "MERGE" in fields.get("M", ""):
        fields["M"] = "Found multiple matches to update the same tuple."
        fields["H"] = "Keep one row for each key in the source table."
    elif sqlstate == "428C9":
        fields["M"] = "cannot set an identity column to a value"
