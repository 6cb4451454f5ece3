"""Waiting for a condition instead of a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(
    condition: Callable[[], T | None], what: str = "a condition", *, seconds: float = 60, every: float = 0.1
) -> T:
    """Ask again and again until the condition gives something true; return that.

    :param what: what is waited for, for the message.
    :raises TimeoutError: it did not come true in time.
    """
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:g} s for {what}")
        time.sleep(every)
    return value
