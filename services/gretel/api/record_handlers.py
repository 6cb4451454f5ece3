"""/projects/{id}/models/{id}/record_handlers: generate rows from a model."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request

from services.gretel.api import jobs
from services.gretel.api.errors import bad_request
from services.gretel.api.projects import check_runner_mode
from services.gretel.api.service import HandlerDep, JsonDep, ModelDep, ProjectDep, ServiceDep, UserDep
from services.gretel.artifact_files import RECORD_ARTIFACTS
from services.gretel.record_params import plan_records
from services.gretel.store.job_types import NewJob, Status

router = APIRouter()

BASE = "/projects/{project_id}/models/{model_id}/record_handlers"


@router.post(BASE)
def create(
    *,
    project: ProjectDep,
    user: UserDep,
    model: ModelDep,
    service: ServiceDep,
    body: JsonDep,
    runner_mode: str | None = None,
) -> dict[str, Any]:
    check_runner_mode(runner_mode)
    if model.status != Status.COMPLETED:
        raise bad_request(f"Model {model.uid!r} is {model.status}, not completed; only a completed model generates.")
    data_source, ref_data = body.get("data_source"), body.get("ref_data")
    params, task = plan_records(
        body.get("params"),
        data_source=data_source,
        ref_data=ref_data,
        model_task=model.task,
        max_records=service.settings.max_records,
    )
    new = NewJob(
        kind="handler",
        project_id=project.id,
        name=model.name,
        model_type=model.model_type,
        config={"params": params, "data_source": None, "ref_data": {}},
        task=task,
        user_id=user.id,
        model_uid=model.uid,
    )
    return jobs.created(jobs.submit(service, new), project, "handler")


@router.get(BASE)
def search(
    *,
    project: ProjectDep,
    model: ModelDep,
    service: ServiceDep,
    status: str | None = None,
    skip: jobs.Skip = 0,
    limit: jobs.Limit = 100,
) -> dict[str, Any]:
    found = service.jobs.handlers(model.uid, statuses=jobs.parse_statuses(status), skip=skip, limit=limit)
    return {"data": {"handlers": [jobs.to_api(job, project) for job in found]}}


@router.get(BASE + "/{record_handler_id}")
def get(
    project: ProjectDep, handler: HandlerDep, service: ServiceDep, expand: str = "", logs: str = "no"
) -> dict[str, Any]:
    wanted = f"{expand},logs" if logs == "yes" else expand
    return jobs.details(service, handler, project, key="handler", expand=wanted, types=RECORD_ARTIFACTS)


@router.patch(BASE + "/{record_handler_id}")
def update(project: ProjectDep, handler: HandlerDep, service: ServiceDep, body: JsonDep) -> dict[str, Any]:
    return {"data": {"handler": jobs.to_api(jobs.cancel(service, handler, body), project)}}


@router.delete(BASE + "/{record_handler_id}")
def delete(handler: HandlerDep, service: ServiceDep) -> dict[str, Any]:
    return jobs.delete(service, handler)


@router.get(BASE + "/{record_handler_id}/artifact")
def artifact(
    handler: HandlerDep,
    service: ServiceDep,
    request: Request,
    artifact_type: Annotated[str, Query(alias="type")],
    uncompressed: Literal["true", "false", "auto"] = "false",
) -> dict[str, Any]:
    return jobs.artifact_link(
        service, request, handler, RECORD_ARTIFACTS, artifact_type, uncompressed=uncompressed == "true"
    )
