"""The SQLite database: connections, transactions, schema, ids and times."""

import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

SCHEMA_VERSION = 1
BUSY_SECONDS = 30.0


class Database:
    """One SQLite file, used from many threads of one process.

    Every thread has a connection of its own. Write-ahead log, so that readers never wait for a writer; `FULL`, so
    that what was answered to a client survives a power cut; secure_delete, so that deleted means overwritten.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._threads = threading.local()
        self._create()

    @property
    def connection(self) -> sqlite3.Connection:
        """The calling thread's connection, in autocommit mode."""
        existing: sqlite3.Connection | None = getattr(self._threads, "connection", None)
        if existing is not None:
            return existing
        connection = sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None)
        connection.row_factory = sqlite3.Row
        for pragma in ("foreign_keys = ON", "journal_mode = WAL", "synchronous = FULL", "secure_delete = ON"):
            connection.execute(f"PRAGMA {pragma}")
        self._threads.connection = connection
        return connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Write atomically: the write lock is taken at once, so what is read inside still holds at commit."""
        connection = self.connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.commit()
        except BaseException:
            connection.rollback()
            raise

    def _create(self) -> None:
        version = self.connection.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            schema = Path(__file__).with_name("schema.sql").read_text(encoding="utf-8")
            self.connection.executescript(f"BEGIN; {schema} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
        elif version != SCHEMA_VERSION:
            raise RuntimeError(
                f"{self._path} has schema version {version}, this service needs {SCHEMA_VERSION}; "
                "run the version of the service that wrote it."
            )


def new_id() -> str:
    """A fresh id of 24 hexadecimal digits, the form that Gretel's command line recognises."""
    return secrets.token_hex(12)


def now() -> str:
    """The time as Gretel writes it."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def this_month() -> str:
    return now()[:7]


def pattern(text: str) -> str:
    """Make a LIKE pattern, to be used with a backslash as its ESCAPE, for values that contain this text."""
    for special in ("\\", "%", "_"):
        text = text.replace(special, "\\" + special)
    return f"%{text}%"
