"""Models and record handlers as jobs: what the database knows of them, and their logs."""

import json
import sqlite3
from collections.abc import Callable
from typing import Any

from services.gretel.store.database import Database, new_id, now, pattern, this_month
from services.gretel.store.job_types import (
    UNFINISHED,
    CreditsExhaustedError,
    Job,
    Limits,
    NewJob,
    Status,
    TooManyJobsError,
)

MAX_LOG_CHARACTERS = 8000
UNFINISHED_SQL = "status IN ('created', 'pending', 'active')"


class JobStore:
    """Reads and writes jobs; every change of state happens in one transaction that checks the state before it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def submit(self, new: NewJob, limits: Limits) -> Job:
        """Put a job in the queue.

        :raises TooManyJobsError: the project has as many unfinished jobs as it may.
        :raises CreditsExhaustedError: the user has no worker time left this month.
        """
        uid, time = new_id(), now()
        with self._database.transaction() as connection:
            unfinished = connection.execute(
                f"SELECT count(*) FROM jobs WHERE project_id = ? AND {UNFINISHED_SQL}",  # noqa: S608
                (new.project_id,),
            ).fetchone()[0]
            if unfinished >= limits.max_jobs:
                raise TooManyJobsError(unfinished)
            if 0 < limits.monthly_seconds <= self.used_seconds(new.user_id):
                raise CreditsExhaustedError(new.user_id)
            connection.execute(
                "INSERT INTO jobs (uid, kind, project_id, model_uid, name, model_type, config, task, data_source, "
                "user_id, status, status_history, last_modified) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    uid,
                    new.kind,
                    new.project_id,
                    new.model_uid,
                    new.name,
                    new.model_type,
                    json.dumps(new.config),
                    json.dumps(new.task),
                    new.data_source,
                    new.user_id,
                    Status.CREATED,
                    json.dumps({Status.CREATED: time}),
                    time,
                ),
            )
        return self.require(uid)

    def used_seconds(self, user_id: str) -> float:
        """Worker time of this user in this calendar month."""
        row = self._database.connection.execute(
            "SELECT seconds FROM usage WHERE user_id = ? AND month = ?", (user_id, this_month())
        ).fetchone()
        return row["seconds"] if row else 0.0

    def get(self, uid: str) -> Job | None:
        row = self._database.connection.execute("SELECT * FROM jobs WHERE uid = ?", (uid,)).fetchone()
        return _job(row) if row else None

    def require(self, uid: str) -> Job:
        """Return a job that must be there."""
        job = self.get(uid)
        if job is None:
            raise RuntimeError(f"job {uid} is gone")
        return job

    def models(
        self, project_id: str, *, name: str, status: str | None, order: str, descending: bool, skip: int, limit: int
    ) -> list[Job]:
        """List a project's models whose name contains `name`.

        :param order: `name`, `created` or `last_modified`.
        """
        column = {"name": "name", "created": "seq", "last_modified": "last_modified"}[order]
        direction = "DESC" if descending else "ASC"
        rows = self._database.connection.execute(
            "SELECT * FROM jobs WHERE project_id = ? AND kind = 'model' AND name LIKE ? ESCAPE '\\' "  # noqa: S608
            f"AND (? IS NULL OR status = ?) ORDER BY {column} {direction}, seq {direction} LIMIT ? OFFSET ?",
            (project_id, pattern(name), status, status, limit, skip),
        )
        return [_job(row) for row in rows]

    def handlers(self, model_uid: str, *, statuses: set[str], skip: int, limit: int) -> list[Job]:
        """List a model's record handlers, oldest first; no statuses = all."""
        rows = self._database.connection.execute("SELECT * FROM jobs WHERE model_uid = ? ORDER BY seq", (model_uid,))
        jobs = [job for job in map(_job, rows) if not statuses or job.status in statuses]
        return jobs[skip : skip + limit]

    def unfinished(self, *, project_id: str | None = None, data_source: str | None = None) -> list[Job]:
        """List unfinished jobs, oldest first."""
        rows = self._database.connection.execute(
            f"SELECT * FROM jobs WHERE {UNFINISHED_SQL} AND (? IS NULL OR project_id = ?) "  # noqa: S608
            "AND (? IS NULL OR data_source = ?) ORDER BY seq",
            (project_id, project_id, data_source, data_source),
        )
        return [_job(row) for row in rows]

    def uids(self) -> set[str]:
        return {row["uid"] for row in self._database.connection.execute("SELECT uid FROM jobs")}

    def claim(self) -> Job | None:
        """Take the oldest queued job of the project with the fewest running ones: it becomes pending."""
        with self._database.transaction() as connection:
            row = connection.execute(
                "SELECT uid FROM jobs AS queued WHERE status = 'created' ORDER BY "
                "(SELECT count(*) FROM jobs AS running WHERE running.project_id = queued.project_id "
                "AND running.status IN ('pending', 'active')), seq LIMIT 1"
            ).fetchone()
            if row is None:
                return None
            connection.execute("UPDATE jobs SET attempt = attempt + 1 WHERE uid = ?", (row["uid"],))
            self._enter(connection, row["uid"], Status.PENDING)
        return self.require(row["uid"])

    def activate(self, uid: str) -> bool:
        """Note that a worker has begun; False if the job was cancelled or deleted meanwhile."""
        return self._change(uid, Status.ACTIVE, only_from=(Status.PENDING,))

    def cancel(self, uid: str) -> bool:
        """Cancel a job; False if it had already ended."""
        return self._change(uid, Status.CANCELLED, only_from=UNFINISHED)

    def fail(self, uid: str, status: Status, error_msg: str, traceback: str | None = None) -> bool:
        """End an unfinished job with an error; False if it had already ended."""
        return self._change(uid, status, only_from=UNFINISHED, error_msg=error_msg, traceback=traceback)

    def complete(self, uid: str, *, publish: Callable[[], None]) -> bool:
        """End a job well: `publish` puts its files in place, under the same lock as the change of state."""
        with self._database.transaction() as connection:
            row = connection.execute("SELECT status FROM jobs WHERE uid = ?", (uid,)).fetchone()
            if row is None or row["status"] != Status.ACTIVE:
                return False
            publish()
            self._enter(connection, uid, Status.COMPLETED)
        return True

    def requeue(self, uid: str) -> None:
        """Put a job that was interrupted back into the queue, at its old place."""
        self._change(uid, Status.CREATED, only_from=(Status.PENDING, Status.ACTIVE))

    def add_seconds(self, job: Job, seconds: float) -> None:
        """Note worker time that was used."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE jobs SET seconds = seconds + ? WHERE uid = ?", (seconds, job.uid))
            connection.execute(
                "INSERT INTO usage VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET seconds = seconds + excluded.seconds",
                (job.user_id, this_month(), seconds),
            )

    def delete(self, uid: str) -> list[str]:
        """Delete a job, its logs and, of a model, its record handlers; returns the uids that are gone."""
        with self._database.transaction() as connection:
            rows = connection.execute("SELECT uid FROM jobs WHERE ? IN (uid, model_uid)", (uid,)).fetchall()
            connection.execute("DELETE FROM jobs WHERE uid = ?", (uid,))
        return [row["uid"] for row in rows]

    def log(self, uid: str, stage: str, msg: str, ctx: dict[str, Any]) -> None:
        """Append a log line; a job that was deleted meanwhile takes none."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO logs SELECT ?, coalesce((SELECT max(seq) FROM logs WHERE job_uid = ?), 0) + 1, ?, ?, ?, ? "
                "WHERE EXISTS (SELECT 1 FROM jobs WHERE uid = ?)",
                (uid, uid, now(), stage, msg[:MAX_LOG_CHARACTERS], json.dumps(ctx), uid),
            )

    def logs(self, uid: str) -> list[dict[str, Any]]:
        """A job's log lines, as clients get them."""
        rows = self._database.connection.execute(
            "SELECT ts, msg, ctx, seq, stage FROM logs WHERE job_uid = ? ORDER BY seq", (uid,)
        )
        return [{**dict(row), "ctx": json.loads(row["ctx"])} for row in rows]

    def _change(self, uid: str, status: Status, *, only_from: tuple[Status, ...], **columns: str | None) -> bool:
        with self._database.transaction() as connection:
            row = connection.execute("SELECT status FROM jobs WHERE uid = ?", (uid,)).fetchone()
            if row is None or row["status"] not in only_from:
                return False
            for column, value in columns.items():
                connection.execute(f"UPDATE jobs SET {column} = ? WHERE uid = ?", (value, uid))  # noqa: S608
            self._enter(connection, uid, status)
        return True

    @staticmethod
    def _enter(connection: sqlite3.Connection, uid: str, status: Status) -> None:
        time = now()
        connection.execute(
            "UPDATE jobs SET status = ?, last_modified = ?, "
            "status_history = json_set(status_history, '$.' || ?, ?) WHERE uid = ?",
            (status, time, status, time, uid),
        )


def _job(row: sqlite3.Row) -> Job:
    values = {key: row[key] for key in row.keys()}  # noqa: SIM118  # a Row iterates over its values
    for column in ("config", "task", "status_history"):
        values[column] = json.loads(values[column])
    return Job(**{**values, "status": Status(values["status"])})
