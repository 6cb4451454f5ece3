"""Work in threads that neither a cancel request nor the end of the service has to wait for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import suppress
from typing import Any, TypeVar

from services.redshift.errors import SqlError

T = TypeVar("T")


def start_thread(function: Callable[..., T], *arguments: object) -> asyncio.Future[T]:
    """Call a function in a thread of its own.

    Not asyncio.to_thread, whose few threads are shared by all sessions and hold up the end of the process: a download
    can hang for as long as S3 likes.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if future.cancelled():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]

    def work() -> None:
        result, error = None, None
        try:
            result = function(*arguments)
        except BaseException as raised:  # noqa: BLE001 it is raised where the result is awaited
            error = raised
        with suppress(RuntimeError):  # the service has ended meanwhile
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=work, daemon=True).start()
    return future


class Cancellation:
    """A session's cancel request."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def request(self) -> None:
        """Cancel what is under way."""
        self._event.set()

    def clear(self) -> None:
        """Forget a request that came too late."""
        self._event.clear()

    async def wait_for(self, work: asyncio.Future[T]) -> T:
        """Wait for a thread, but not longer than until a cancel request; the thread then runs on for nobody.

        :raises SqlError: the statement was cancelled
        """
        cancelled = asyncio.create_task(self._event.wait())
        try:
            either: set[asyncio.Future[Any]] = {work, cancelled}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            cancelled.cancel()
        if self._event.is_set():
            work.add_done_callback(lambda done: done.cancelled() or done.exception())
            raise SqlError("57014", "Query cancelled on user's request")
        return work.result()

    async def in_thread(self, function: Callable[..., T], *arguments: object) -> T:
        """Call a function in a thread; see :meth:`wait_for`."""
        return await self.wait_for(start_thread(function, *arguments))

    async def read_ahead(self, chunks: Iterator[bytes]) -> AsyncGenerator[bytes, None]:
        """Iterate in a thread, always one chunk ahead."""
        following = start_thread(next, chunks, None)
        try:
            while (chunk := await self.wait_for(following)) is not None:
                following = start_thread(next, chunks, None)
                yield chunk
        finally:
            # A thread cannot be stopped: what it reads from is closed when it comes back.
            following.add_done_callback(lambda _: _close_quietly(chunks))


def _close_quietly(chunks: Iterator[bytes]) -> None:
    if isinstance(chunks, Generator):
        with suppress(Exception):
            chunks.close()
