"""The progress line on a real (pseudo-)terminal, and in a log."""

from __future__ import annotations

import io
import os
import pty

from backfill.terminal import ERASE_LINE, Terminal


def test_in_a_log_a_progress_line_is_written_when_it_changes() -> None:
    out = io.StringIO()
    terminal = Terminal(out)
    for line, clock in [("1 of 2", " (1 s)"), ("1 of 2", " (2 s)"), ("2 of 2", " (3 s)")]:
        terminal.progress(line, clock)
    terminal.say("done")
    assert out.getvalue() == "1 of 2 (1 s)\n2 of 2 (3 s)\ndone\n"


def test_on_a_terminal_the_line_is_rewritten_and_taken_away() -> None:
    reader, writer = pty.openpty()
    with open(writer, "w") as out:  # noqa: PTH123  a descriptor
        terminal = Terminal(out)
        terminal.progress("1 of 2", " (1 s)")
        terminal.progress("1 of 2", " (2 s)")
        terminal.say("done")
        written = ""
        while "done" not in written:  # the terminal hands out what it has, not whole lines
            written += os.read(reader, 1000).decode()
    os.close(reader)
    assert written == f"{ERASE_LINE}1 of 2 (1 s){ERASE_LINE}1 of 2 (2 s){ERASE_LINE}done\r\n"
