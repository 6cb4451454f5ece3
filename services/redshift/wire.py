"""PostgreSQL's wire protocol, version 3: framing and the few messages that are read or made here.

Reference: PostgreSQL documentation, "Frontend/Backend Protocol", "Message Formats".
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterator, Mapping

from services.redshift.errors import SqlError

SSL_REQUEST = 80877103
GSS_REQUEST = 80877104
CANCEL_REQUEST = 80877102
MAX_MESSAGE = 1 << 30

_HEADER = struct.Struct("!cI")


def message(kind: bytes, body: bytes = b"") -> bytes:
    """Frame one message."""
    return _HEADER.pack(kind, len(body) + 4) + body


def cstring(text: str) -> bytes:
    return text.encode() + b"\0"


def take_cstring(body: bytes, start: int = 0) -> tuple[str, int]:
    """Read a zero-terminated string and say where the next field starts."""
    end = body.index(b"\0", start)
    return body[start:end].decode(), end + 1


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


async def read_message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Read one message: its kind and its body.

    :raises asyncio.IncompleteReadError: the other side is gone
    """
    kind, length = _HEADER.unpack(await reader.readexactly(5))
    if not 4 <= length <= MAX_MESSAGE:
        raise SqlError("08P01", f"invalid message length {length}")
    return kind, await reader.readexactly(length - 4)


async def read_startup(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Read a connection's first packet, which carries no kind: its code and what follows."""
    length, code = struct.unpack("!II", await reader.readexactly(8))
    if not 8 <= length <= 65536:
        raise SqlError("08P01", f"invalid length of startup packet: {length}")
    return code, await reader.readexactly(length - 8)


def startup_packet(protocol: int, parameters: Mapping[str, str]) -> bytes:
    """Make a startup packet."""
    body = b"".join(cstring(name) + cstring(value) for name, value in parameters.items()) + b"\0"
    return struct.pack("!II", len(body) + 8, protocol) + body


def startup_parameters(body: bytes) -> dict[str, str]:
    """Read the parameters of a startup packet."""
    parts = body.rstrip(b"\0").split(b"\0")
    return {name.decode(): value.decode() for name, value in zip(parts[::2], parts[1::2], strict=False)}


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
