"""Uploaded data sources: what the database knows of them."""

import re
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from services.gretel.store.database import Database, now

ABANDONED_AFTER = "-1 day"
KEY = re.compile(r"gretel_(?P<id>[0-9a-f]{32})_(?P<filename>[A-Za-z0-9._-]{1,128})")


class TooManyArtifactsError(ValueError):
    """The project may hold no further artifact."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """An artifact; it is pending until its upload has ended.

    :param size: bytes, once uploaded.
    :param sha256: hexadecimal digest of those bytes.
    """

    key: str
    project_id: str
    filename: str
    status: str
    size: int | None
    sha256: str | None
    created: str

    @property
    def file_id(self) -> str:
        return file_id(self.key)

    def to_api(self) -> dict[str, Any]:
        return {
            "uid": self.file_id,
            "key": self.key,
            "filename": self.filename,
            "status": self.status,
            "size": self.size,
            "last_modified": self.created,
        }


def file_id(key: str) -> str:
    """The part of a key that names its file: no text of a client's choosing becomes part of a path."""
    match = KEY.fullmatch(key)
    if match is None:
        raise ValueError(f"{key!r} is not an artifact key")
    return match["id"]


class ArtifactStore:
    """Reads and writes artifacts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, project_id: str, filename: str, *, limit: int) -> Artifact:
        """Announce an artifact; those of the project that were announced long ago and never uploaded are dropped.

        :raises TooManyArtifactsError: the project holds `limit` artifacts already.
        """
        safe = re.sub(r"[^A-Za-z0-9._-]", "_", filename)[-128:]
        key = f"gretel_{secrets.token_hex(16)}_{safe}"
        with self._database.transaction() as connection:
            connection.execute(
                "DELETE FROM artifacts WHERE project_id = ? AND status = 'pending' AND datetime(created) < "
                "datetime('now', ?)",
                (project_id, ABANDONED_AFTER),
            )
            count = connection.execute("SELECT count(*) FROM artifacts WHERE project_id = ?", (project_id,))
            if count.fetchone()[0] >= limit:
                raise TooManyArtifactsError(limit)
            connection.execute(
                "INSERT INTO artifacts (key, project_id, filename, status, created) VALUES (?, ?, ?, 'pending', ?)",
                (key, project_id, filename, now()),
            )
        artifact = self.get(key)
        if artifact is None:
            raise RuntimeError(f"artifact {key} vanished while it was created")
        return artifact

    def get(self, key: str) -> Artifact | None:
        row = self._database.connection.execute("SELECT * FROM artifacts WHERE key = ?", (key,)).fetchone()
        return _artifact(row) if row else None

    def list(self, project_id: str) -> list[Artifact]:
        """List the project's uploaded artifacts, newest first."""
        rows = self._database.connection.execute(
            "SELECT * FROM artifacts WHERE project_id = ? AND status = 'completed' ORDER BY created DESC, key",
            (project_id,),
        )
        return [_artifact(row) for row in rows]

    @contextmanager
    def completing(self, key: str, *, size: int, sha256: str) -> Iterator[bool]:
        """Make an uploaded artifact readable once the block, which puts its file in place, has ended.

        Yields False, and changes nothing, if the artifact was deleted or completed meanwhile.
        """
        with self._database.transaction() as connection:
            changed = connection.execute(
                "UPDATE artifacts SET status = 'completed', size = ?, sha256 = ? WHERE key = ? AND status = 'pending'",
                (size, sha256, key),
            )
            yield changed.rowcount == 1

    def delete(self, key: str) -> None:
        self._database.connection.execute("DELETE FROM artifacts WHERE key = ?", (key,))

    def keys(self) -> set[str]:
        return {row["key"] for row in self._database.connection.execute("SELECT key FROM artifacts")}


def _artifact(row: sqlite3.Row) -> Artifact:
    return Artifact(**{key: row[key] for key in row.keys()})  # noqa: SIM118  # a Row iterates over its values
