"""/health: whether the service can do its work. Needs no API key and tells no more than that."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from services.gretel.api.service import ServiceDep

router = APIRouter()


@router.get("/health")
def health(service: ServiceDep) -> JSONResponse:
    service.projects.ids()  # raises when the database is gone
    if not service.dispatcher.healthy:
        return JSONResponse({"status": "error", "message": "a worker slot has died; see the service's log"}, 503)
    return JSONResponse({"status": "ok"})
