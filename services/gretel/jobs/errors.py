"""Errors of jobs."""

from collections.abc import Callable
from typing import Any

Log = Callable[[str, str, dict[str, Any]], None]
"""Takes a stage, a message and its numbers."""


class JobError(Exception):
    """A job cannot be done, for a reason its owner can act on; the text quotes no value of the data."""
