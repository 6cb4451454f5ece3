"""What models and record handlers are to the store, and why one may be refused."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """Gretel's job states."""

    CREATED = "created"
    PENDING = "pending"
    ACTIVE = "active"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    ERROR = "error"
    LOST = "lost"


UNFINISHED = (Status.CREATED, Status.PENDING, Status.ACTIVE)


class TooManyJobsError(ValueError):
    """The project may queue no further job."""


class CreditsExhaustedError(ValueError):
    """The user has used up this month's worker time."""


@dataclass(frozen=True, slots=True)
class Job:
    """A model (kind `model`) or a record handler (kind `handler`).

    :param config: what clients get to see of the configuration.
    :param task: what the worker is told to do.
    :param attempt: how often the job was started.
    :param seconds: how long workers were busy with it.
    """

    seq: int
    uid: str
    kind: str
    project_id: str
    model_uid: str | None
    name: str
    model_type: str
    config: dict[str, Any]
    task: dict[str, Any]
    data_source: str | None
    user_id: str
    status: Status
    attempt: int
    error_msg: str | None
    traceback: str | None
    status_history: dict[str, str]
    seconds: float
    last_modified: str


@dataclass(frozen=True, slots=True)
class NewJob:
    """What a job is submitted with."""

    kind: str
    project_id: str
    name: str
    model_type: str
    config: dict[str, Any]
    task: dict[str, Any]
    user_id: str
    data_source: str | None = None
    model_uid: str | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What submitting a job is checked against.

    :param max_jobs: most unfinished jobs in one project.
    :param monthly_seconds: worker time of one user per calendar month; 0 = no limit.
    """

    max_jobs: int
    monthly_seconds: float
