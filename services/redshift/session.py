"""One client's connection, from its first query to its end (startup.py opens it)."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field

from services.redshift.backend import AlreadyToldError, Backend, Columns, Expected
from services.redshift.copy.load import Loader
from services.redshift.dialect.context import Context
from services.redshift.dialect.statements import Action, Plan, plan
from services.redshift.dialect.tokens import split
from services.redshift.errors import SqlError, syntax_error
from services.redshift.wire import cstring, message, protocol_violation, read_message, take_cstring

log = logging.getLogger(__name__)

_END = (b"X", b"")
# Data that a client goes on sending after its COPY FROM STDIN was refused; PostgreSQL passes over them, too.
_OF_COPY = {b"d", b"c", b"f"}


@dataclass
class Prepared:
    """A prepared statement, or a portal made from it."""

    plan: Plan = field(default_factory=lambda: Plan(""))
    columns: Columns = field(default_factory=Columns)


class Session:
    """Reads the client's messages, plans each statement, and has it run.

    :param client: the client's stream
    :param backend: this session's own connection to PostgreSQL
    :param loader: runs COPY
    """

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, backend: Backend, loader: Loader
    ) -> None:
        self.reader = reader
        self.writer = writer
        self.backend = backend
        self.loader = loader
        self.fold = True
        self.skipping = False  # an error of the service's own in the extended protocol: skip up to Sync
        self.statements: dict[str, Prepared] = {}
        self.portals: dict[str, Prepared] = {}
        self.inbox: asyncio.Queue[tuple[bytes, bytes]] = asyncio.Queue(maxsize=256)

    async def run(self) -> None:
        """Serve the client until it, or PostgreSQL, goes.

        :raises SqlError: the client does not keep to the protocol, or PostgreSQL closed the connection
        """
        tasks = [asyncio.create_task(work()) for work in (self._receive, self._serve, self.backend.pump)]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            if tasks[2] in done and not self.backend.told_end:
                raise SqlError("08006", "the PostgreSQL behind this Redshift closed the connection")
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _receive(self) -> None:
        """Keep reading, also while a statement runs, to notice a client that is gone."""
        try:
            while (received := await read_message(self.reader))[0] != b"X":
                await self.inbox.put(received)
        except (asyncio.IncompleteReadError, ConnectionError):
            log.debug("client went away without a goodbye (pid %d)", self.backend.pid)
            return
        await self.inbox.put(_END)
        await asyncio.Event().wait()  # _serve ends the session once it has come to the goodbye

    async def _serve(self) -> None:
        while (received := await self.inbox.get()) is not _END:
            kind, body = received
            if not (self.skipping and kind not in {b"S", b"Q"}):
                await self._message(kind, body)
            await self.backend.writer.drain()

    async def _message(self, kind: bytes, body: bytes) -> None:
        if kind == b"Q":
            await self._query(take_cstring(body)[0])
        elif kind == b"P":
            await self._parse(body)
        elif kind == b"B":
            self._bind(body)
        elif kind == b"D":
            self.backend.send(kind, body, Expected(kind, columns=self._described(body).columns))
        elif kind == b"E":
            await self._execute(body)
        elif kind == b"S":
            self.skipping = False
            self.backend.send(kind, body, Expected(kind))
        elif kind == b"C":
            self.backend.send(kind, body, Expected(kind))
        elif kind == b"H":
            self.backend.send(kind, body)
        elif kind == b"F":
            await self._fail(SqlError("0A000", "function calls by protocol are not supported: use SELECT"))
        elif kind not in _OF_COPY:
            raise protocol_violation(f"there is no message {kind!r}")

    def _context(self) -> Context:
        return Context(fold=self.fold, in_transaction=self.backend.status != b"I")

    # --- simple protocol -----------------------------------------------------------------------------------------

    async def _query(self, sql: str) -> None:
        self.skipping = False
        await self.backend.quiesce()
        try:
            plans = [plan(statement, self._context()) for statement in split(sql)]
        except SqlError as error:
            await self.backend.fail(error, ready=True)
            return
        if all(item.action is Action.FORWARD for item in plans):
            for item in plans:
                self._remember(item)
            await self.backend.query(";".join(item.sql for item in plans), relay=True, ready=True)
        else:
            await self._script(plans)

    async def _script(self, plans: list[Plan]) -> None:
        """Run statements of one query string one by one; without transaction control, they are one transaction."""
        own = len(plans) > 1 and self.backend.status == b"I" and not any(item.controls_transaction for item in plans)
        if own:
            await self.backend.execute("BEGIN")
        try:
            for item in plans:
                await self._run(item)
        except SqlError as error:
            await self._report(error)
        if own and self.backend.status != b"I":
            await self.backend.query("ROLLBACK" if self.backend.status == b"E" else "COMMIT")
        self.writer.write(message(b"Z", self.backend.status))

    async def _run(self, item: Plan) -> None:
        """Run one statement; the client gets its answer, without ReadyForQuery."""
        self._remember(item)
        if item.action is Action.COPY:
            await self._copy(item)
        elif item.action is Action.TRUNCATE:
            (await self.backend.query(item.sql, relay=True)).check()
            if self.backend.status == b"T":
                await self.backend.execute("COMMIT")  # TRUNCATE commits the transaction it runs in
        else:
            (await self.backend.query(item.sql, relay=True)).check()

    async def _copy(self, item: Plan) -> None:
        assert item.copy is not None
        notice = await self.loader.load(self.backend, item.copy)
        self.writer.write(notice + message(b"C", cstring("COPY")))

    def _remember(self, item: Plan) -> None:
        if item.case_sensitive is not None:
            self.fold = not item.case_sensitive

    # --- extended protocol ---------------------------------------------------------------------------------------

    async def _parse(self, body: bytes) -> None:
        name, start = take_cstring(body)
        sql, start = take_cstring(body, start)
        try:
            statements = split(sql)
            if len(statements) > 1:
                raise syntax_error("cannot insert multiple commands into a prepared statement")
            item = plan(statements[0], self._context()) if statements else Plan("")
        except SqlError as error:
            await self._fail(error)
            return
        prepared = self.statements[name] = Prepared(item)
        # What the service runs itself is prepared as an empty query: PostgreSQL then answers Describe and Bind.
        forwarded = item.sql if item.action is Action.FORWARD else ""
        self.backend.send(
            b"P", cstring(name) + cstring(forwarded) + body[start:], Expected(b"P", columns=prepared.columns)
        )

    def _bind(self, body: bytes) -> None:
        portal, start = take_cstring(body)
        statement, _ = take_cstring(body, start)
        self.portals[portal] = self.statements.get(statement, Prepared())
        self.backend.send(b"B", body, Expected(b"B"))

    def _described(self, body: bytes) -> Prepared:
        name, _ = take_cstring(body, 1)
        return (self.statements if body[:1] == b"S" else self.portals).get(name, Prepared())

    async def _execute(self, body: bytes) -> None:
        prepared = self.portals.get(take_cstring(body)[0], Prepared())
        if prepared.plan.action is Action.FORWARD:
            self._remember(prepared.plan)
            self.backend.send(b"E", body, Expected(b"E", columns=prepared.columns))
            return
        await self.backend.quiesce()
        if self.backend.failed:
            return
        try:
            await self._run(prepared.plan)
        except SqlError as error:
            await self._report(error)
            self.skipping = True

    # --- errors --------------------------------------------------------------------------------------------------

    async def _fail(self, error: SqlError) -> None:
        """Answer an extended-protocol message with an error."""
        await self.backend.quiesce()
        if not self.backend.failed:
            await self._report(error)
            self.skipping = True

    async def _report(self, error: SqlError) -> None:
        """Tell the client about an error, unless it has it already."""
        if not isinstance(error, AlreadyToldError):
            await self.backend.fail(error, ready=False)
