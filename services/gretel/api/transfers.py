"""/uploads and /downloads: where signed links lead. No API key is needed or looked at here."""

import gzip
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import anyio.to_thread
from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.requests import ClientDisconnect

from services.gretel.api.errors import ApiError
from services.gretel.api.service import Service, ServiceDep
from services.gretel.artifact_files import LOGS, MODEL_ARTIFACTS, RECORD_ARTIFACTS
from services.gretel.settings import MIB
from services.gretel.store.artifacts import Artifact
from services.gretel.store.files import OutOfSpaceError, TooLargeError, TruncatedError, Upload, put_in_place
from services.gretel.store.job_types import Status

router = APIRouter()

DRAIN_LIMIT = 256 * MIB
CHUNK = 256 * 1024
# The links are secrets: they must not travel on as referrers or rest in caches, and a report must not reach out.
SAFE_HEADERS = {
    "Cache-Control": "private, no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:",
}
MEDIA_TYPES = {".gz": "application/gzip", ".html": "text/html; charset=utf-8", ".json": "application/json"}


@router.put("/uploads/{key}")
async def upload(key: str, service: ServiceDep, request: Request) -> JSONResponse:
    """Take an artifact's bytes. The same bytes may be sent again, for a client whose answer was lost."""
    service.links.check(request)
    artifact = await anyio.to_thread.run_sync(service.artifacts.get, key)
    if artifact is None:
        raise ApiError(404, "The artifact of this link was deleted.")
    length = request.headers.get("Content-Length", "")
    stream = request.stream()
    try:
        received = await service.files.receive(stream, announced=int(length) if length.isdecimal() else None)
    except TooLargeError as error:
        await _drain(stream)
        limit = service.settings.max_upload_mib
        raise ApiError(413, f"The file is larger than {limit} MiB, the most that one artifact may have.") from error
    except OutOfSpaceError:
        await _drain(stream)
        raise
    except (ClientDisconnect, TruncatedError) as error:
        raise ApiError(400, "The upload was cut off; nothing was stored.") from error
    await anyio.to_thread.run_sync(_store, service, artifact, received)
    return JSONResponse({"data": {"key": key, "size": received.size, "sha256": received.sha256}})


@router.api_route("/downloads/artifacts/{key}", methods=["GET", "HEAD"])
def download_artifact(key: str, service: ServiceDep, request: Request) -> Response:
    service.links.check(request)
    artifact = service.artifacts.get(key)
    if artifact is None or artifact.status != "completed":
        raise ApiError(404, "The artifact of this link was deleted.")
    path = service.files.artifact(artifact.project_id, artifact.file_id)
    headers = {**SAFE_HEADERS, "Content-Disposition": f'attachment; filename="{key}"'}
    return FileResponse(path, media_type="application/octet-stream", headers=headers)


@router.api_route("/downloads/jobs/{uid}/{filename}", methods=["GET", "HEAD"])
def download_job_file(uid: str, filename: str, service: ServiceDep, request: Request) -> Response:
    """Give a file that a job made; without its `.gz`, unpacked."""
    service.links.check(request)
    job = service.jobs.get(uid)
    if job is None:
        raise ApiError(404, "The job of this link was deleted.")
    media_type = MEDIA_TYPES.get(Path(filename).suffix, "application/octet-stream")
    if LOGS in {filename, f"{filename}.gz"}:
        lines = _log_lines(service, uid, packed=filename == LOGS)
        return Response(lines, media_type=media_type, headers=SAFE_HEADERS)
    known = {*MODEL_ARTIFACTS.values(), *RECORD_ARTIFACTS.values()} if job.status == Status.COMPLETED else set()
    directory = service.files.job(job.project_id, uid)
    if filename in known and (directory / filename).is_file():
        return FileResponse(directory / filename, media_type=media_type, headers=SAFE_HEADERS)
    packed = f"{filename}.gz"
    if packed in known and (directory / packed).is_file():
        return StreamingResponse(_unpacked(directory / packed), media_type=media_type, headers=SAFE_HEADERS)
    raise ApiError(404, f"The job has no {filename}: it is {job.status}.")


def _store(service: Service, artifact: Artifact, received: Upload) -> None:
    """Put a complete upload in place, unless the artifact has its content already or is gone."""
    try:
        current = service.artifacts.get(artifact.key)
        if current is not None and current.status == "completed":
            if current.sha256 == received.sha256:
                return
            raise ApiError(409, "This artifact was uploaded already, with other content. Create a new one.")
        target = service.files.artifact(artifact.project_id, artifact.file_id)
        with service.artifacts.completing(artifact.key, size=received.size, sha256=received.sha256) as pending:
            if pending:
                put_in_place(received.path, target)
        if not pending:
            raise ApiError(409, "This artifact was deleted or uploaded by another request meanwhile.")
    finally:
        received.path.unlink(missing_ok=True)


async def _drain(stream: AsyncIterator[bytes]) -> None:
    """Read what a client still sends, within limits: only then does it get to see the answer."""
    drained = 0
    try:
        async for chunk in stream:
            drained += len(chunk)
            if drained > DRAIN_LIMIT:
                return
    except ClientDisconnect:
        return


def _unpacked(path: Path) -> Iterator[bytes]:
    with gzip.open(path) as file:
        while chunk := file.read(CHUNK):
            yield chunk


def _log_lines(service: Service, uid: str, *, packed: bool) -> bytes:
    """The job's log, one JSON object a line."""
    lines: list[dict[str, Any]] = service.jobs.logs(uid)
    text = "".join(json.dumps(line) + "\n" for line in lines).encode()
    return gzip.compress(text, mtime=0) if packed else text
