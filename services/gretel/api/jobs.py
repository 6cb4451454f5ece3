"""What models and record handlers have in common: how they are submitted, cancelled, deleted and shown."""

import base64
import json
from typing import Annotated, Any

from fastapi import Query, Request

from services.gretel.api.errors import ApiError, bad_request
from services.gretel.api.service import Service
from services.gretel.model_types import MODEL_TYPES
from services.gretel.store.files import remove
from services.gretel.store.job_types import (
    UNFINISHED,
    CreditsExhaustedError,
    Job,
    Limits,
    NewJob,
    Status,
    TooManyJobsError,
)
from services.gretel.store.projects import Project

Skip = Annotated[int, Query(ge=0, le=10**9)]  # SQLite knows no larger numbers than 64 bits
Limit = Annotated[int, Query(ge=1, le=1000)]


def submit(service: Service, new: NewJob) -> Job:
    """Put a job in the queue.

    :raises ApiError: 400, with the texts by which gretel-client knows a limit.
    """
    settings = service.settings
    limits = Limits(settings.max_jobs, settings.monthly_seconds)
    try:
        job = service.jobs.submit(new, limits)
    except TooManyJobsError as error:
        raise bad_request(
            f"Maximum number of jobs reached: this project has {settings.max_jobs} queued or running jobs, as many as "
            "it may. Wait for one to end, or cancel one."
        ) from error
    except CreditsExhaustedError as error:
        raise bad_request(
            f"Cannot run job, credits exhausted: you have used this month's {settings.monthly_seconds} seconds of "
            "worker time. Wait for the next month, or ask the service's operator for more."
        ) from error
    service.dispatcher.wake()
    return job


def cancel(service: Service, job: Job, body: dict[str, Any]) -> Job:
    """Cancel a job, if that is what the body asks; a job that has ended stays as it is.

    :raises ApiError: 400, anything else was asked.
    """
    if body != {"status": Status.CANCELLED}:
        raise bad_request('The only change is {"status": "cancelled"}.')
    if service.jobs.cancel(job.uid):
        service.dispatcher.kill(job.uid)
    return service.jobs.get(job.uid) or job


def delete(service: Service, job: Job) -> dict[str, Any]:
    """Delete a job and, of a model, its record handlers: killed if running, files and all."""
    for uid in service.jobs.delete(job.uid):
        service.dispatcher.kill(uid)
        remove(service.files.job(job.project_id, uid))
    return {"data": {"uid": job.uid}}


def artifact_link(
    service: Service, request: Request, job: Job, types: dict[str, str], artifact_type: str, *, uncompressed: bool
) -> dict[str, Any]:
    """A signed link to what a job made. As with Gretel, it is given whether or not the file is there (yet).

    :raises ApiError: 400, there is no such type.
    """
    if artifact_type not in types:
        raise bad_request(f"type must be one of {', '.join(types)}, found {artifact_type!r}.")
    filename = types[artifact_type]
    if uncompressed:
        filename = filename.removesuffix(".gz")
    return {
        "data": {"url": service.links.link(request, "GET", f"/downloads/jobs/{job.uid}/{filename}"), "method": "GET"}
    }


def details(
    service: Service, job: Job, project: Project, *, key: str, expand: str, types: dict[str, str]
) -> dict[str, Any]:
    """The answer to a question for one job.

    :param key: `model` or `handler`.
    :param expand: comma-separated: logs, artifacts.
    """
    data: dict[str, Any] = {key: to_api(job, project), "billing_data": _billing(job)}
    wanted = expand.split(",")
    if "logs" in wanted:
        data["logs"] = service.jobs.logs(job.uid)
    if "artifacts" in wanted:
        directory = service.files.job(project.id, job.uid)
        data["artifacts"] = [
            {"name": name} for name, file in types.items() if name.endswith("_logs") or (directory / file).is_file()
        ]
    return {"data": data}


def created(job: Job, project: Project, key: str) -> dict[str, Any]:
    """The answer to a submission."""
    reference = json.dumps({"project_id": project.id, "job_id": job.uid, "type": key})
    return {
        "worker_key": base64.b64encode(reference.encode()).decode(),  # names the job, opens nothing
        "data": {key: to_api(job, project)},
    }


def to_api(job: Job, project: Project) -> dict[str, Any]:
    """A job as clients get it."""
    shown = {
        "uid": job.uid,
        "guid": f"{job.kind}_{job.uid}",
        "model_name": job.name,
        "runner_mode": "cloud",
        "user_id": job.user_id,
        "project_id": project.id,
        "project_guid": project.guid,
        "status_history": job.status_history,
        "last_modified": job.last_modified,
        "status": job.status,
        "duration_minutes": round(job.seconds / 60) if job.status not in UNFINISHED else None,
        "error_msg": job.error_msg,
        "error_id": None,
        "traceback": job.traceback,
        "container_image": f"services/gretel:{MODEL_TYPES[job.model_type].engine}",
        "model_type": job.model_type,
        "config": job.config,
    }
    return shown if job.model_uid is None else {**shown, "model_id": job.model_uid}


def parse_statuses(text: str | None) -> set[str]:
    """Parse a comma-separated list of job states.

    :raises ApiError: 400, one is unknown.
    """
    statuses = {status for status in (text or "").split(",") if status}
    unknown = statuses - set(Status)
    if unknown:
        raise ApiError(400, f"status must be of {', '.join(Status)}, found {', '.join(sorted(unknown))}.")
    return statuses


def _billing(job: Job) -> dict[str, Any]:
    return {"total_time_seconds": round(job.seconds), "total_billed_seconds": round(job.seconds), "task_type": "cpu"}
