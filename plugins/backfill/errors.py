"""What ends the command early."""

from __future__ import annotations


class BackfillError(Exception):
    """The backfill cannot be done, or did not succeed; the message says what to do."""

    exit_code = 1


class UsageError(BackfillError):
    """The command line itself is wrong."""

    exit_code = 2
