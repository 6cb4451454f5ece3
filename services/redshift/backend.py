"""One connection to PostgreSQL: sends messages, and hands each answer to whoever waits for it.

Answers come in the order of the requests, so a queue of what is expected tells what an answer belongs to: to the
client, who gets it translated, or to the service itself.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from services.redshift import translate
from services.redshift.dialect.tokens import literal
from services.redshift.errors import SqlError
from services.redshift.wire import MessageBuffer, cstring, message, parse_fields

CHUNK = 1 << 18

# The answer that completes each request of the extended protocol.
_COMPLETED_BY = {b"P": b"1", b"B": b"2", b"C": b"3", b"D": b"Tn", b"E": b"CIs", b"S": b"Z", b"Q": b"Z"}


@dataclass
class Columns:
    """How a prepared statement's result is translated; known once it was described."""

    transforms: dict[int, translate.Transform] = field(default_factory=dict)


@dataclass
class Expected:
    """One request that PostgreSQL has not answered completely.

    :param kind: the request's message kind
    :param relay: the client gets the answer; else the service keeps it
    :param ready: the client gets ReadyForQuery, too
    """

    kind: bytes
    relay: bool = True
    ready: bool = True
    columns: Columns = field(default_factory=Columns)
    rows: list[list[str | None]] = field(default_factory=list)
    tag: str = ""
    error: dict[str, str] | None = None
    copying: asyncio.Event = field(default_factory=asyncio.Event)
    done: asyncio.Event = field(default_factory=asyncio.Event)

    def check(self) -> None:
        """Raise PostgreSQL's error if there was one."""
        if self.error is not None:
            raise (AlreadyToldError if self.relay else BackendError)(self.error)


class BackendError(SqlError):
    """PostgreSQL refused what the service asked for.

    :param fields: of its ErrorResponse
    """

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(fields.get("C", "XX000"), fields.get("M", ""), detail=fields.get("D"), hint=fields.get("H"))
        self.fields = dict(fields)


class AlreadyToldError(BackendError):
    """PostgreSQL refused a statement, and the client has got its error."""


class Backend:
    """The PostgreSQL side of a session.

    :param send_client: takes translated bytes for the client
    :param drain_client: waits until the client has taken enough of them
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        send_client: Callable[[bytes], None],
        drain_client: Callable[[], Awaitable[None]],
    ) -> None:
        self.reader = reader
        self.writer = writer
        self.send_client = send_client
        self.drain_client = drain_client
        self.pid = 0
        self.varbyte = translate.VARBYTE
        self.status = b"I"
        self.failed = False  # an error in the extended protocol: PostgreSQL skips everything up to Sync
        self.told_end = False  # the client knows that the session is over
        self.pending: deque[Expected] = deque()
        self._quiet = asyncio.Event()
        self._quiet.set()

    def send(self, kind: bytes, body: bytes, expected: Expected | None = None) -> None:
        """Send one message of the client's on.

        :param expected: what its answer is; None if it has none
        """
        if self.failed and kind != b"S":
            return
        if expected is not None:
            self.pending.append(expected)
            self._quiet.clear()
        self.writer.write(message(kind, body))

    async def quiesce(self) -> None:
        """Wait until everything that was sent is answered."""
        if self.pending:
            self.writer.write(message(b"H"))
        await self._quiet.wait()

    async def query(self, sql: str, *, relay: bool = False, ready: bool = False) -> Expected:
        """Run SQL text in this session and wait for its end.

        :param relay: the client gets the answer; else it is returned
        :param ready: the client gets ReadyForQuery, too
        :return: rows, command tag and error
        """
        expected = self.start(sql, relay=relay, ready=ready)
        await expected.done.wait()
        return expected

    async def execute(self, sql: str) -> Expected:
        """Run SQL text of the service's own.

        :raises BackendError: PostgreSQL refused it
        """
        expected = await self.query(sql)
        expected.check()
        return expected

    def start(self, sql: str, *, relay: bool = False, ready: bool = False) -> Expected:
        expected = Expected(b"Q", relay=relay, ready=ready)
        self.pending.append(expected)
        self._quiet.clear()
        self.writer.write(message(b"Q", cstring(sql)))
        return expected

    async def fail(self, error: SqlError, *, ready: bool) -> None:
        """Raise an error inside PostgreSQL, so that the client gets it and an open transaction is aborted by it."""
        options = {"MESSAGE": error.message, "ERRCODE": error.sqlstate, "DETAIL": error.detail, "HINT": error.hint}
        using = ", ".join(f"{name} = {literal(value)}" for name, value in options.items() if value)
        await self.query(f"DO {literal(f'BEGIN RAISE EXCEPTION USING {using}; END')}", relay=True, ready=ready)

    async def pump(self) -> None:
        """Receive until PostgreSQL closes the connection."""
        buffer = MessageBuffer()
        while data := await self.reader.read(CHUNK):
            out = [self._receive(kind, whole) for kind, whole in buffer.feed(data)]
            self.send_client(b"".join(out))
            await self.drain_client()

    def _receive(self, kind: bytes, whole: bytes) -> bytes:
        """Take one answer; return what the client gets of it."""
        expected = self.pending[0] if self.pending else None
        if kind in {b"N", b"S", b"A"}:
            return self._asynchronous(kind, whole, expected)
        if kind == b"E":
            return self._error(whole, expected)
        if expected is None:
            return b""
        out = self._answer(kind, whole, expected)
        if kind in _COMPLETED_BY[expected.kind]:
            self._complete(expected)
        return out

    def _answer(self, kind: bytes, whole: bytes, expected: Expected) -> bytes:
        if kind == b"D" and expected.relay and not expected.columns.transforms:
            return whole
        body = whole[5:]
        out = whole
        if kind == b"T":
            out, expected.columns.transforms = translate.row_description(body, self.varbyte)
        elif kind == b"D":
            out = translate.data_row(body, expected.columns.transforms)
            if not expected.relay:
                expected.rows.append(translate.row_values(body))
        elif kind == b"C":
            expected.tag = body[:-1].decode()
            out = translate.command_complete(body)
        elif kind == b"G":
            expected.copying.set()
        elif kind == b"Z":
            self.status, self.failed = body, False
            return whole if expected.ready else b""
        return out if expected.relay else b""

    def _asynchronous(self, kind: bytes, whole: bytes, expected: Expected | None) -> bytes:
        if kind == b"S":
            return translate.parameter(whole[5:])
        return b"" if expected is not None and not expected.relay else whole

    def _error(self, whole: bytes, expected: Expected | None) -> bytes:
        out = translate.error(whole[5:], self.pid)
        fields = parse_fields(whole[5:])
        self.told_end = fields.get("S") in {"FATAL", "PANIC"}
        if expected is None or self.told_end:
            return out  # PostgreSQL ends the connection
        expected.error = fields
        expected.copying.set()
        if expected.kind != b"Q":
            self.failed = True
            while self.pending and self.pending[0].kind != b"S":
                self._complete(self.pending[0])
        return out if expected.relay else b""

    def _complete(self, expected: Expected) -> None:
        self.pending.popleft()
        expected.done.set()
        if not self.pending:
            self._quiet.set()

    def abandon(self) -> None:
        """Release whoever waits for an answer that will not come, and cut the connection."""
        for expected in self.pending:
            expected.error = expected.error or {"C": "08006", "M": "connection to the database was lost"}
            expected.copying.set()
            expected.done.set()
        self.pending.clear()
        self._quiet.set()
        self.writer.transport.abort()
