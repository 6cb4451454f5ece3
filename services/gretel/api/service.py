"""What the routes work with: the stores, the dispatcher and the caller."""

import json
import math
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request

from services.gretel.api.auth import KeyRing, User
from services.gretel.api.errors import ApiError, bad_request, not_found
from services.gretel.api.links import LinkSigner
from services.gretel.jobs.dispatcher import Dispatcher
from services.gretel.settings import Settings
from services.gretel.store.artifacts import ArtifactStore
from services.gretel.store.files import Files
from services.gretel.store.job_types import Job
from services.gretel.store.jobs import JobStore
from services.gretel.store.projects import Project, ProjectStore

MAX_JSON_BYTES = 1024 * 1024
MAX_JSON_DEPTH = 32


@dataclass(frozen=True, slots=True)
class Service:
    """The parts of a running service."""

    settings: Settings
    keys: KeyRing
    links: LinkSigner
    projects: ProjectStore
    artifacts: ArtifactStore
    jobs: JobStore
    files: Files
    dispatcher: Dispatcher


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


ServiceDep = Annotated[Service, Depends(_service)]


def _user(request: Request, service: ServiceDep) -> User:
    user = service.keys.authenticate(request)
    request.state.user_id = user.id  # for the access log
    return user


UserDep = Annotated[User, Depends(_user)]


def _project(project_id: str, user: UserDep, service: ServiceDep) -> Project:
    project = service.projects.find(project_id, user.id)
    if project is None:
        raise ApiError(404, f"Project {project_id!r} not found, or you are not a member of it.")
    return project


ProjectDep = Annotated[Project, Depends(_project)]


def _model(model_id: str, project: ProjectDep, service: ServiceDep) -> Job:
    job = service.jobs.get(model_id)
    if job is None or job.kind != "model" or job.project_id != project.id:
        raise not_found("Model", model_id)
    return job


ModelDep = Annotated[Job, Depends(_model)]


def _handler(record_handler_id: str, model: ModelDep, service: ServiceDep) -> Job:
    job = service.jobs.get(record_handler_id)
    if job is None or job.model_uid != model.uid:
        raise not_found("Record handler", record_handler_id)
    return job


HandlerDep = Annotated[Job, Depends(_handler)]


async def _json_body(request: Request) -> dict[str, Any]:
    """Read a JSON object, at most 1 MiB of it, of what can be stored and answered again."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_JSON_BYTES:
            raise ApiError(400, f"The request's body is larger than {MAX_JSON_BYTES} bytes.")
    try:
        parsed = json.loads(body or b"{}")
        _check_plain(parsed, MAX_JSON_DEPTH)
    except (ValueError, RecursionError) as error:
        raise bad_request(f"The request's body is not JSON: {error}.") from error
    if not isinstance(parsed, dict):
        raise bad_request("The request's body must be a JSON object.")
    return parsed


JsonDep = Annotated[dict[str, Any], Depends(_json_body)]


def _check_plain(value: object, depth: int) -> None:
    """Refuse what Python's parser takes and neither the database nor an answer does.

    :param depth: levels that may still be nested.
    :raises ValueError: NaN or infinity, half a surrogate pair, or nesting without end.
    """
    if depth == 0:
        raise ValueError(f"it is nested more than {MAX_JSON_DEPTH} levels deep")
    match value:
        case dict():
            for name, item in value.items():
                _check_plain(name, depth - 1)
                _check_plain(item, depth - 1)
        case list():
            for item in value:
                _check_plain(item, depth - 1)
        case str():
            value.encode()
        case float() if not math.isfinite(value):
            raise ValueError("it holds a number that JSON does not have")
