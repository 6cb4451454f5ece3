"""/projects/{id}/artifacts: data sources, uploaded and downloaded by signed links."""

import re
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse

from services.gretel.api.errors import ApiError, bad_request, not_found
from services.gretel.api.service import JsonDep, ProjectDep, Service, ServiceDep
from services.gretel.store.artifacts import Artifact, TooManyArtifactsError
from services.gretel.store.files import remove
from services.gretel.store.projects import Project

router = APIRouter()

Key = Annotated[str, Query()]


@router.post("/projects/{project_id}/artifacts")
def create(project: ProjectDep, service: ServiceDep, request: Request, body: JsonDep) -> dict[str, Any]:
    filename = body.get("filename")
    if (
        not isinstance(filename, str)
        or not re.fullmatch(r"[^/\\\x00-\x1f\x7f]{1,255}", filename)
        or filename in {".", ".."}
    ):
        raise bad_request(
            "filename must be the plain name of a file: 1 to 255 characters, no path and no control characters.",
            {"filename": "invalid"},
        )
    try:
        artifact = service.artifacts.create(project.id, filename, limit=service.settings.max_artifacts)
    except TooManyArtifactsError as error:
        limit = service.settings.max_artifacts
        raise bad_request(
            f"Maximum number of artifacts reached: {limit} in this project. Delete some first."
        ) from error
    url = service.links.link(request, "PUT", f"/uploads/{artifact.key}")
    return {"data": {"key": artifact.key, "url": url, "method": "PUT"}}


@router.get("/projects/{project_id}/artifacts")
def list_all(project: ProjectDep, service: ServiceDep) -> dict[str, Any]:
    return {"data": {"artifacts": [artifact.to_api() for artifact in service.artifacts.list(project.id)]}}


@router.get("/projects/{project_id}/artifacts/download")
def download(project: ProjectDep, service: ServiceDep, request: Request, key: Key) -> dict[str, Any]:
    artifact = _uploaded(service, project, key)
    url = service.links.link(request, "GET", f"/downloads/artifacts/{artifact.key}")
    return {"data": {"data": {"url": url, "method": "GET"}}}


@router.get("/projects/{project_id}/artifacts/manifest")
def manifest(project: ProjectDep, service: ServiceDep, key: Key) -> JSONResponse:
    """What the service knows of an artifact, not wrapped in `data`, as gretel-client expects it."""
    artifact = _artifact(service, project, key)
    return JSONResponse(
        {
            "key": artifact.key,
            "status": artifact.status,
            "filename": artifact.filename,
            "size_bytes": artifact.size,
            "sha256": artifact.sha256,
        }
    )


@router.delete("/projects/{project_id}/artifacts")
def delete(project: ProjectDep, service: ServiceDep, key: Key) -> dict[str, Any]:
    artifact = _artifact(service, project, key)
    waiting = service.jobs.unfinished(project_id=project.id, data_source=artifact.key)
    if waiting:
        raise ApiError(
            409,
            f"Artifact {artifact.key!r} is the data source of the unfinished model {waiting[0].uid}: cancel it first.",
        )
    service.artifacts.delete(artifact.key)
    remove(service.files.artifact(project.id, artifact.file_id))
    return {"data": {"key": artifact.key}}


def _artifact(service: Service, project: Project, key: str) -> Artifact:
    artifact = service.artifacts.get(key)
    if artifact is None or artifact.project_id != project.id:
        raise not_found("Artifact", key)
    return artifact


def _uploaded(service: Service, project: Project, key: str) -> Artifact:
    artifact = _artifact(service, project, key)
    if artifact.status != "completed":
        raise ApiError(404, f"Artifact {key!r} not found: it was announced, but its upload has not ended.")
    return artifact
