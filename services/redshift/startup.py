"""A connection's beginning: negotiation, authentication by PostgreSQL itself, the catalogue.

The password exchange passes through as it is (SCRAM, MD5 or clear text, as pg_hba.conf says), so users and their rights
are PostgreSQL's, and nothing here looks at a password.
"""

from __future__ import annotations

import asyncio
import struct

from services.redshift import translate
from services.redshift.catalogue.install import INSTALLED_QUERY, ensure_installed
from services.redshift.errors import SqlError
from services.redshift.settings import Settings
from services.redshift.wire import (
    CANCEL_REQUEST,
    GSS_REQUEST,
    MAX_BEFORE_LOGIN,
    PROTOCOL,
    SSL_REQUEST,
    message,
    parameter_status,
    parse_fields,
    read_message,
    read_startup,
    startup_packet,
    startup_parameters,
)

# Parameters a client may bring; the drivers of Redshift send more, which PostgreSQL would refuse.
_PASSED_ON = {"user", "database", "application_name", "client_encoding", "options", "datestyle", "timezone"}
# How PostgreSQL behaves most like Redshift.
_SESSION = {
    "default_transaction_isolation": "repeatable read",  # snapshot isolation
    "timezone": "UTC",
    "datestyle": "ISO, MDY",
    "intervalstyle": "postgres",
    "bytea_output": "hex",
    "standard_conforming_strings": "on",  # the rewriter writes E'…' where it means it
    "jit": "off",
}
_SASL = struct.pack("!I", 10)
_NEEDS_REPLY = {3, 5, 10, 11}  # authentication requests that the client answers


class ClosedError(Exception):
    """The connection ended before a session began, and the client was told why if there was anything to tell."""


async def first_packet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[int, bytes]:
    """Read up to the startup or cancel packet; TLS and GSS encryption are declined.

    :raises SqlError: it asks for another version of the protocol, or cannot be read
    """
    code, body = await read_startup(reader)
    while code in {SSL_REQUEST, GSS_REQUEST}:
        writer.write(b"N")
        code, body = await read_startup(reader)
    major, minor = divmod(code, 1 << 16)
    if code != CANCEL_REQUEST and major != PROTOCOL:
        raise SqlError("0A000", f"unsupported frontend protocol {major}.{minor}: version {PROTOCOL} is spoken here")
    return code, body


async def connect_backend(settings: Settings) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a connection to PostgreSQL.

    :raises SqlError: it does not answer
    """
    host, port = settings.backend_address
    try:
        if host.startswith("/"):
            return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        return await asyncio.open_connection(host, port)
    except OSError as error:
        raise SqlError("08006", f"the PostgreSQL behind this Redshift does not answer: {error}") from error


class Opening:
    """Carries one connection from its startup packet to the point where queries can be sent."""

    def __init__(
        self, settings: Settings, client: tuple[asyncio.StreamReader, asyncio.StreamWriter], protocol: int, body: bytes
    ) -> None:
        self.settings = settings
        self.reader, self.writer = client
        self.protocol = protocol
        self.parameters = startup_parameters(body)
        self.database = self.parameters.get("database") or self.parameters.get("user", "")
        self.pid = 0
        self.key_data = b""

    @property
    def is_redshift_connector(self) -> bool:
        """Only Amazon's drivers ask for a version of Redshift's additions to the protocol."""
        return "client_protocol_version" in self.parameters

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Authenticate and prepare the session.

        :return: the connection to PostgreSQL, which waits for a query
        :raises ClosedError: the client was refused, or went away
        :raises SqlError: PostgreSQL does not answer, or its database cannot serve
        """
        backend = await connect_backend(self.settings)
        parameters = _SESSION | {name: value for name, value in self.parameters.items() if name in _PASSED_ON}
        backend[1].write(startup_packet(self.protocol, parameters))
        try:
            await self._until_ready(*backend)
            if not await self._installed(*backend):
                await asyncio.to_thread(ensure_installed, self.settings.backend_dsn, self.database)
            if self.is_redshift_connector:
                self.writer.write(parameter_status("server_protocol_version", "0"))
            self.writer.write(message(b"Z", b"I"))
        except BaseException:
            backend[1].transport.abort()
            raise
        return backend

    async def _until_ready(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            kind, body = await read_message(reader)
            if kind == b"Z":
                return
            self.writer.write(self._greeting(kind, body))
            if kind == b"E":
                await self.writer.drain()
                raise ClosedError(parse_fields(body).get("M", ""))
            if kind == b"R" and struct.unpack("!I", body[:4])[0] in _NEEDS_REPLY:
                answer, password = await read_message(self.reader, MAX_BEFORE_LOGIN)
                writer.write(message(answer, password))

    def _greeting(self, kind: bytes, body: bytes) -> bytes:
        if kind == b"S":
            return translate.parameter(body)
        if kind == b"R" and body.endswith(b"\0\0") and body.startswith(_SASL) and self.is_redshift_connector:
            return message(kind, body[:-1])  # the driver takes the end of the list for a mechanism without a name
        if kind == b"K":
            self.key_data = body
            (self.pid,) = struct.unpack("!I", body[:4])
        return message(kind, body)

    async def _installed(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Ask, in the client's own session, whether this database has the current catalogue."""
        writer.write(message(b"Q", INSTALLED_QUERY.encode() + b"\0"))
        rows = []
        while (received := await read_message(reader))[0] != b"Z":
            if received[0] == b"D":
                rows.append(translate.row_values(received[1]))
        return rows == [["t"]]
