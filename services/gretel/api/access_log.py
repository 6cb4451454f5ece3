"""The access log."""

import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)


class AccessLog:
    """Logs every request: never its query, which may hold a link's signature, nor its headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0

        async def note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, note_status)
        finally:
            milliseconds = (time.perf_counter() - began) * 1000
            user = scope.get("state", {}).get("user_id", "-")
            level = logging.DEBUG if scope["path"] == "/health" else logging.INFO
            path = scope["raw_path"].decode("ascii", "replace")  # as it was sent: decoded, it may hold line ends
            log.log(level, "%s %s %d %.0f ms user %s", scope["method"], path, status, milliseconds, user)
