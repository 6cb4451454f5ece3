"""Projects and who may see them."""

import secrets
import sqlite3
from dataclasses import dataclass
from typing import Any

from services.gretel.store.database import Database, new_id, now, pattern


class NameTakenError(ValueError):
    """A project of this name exists and belongs to somebody else."""


@dataclass(frozen=True, slots=True)
class Project:
    """A project; artifacts, models and record handlers live in one."""

    id: str
    guid: str
    name: str
    display_name: str
    description: str
    runner_mode: str | None
    owner_id: str
    created: str

    def to_api(self) -> dict[str, Any]:
        return {
            "_id": self.id,
            "guid": self.guid,
            "name": self.name,
            "display_name": self.display_name,
            "description": self.description,
            "runner_mode": self.runner_mode,
            "cluster_guid": None,
            "owner_id": self.owner_id,
            "created": self.created,
        }


class ProjectStore:
    """Reads and writes projects; a user sees only those they are a member of."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self, user_id: str, *, name: str | None, display_name: str, description: str, runner_mode: str | None
    ) -> Project:
        """Create a project; creating one's own existing project again returns it, so a request can be repeated.

        :raises NameTakenError: the name belongs to a project the user is not a member of.
        """
        uid = new_id()
        project = Project(
            id=uid,
            guid=f"proj_{secrets.token_hex(14)}",
            name=name or f"proj-{uid[:12]}",
            display_name=display_name,
            description=description,
            runner_mode=runner_mode,
            owner_id=user_id,
            created=now(),
        )
        with self._database.transaction() as connection:
            if connection.execute("SELECT 1 FROM projects WHERE name = ?", (project.name,)).fetchone():
                existing = self.find(project.name, user_id)
                if existing is None:
                    raise NameTakenError(project.name)
                return existing
            connection.execute(
                "INSERT INTO projects (id, guid, name, display_name, description, runner_mode, owner_id, created) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (uid, project.guid, project.name, display_name, description, runner_mode, user_id, project.created),
            )
            connection.execute("INSERT INTO members VALUES (?, ?)", (uid, user_id))
        return project

    def find(self, reference: str, user_id: str) -> Project | None:
        """Find by id, guid or name among the user's projects."""
        row = self._database.connection.execute(
            "SELECT projects.* FROM projects JOIN members ON members.project_id = projects.id "
            "WHERE members.user_id = ? AND ? IN (projects.id, projects.guid, projects.name)",
            (user_id, reference),
        ).fetchone()
        return _project(row) if row else None

    def search(self, user_id: str, *, query: str, limit: int) -> list[Project]:
        """List the user's projects, newest first, whose name or display name contains the query."""
        rows = self._database.connection.execute(
            "SELECT projects.* FROM projects JOIN members ON members.project_id = projects.id "
            "WHERE members.user_id = ? AND (name LIKE ? ESCAPE '\\' OR display_name LIKE ? ESCAPE '\\') "
            "ORDER BY created DESC LIMIT ?",
            (user_id, pattern(query), pattern(query), limit),
        )
        return [_project(row) for row in rows]

    def add_member(self, project_id: str, user_id: str) -> None:
        self._database.connection.execute("INSERT OR IGNORE INTO members VALUES (?, ?)", (project_id, user_id))

    def delete(self, project_id: str) -> None:
        """Delete the project with everything the database holds of it."""
        self._database.connection.execute("DELETE FROM projects WHERE id = ?", (project_id,))

    def ids(self) -> set[str]:
        return {row["id"] for row in self._database.connection.execute("SELECT id FROM projects")}


def _project(row: sqlite3.Row) -> Project:
    return Project(**{key: row[key] for key in row.keys()})  # noqa: SIM118  # a Row iterates over its values
