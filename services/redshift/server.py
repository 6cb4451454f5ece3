"""Accepts clients, keeps track of their sessions, passes cancel requests on, and ends cleanly."""

from __future__ import annotations

import asyncio
import logging
import struct

from services.redshift import translate
from services.redshift.backend import Backend
from services.redshift.copy.load import Loader
from services.redshift.errors import SqlError
from services.redshift.session import Session
from services.redshift.settings import Settings
from services.redshift.startup import ClosedError, Opening, connect_backend, first_packet
from services.redshift.wire import CANCEL_REQUEST, error_message

log = logging.getLogger(__name__)

GOODBYE_SECONDS = 5


class Server:
    """The service.

    :param settings: where PostgreSQL and S3 are
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._sessions: dict[bytes, Session] = {}  # by process number and secret key
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False

    async def serve(self, host: str, port: int, stop: asyncio.Event) -> None:
        """Listen until told to stop, then end every session.

        :param port: 0 for a free one
        """
        listener = await asyncio.start_server(self._accept, host, port)
        address = listener.sockets[0].getsockname()
        log.info("listening on %s:%d", address[0], address[1])
        await stop.wait()
        self._stopping = True
        listener.close()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=GOODBYE_SECONDS)
        log.info("stopped")

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._connection(reader, writer)
        except (ClosedError, asyncio.IncompleteReadError, ConnectionError) as error:
            log.debug("connection ended: %s", error)
        except SqlError as error:
            log.warning("connection refused or ended: %s", error)
            writer.write(error_message(error, "FATAL"))
        except Exception:  # a fault of the service's own ends this connection, and no other
            log.exception("session failed")
            writer.write(error_message(SqlError("XX000", "internal error of the service; see its log"), "FATAL"))
        except asyncio.CancelledError:
            if not self._stopping:
                raise
            writer.write(
                error_message(SqlError("57P01", "terminating connection due to administrator command"), "FATAL")
            )
        finally:
            self._tasks.discard(task)
            await _close(writer)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        code, body = await first_packet(reader, writer)
        if code == CANCEL_REQUEST:
            await self._cancel(body)
            return
        opening = Opening(self.settings, (reader, writer), code, body)
        backend_streams = await opening.open()
        backend = Backend(*backend_streams, writer.write, writer.drain)
        backend.pid = opening.pid
        if opening.is_redshift_connector:
            backend.varbyte = translate.UNKNOWN_TO_CONNECTOR
        session = Session(reader, writer, backend, Loader(self.settings, opening.database))
        self._sessions[opening.key_data] = session
        try:
            await session.run()
        finally:
            del self._sessions[opening.key_data]
            try:
                if backend.pending:
                    await self._cancel(opening.key_data)  # do not let a statement run on for nobody
            except SqlError as error:
                log.debug("nothing to cancel: %s", error)
            finally:
                backend.abandon()

    async def _cancel(self, key_data: bytes) -> None:
        """Stop what a session is doing: a COPY here, anything else in PostgreSQL."""
        session = self._sessions.get(key_data)
        if session is not None:
            session.loader.cancellation.request()
        _, writer = await connect_backend(self.settings)
        writer.write(struct.pack("!II", len(key_data) + 8, CANCEL_REQUEST) + key_data)
        await _close(writer)


async def _close(writer: asyncio.StreamWriter) -> None:
    try:
        writer.close()
        await asyncio.wait_for(writer.wait_closed(), GOODBYE_SECONDS)
    except (OSError, TimeoutError):
        writer.transport.abort()
