"""Lines for people: a progress line that is rewritten on a terminal and repeated only when it changes elsewhere."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from typing import TextIO

ERASE_LINE = "\r\x1b[K"


class Terminal:
    """Where the command writes what it has to say."""

    def __init__(self, out: TextIO) -> None:
        """Write to `out`."""
        self._out = out
        self._progress = ""

    def say(self, line: str) -> None:
        """Write a line that stays."""
        self.clear()
        self._write(f"{line}\n")

    def progress(self, line: str, clock: str) -> None:
        """Show where things stand.

        :param clock: the end of the line, which changes all the time: not worth a new line in a log.
        """
        if self._out.isatty():
            self._write(ERASE_LINE + (line + clock)[: shutil.get_terminal_size().columns - 1])
        elif line != self._progress:
            self._write(f"{line}{clock}\n")
        self._progress = line

    def clear(self) -> None:
        """Take the progress line away."""
        if self._progress and self._out.isatty():
            self._write(ERASE_LINE)
            self._progress = ""

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()


def interval(start: datetime, end: datetime) -> str:
    """Write a data interval; one of no width is a single time."""
    first, last = (moment.astimezone(UTC) for moment in (start, end))
    return _text(first) if first == last else f"{_text(first)} to {_text(last)}"


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}Z"
