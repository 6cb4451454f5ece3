"""/projects: create, find, search, share, delete."""

import re
from typing import Annotated, Any

from fastapi import APIRouter, Query

from services.gretel.api.auth import user_of
from services.gretel.api.errors import ApiError, bad_request
from services.gretel.api.service import JsonDep, ProjectDep, ServiceDep, UserDep
from services.gretel.store.projects import NameTakenError

router = APIRouter()

NAME = re.compile(r"(?![0-9]+$)(?!-)[a-zA-Z0-9-]{3,63}(?<!-)")
LOOKS_LIKE_ID = re.compile(r"[0-9a-f]{24}")
MAX_TEXT = 2000


@router.get("/projects")
def search(
    user: UserDep, service: ServiceDep, query: str = "", limit: Annotated[int, Query(ge=1, le=1000)] = 200
) -> dict[str, Any]:
    found = service.projects.search(user.id, query=query, limit=limit)
    return {"data": {"projects": [project.to_api() for project in found]}}


@router.post("/projects")
def create(user: UserDep, service: ServiceDep, body: JsonDep) -> dict[str, Any]:
    name = _text(body, "name") or None
    if name is not None and (not NAME.fullmatch(name) or LOOKS_LIKE_ID.fullmatch(name)):
        raise bad_request(
            f"Invalid project name {name!r}: 3 to 63 letters, digits and dashes, no dash first or last, not digits "
            "only, and not of the form of an id.",
            {"name": "invalid"},
        )
    check_runner_mode(body.get("runner_mode"))
    try:
        project = service.projects.create(
            user.id,
            name=name,
            display_name=_text(body, "display_name"),
            description=_text(body, "description"),
            runner_mode=body.get("runner_mode"),
        )
    except NameTakenError as error:
        raise ApiError(400, f"Project name not available: {name!r} is taken.", {"name": "not available"}) from error
    return {"data": {"id": project.id}}


@router.get("/projects/{project_id}")
def get(project: ProjectDep) -> dict[str, Any]:
    return {"data": {"project": project.to_api()}}


@router.delete("/projects/{project_id}")
def delete(project: ProjectDep, service: ServiceDep) -> dict[str, Any]:
    running = service.jobs.unfinished(project_id=project.id)
    service.projects.delete(project.id)
    for job in running:
        service.dispatcher.kill(job.uid)
    service.files.remove_project(project.id)
    return {"data": {"id": project.id}}


@router.post("/projects/{project_id}/invites")
def invite(project: ProjectDep, service: ServiceDep, body: JsonDep) -> dict[str, Any]:
    """Make the owner of another key a member; members see and may do everything in the project."""
    email = _text(body, "email")
    if email.lower() not in {key.email for key in service.settings.api_keys}:
        raise bad_request("This service has no user of that email address.", {"email": "unknown"})
    service.projects.add_member(project.id, user_of(email).id)
    return {"data": {"invite": {"email": email, "level": body.get("level")}}}


def check_runner_mode(runner_mode: object) -> None:
    """Refuse modes in which something other than this service would run the jobs.

    :raises ApiError: 400.
    """
    if runner_mode not in (None, "", "cloud"):
        raise bad_request(f"runner_mode {runner_mode!r} is not offered: this service runs every job itself ('cloud').")


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise bad_request(f"{name} must be text of at most {MAX_TEXT} characters.", {name: "invalid"})
    return value
