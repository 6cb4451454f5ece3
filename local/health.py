"""Waiting on conditions instead of on time."""

from __future__ import annotations

import time
from collections.abc import Callable


class StackError(RuntimeError):
    """The local stack cannot do what was asked; the message says what to do."""


def wait_until(unmet: Callable[[], str | None], *, seconds: float, poll: float = 0.1) -> None:
    """Return as soon as `unmet` returns None.

    :param unmet: says what is still missing, or None.
    :param seconds: give up after this long.
    :raises StackError: with the last thing that was missing.
    """
    deadline = time.monotonic() + seconds
    while (reason := unmet()) is not None:
        if time.monotonic() > deadline:
            raise StackError(f"gave up after {seconds:.0f} s: {reason}")
        time.sleep(poll)
