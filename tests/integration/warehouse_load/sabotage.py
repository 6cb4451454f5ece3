"""Connections that break, or wait, at a statement of the test's choice; everything behind them is real."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any


class KilledError(BaseException):
    """The process would be gone here."""


class Connection:
    """A connection with something between it and who uses it.

    :param between: takes the statement and what executes it.
    """

    def __init__(self, real: Any, between: Callable[[str, Callable[[], Any]], Any]) -> None:
        self._real = real
        self._between = between
        self.autocommit = True

    def cursor(self) -> Cursor:
        return Cursor(self._real.cursor(), self._between)

    def close(self) -> None:
        self._real.close()


class Cursor:
    def __init__(self, real: Any, between: Callable[[str, Callable[[], Any]], Any]) -> None:
        self._real = real
        self._between = between

    def __enter__(self) -> Cursor:
        return self

    def __exit__(self, *_: object) -> None:
        self._real.close()

    def execute(self, statement: str) -> None:
        self._between(statement, lambda: self._real.execute(statement))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


def cut(real: Any) -> None:
    """End a connection as a killed process does: without a word."""
    real._usock.shutdown(socket.SHUT_RDWR)


class Killer:
    """Connects so that the process seems killed after the n-th statement, whose answer it never sees."""

    def __init__(self, connect: Callable[[], Any], at: int) -> None:
        self._connect = connect
        self._at = at
        self.statements: list[str] = []
        self.killed = ""

    def __call__(self) -> Connection:
        real = self._connect()

        def between(statement: str, execute: Callable[[], Any]) -> None:
            execute()
            self.statements.append(statement)
            if len(self.statements) == self._at:
                self.killed = statement
                cut(real)
                raise KilledError

        return Connection(real, between)
