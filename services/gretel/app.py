"""Puts the service together."""

import fcntl
import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO

import anyio.to_thread
from fastapi import FastAPI

from services.gretel.api import artifacts, errors, health, models, projects, record_handlers, transfers, users
from services.gretel.api.access_log import AccessLog
from services.gretel.api.auth import KeyRing
from services.gretel.api.links import LinkSigner
from services.gretel.api.service import Service
from services.gretel.jobs.dispatcher import Dispatcher
from services.gretel.settings import Settings
from services.gretel.store.artifacts import ArtifactStore, file_id
from services.gretel.store.database import Database
from services.gretel.store.files import Files
from services.gretel.store.jobs import JobStore
from services.gretel.store.projects import ProjectStore

log = logging.getLogger(__name__)

ROUTERS = (health, users, projects, artifacts, models, record_handlers, transfers)


class DataDirectoryError(RuntimeError):
    """The data directory cannot be used."""


def create_app(settings: Settings) -> FastAPI:
    """Build the application; its data directory is opened when it starts."""
    app = FastAPI(
        title="Gretel service",
        lifespan=_lifespan,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.state.settings = settings
    errors.install(app)
    app.add_middleware(AccessLog)
    for module in ROUTERS:
        app.include_router(module.router)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings: Settings = app.state.settings
    service = open_service(settings)
    app.state.service = service
    service.dispatcher.start()
    log.info("%d worker(s), data in %s", settings.workers, settings.data_dir)
    yield
    await anyio.to_thread.run_sync(service.dispatcher.stop)


def open_service(settings: Settings) -> Service:
    """Open the data directory, which `lock` must hold, and clear away what interrupted work left there."""
    database = Database(settings.data_dir / "service.db")
    files = Files(settings.data_dir, max_upload_mib=settings.max_upload_mib, min_free_mib=settings.min_free_mib)
    project_store, artifact_store, jobs = ProjectStore(database), ArtifactStore(database), JobStore(database)
    swept = files.sweep(
        project_ids=project_store.ids(),
        artifact_ids={file_id(key) for key in artifact_store.keys()},  # noqa: SIM118  # not a dict
        job_uids=jobs.uids(),
    )
    if swept:
        log.warning("deleted %d files that no project, artifact or job knows of", swept)
    signing_key = settings.signing_key or _kept_signing_key(settings.data_dir)
    return Service(
        settings=settings,
        keys=KeyRing(settings.api_keys),
        links=LinkSigner(signing_key, seconds=settings.link_seconds, public_url=settings.public_url),
        projects=project_store,
        artifacts=artifact_store,
        jobs=jobs,
        files=files,
        dispatcher=Dispatcher(settings, jobs, artifact_store, files),
    )


def lock(data_dir: Path) -> IO[str]:
    """Make the data directory, for the owner alone, and hold it for as long as the file returned is open.

    :raises DataDirectoryError: another service holds it, or it cannot be written.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = (data_dir / "service.lock").open("w", encoding="utf-8")
    except OSError as error:
        raise DataDirectoryError(f"The data directory {data_dir} cannot be used: {error.strerror}.") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise DataDirectoryError(f"The data directory {data_dir} is in use by another running service.") from error
    return file


def _kept_signing_key(data_dir: Path) -> str:
    """Read the signing key kept in the data directory; make one the first time."""
    path = data_dir / "signing.key"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(32), encoding="utf-8")
    return path.read_text(encoding="utf-8")
