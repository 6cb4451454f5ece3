"""Work in threads that a cancel request does not have to wait for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import suppress
from typing import TypeVar

from services.redshift.errors import SqlError

T = TypeVar("T")


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

    async def wait_for(self, task: asyncio.Task[T]) -> T:
        """Wait for a task in a thread, but not longer than until a cancel request; the task then runs on for nobody.

        :raises SqlError: the statement was cancelled
        """
        cancelled = asyncio.create_task(self._event.wait())
        try:
            await asyncio.wait({task, cancelled}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            cancelled.cancel()
        if self._event.is_set():
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
            raise SqlError("57014", "Query cancelled on user's request")
        return task.result()

    async def in_thread(self, function: Callable[..., T], *arguments: object) -> T:
        """Call a function in a thread; see :meth:`wait_for`."""
        return await self.wait_for(asyncio.create_task(asyncio.to_thread(function, *arguments)))

    async def read_ahead(self, chunks: Iterator[bytes]) -> AsyncGenerator[bytes, None]:
        """Iterate in a thread, always one chunk ahead."""
        following = asyncio.create_task(asyncio.to_thread(next, chunks, None))
        try:
            while (chunk := await self.wait_for(following)) is not None:
                following = asyncio.create_task(asyncio.to_thread(next, chunks, None))
                yield chunk
        finally:
            # A thread cannot be stopped: what it reads from is closed when it comes back.
            following.add_done_callback(lambda _: _close_quietly(chunks))


def _close_quietly(chunks: Iterator[bytes]) -> None:
    if isinstance(chunks, Generator):
        with suppress(Exception):
            chunks.close()
