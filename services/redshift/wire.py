"""PostgreSQL's wire protocol, version 3: framing and the few messages that are read or made here.

Reference: PostgreSQL documentation, "Frontend/Backend Protocol", "Message Formats".
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterator, Mapping

from services.redshift.errors import SqlError

PROTOCOL = 3  # the version's first half
SSL_REQUEST = 80877103
GSS_REQUEST = 80877104
CANCEL_REQUEST = 80877102
MAX_MESSAGE = 1 << 30
MAX_BEFORE_LOGIN = 1 << 16

_HEADER = struct.Struct("!cI")


def message(kind: bytes, body: bytes = b"") -> bytes:
    """Frame one message."""
    return _HEADER.pack(kind, len(body) + 4) + body


def cstring(text: str) -> bytes:
    return text.encode() + b"\0"


def take_cstring(body: bytes, start: int = 0) -> tuple[str, int]:
    """Read a zero-terminated string and say where the next field starts.

    :raises SqlError: it does not end, or is not UTF-8
    """
    end = body.find(b"\0", start)
    if end < 0:
        raise protocol_violation("a string in the message does not end")
    return decode(body[start:end]), end + 1


def decode(text: bytes) -> str:
    """Read text of the client's.

    :raises SqlError: it is not UTF-8
    """
    try:
        return text.decode()
    except UnicodeDecodeError:
        raise SqlError("22021", "invalid byte sequence for encoding UTF8") from None


def protocol_violation(what: str) -> SqlError:
    """Say that the client does not keep to the protocol, so that the connection cannot go on."""
    return SqlError("08P01", f"protocol violation: {what}")


class MessageBuffer:
    """Cuts a byte stream into messages."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Take in what was received.

        :return: each message that is complete by now: its kind and all its bytes, header included
        """
        data = self._rest + data
        start, size = 0, len(data)
        while size - start >= 5:
            kind, length = _HEADER.unpack_from(data, start)
            end = start + 1 + length
            if end > size:
                break
            yield kind, data[start:end]
            start = end
        self._rest = data[start:]


async def read_message(reader: asyncio.StreamReader, limit: int = MAX_MESSAGE) -> tuple[bytes, bytes]:
    """Read one message: its kind and its body.

    :param limit: of its length, bytes
    :raises SqlError: it is longer, or its length cannot be
    :raises asyncio.IncompleteReadError: the other side is gone
    """
    kind, length = _HEADER.unpack(await reader.readexactly(5))
    if not 4 <= length <= limit:
        raise protocol_violation(f"a message's length is {length} bytes")
    return kind, await reader.readexactly(length - 4)


async def read_startup(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Read a connection's first packet, which carries no kind: its code and what follows."""
    length, code = struct.unpack("!II", await reader.readexactly(8))
    if not 8 <= length <= MAX_BEFORE_LOGIN:
        raise protocol_violation(f"the startup packet's length is {length} bytes")
    return code, await reader.readexactly(length - 8)


def startup_packet(protocol: int, parameters: Mapping[str, str]) -> bytes:
    """Make a startup packet."""
    body = b"".join(cstring(name) + cstring(value) for name, value in parameters.items()) + b"\0"
    return struct.pack("!II", len(body) + 8, protocol) + body


def startup_parameters(body: bytes) -> dict[str, str]:
    """Read the parameters of a startup packet.

    :raises SqlError: they are not pairs of strings in UTF-8
    """
    *strings, last, end = ["", *decode(body).split("\0")]
    if last or end or not len(strings) % 2:  # each string ends with a zero, and one more ends the packet
        raise protocol_violation("the startup packet does not hold pairs of strings")
    return dict(zip(strings[1::2], strings[2::2], strict=True))


def parse_fields(body: bytes) -> dict[str, str]:
    """Read the fields of an ErrorResponse or NoticeResponse: S severity, C SQLSTATE, M message, D detail, H hint."""
    return {chr(part[0]): part[1:].decode(errors="replace") for part in body.split(b"\0") if part}


def fields_message(kind: bytes, fields: Mapping[str, str]) -> bytes:
    """Make an ErrorResponse (``E``) or NoticeResponse (``N``)."""
    return message(kind, b"".join(code.encode() + cstring(value) for code, value in fields.items()) + b"\0")


def error_message(error: SqlError, severity: str = "ERROR") -> bytes:
    """Make the ErrorResponse for an error."""
    fields = {"S": severity, "V": severity, "C": error.sqlstate, "M": error.message}
    if error.detail:
        fields["D"] = error.detail
    if error.hint:
        fields["H"] = error.hint
    return fields_message(b"E", fields)


def parameter_status(name: str, value: str) -> bytes:
    return message(b"S", cstring(name) + cstring(value))
