"""/projects/{id}/models: train, list, look at, cancel, delete."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request

from services.gretel.api import jobs
from services.gretel.api.errors import bad_request
from services.gretel.api.projects import check_runner_mode
from services.gretel.api.service import JsonDep, ModelDep, ProjectDep, Service, ServiceDep, UserDep
from services.gretel.artifact_files import MODEL_ARTIFACTS
from services.gretel.csv_file import TableError, check_head
from services.gretel.model_config import Plan, plan_model
from services.gretel.store.job_types import NewJob, Status
from services.gretel.store.projects import Project

router = APIRouter()

ORDERS = {"last_modified": "last_modified", "status_history.created": "created", "model_name": "name"}


@router.post("/projects/{project_id}/models")
def create(
    *,
    project: ProjectDep,
    user: UserDep,
    service: ServiceDep,
    body: JsonDep,
    dry_run: Literal["yes", "no"] = "no",
    runner_mode: str | None = None,
) -> dict[str, Any]:
    check_runner_mode(runner_mode)
    config = body.get("config") if "provenance" in body else body
    plan = plan_model(config, max_records=service.settings.max_records)
    _check_data_source(service, project, plan)
    if dry_run == "yes":
        model = {"uid": None, "status": Status.CREATED, "model_type": plan.model_type, "config": plan.config}
        return {"worker_key": None, "data": {"model": {**model, "runner_mode": "cloud", "error_msg": None}}}
    new = NewJob(
        kind="model",
        project_id=project.id,
        name=plan.name,
        model_type=plan.model_type,
        config=plan.config,
        task=plan.task,
        user_id=user.id,
        data_source=plan.data_source,
    )
    return jobs.created(jobs.submit(service, new), project, "model")


@router.get("/projects/{project_id}/models")
def search(
    *,
    project: ProjectDep,
    service: ServiceDep,
    model_name: str = "",
    status: str | None = None,
    sort_by: Literal["asc", "desc"] = "asc",
    sort_field: Literal["last_modified", "status_history.created", "model_name"] = "last_modified",
    skip: jobs.Skip = 0,
    limit: jobs.Limit = 100,
) -> dict[str, Any]:
    jobs.parse_statuses(status)
    found = service.jobs.models(
        project.id,
        name=model_name,
        status=status or None,
        order=ORDERS[sort_field],
        descending=sort_by == "desc",
        skip=skip,
        limit=limit,
    )
    return {"data": {"models": [jobs.to_api(job, project) for job in found]}}


@router.get("/projects/{project_id}/models/{model_id}")
def get(
    project: ProjectDep, model: ModelDep, service: ServiceDep, expand: str = "", logs: str = "no"
) -> dict[str, Any]:
    wanted = f"{expand},logs" if logs == "yes" else expand
    return jobs.details(service, model, project, key="model", expand=wanted, types=MODEL_ARTIFACTS)


@router.patch("/projects/{project_id}/models/{model_id}")
def update(project: ProjectDep, model: ModelDep, service: ServiceDep, body: JsonDep) -> dict[str, Any]:
    return {"data": {"model": jobs.to_api(jobs.cancel(service, model, body), project)}}


@router.delete("/projects/{project_id}/models/{model_id}")
def delete(model: ModelDep, service: ServiceDep) -> dict[str, Any]:
    return jobs.delete(service, model)


@router.get("/projects/{project_id}/models/{model_id}/artifact")
def artifact(
    model: ModelDep,
    service: ServiceDep,
    request: Request,
    artifact_type: Annotated[str, Query(alias="type")],
    uncompressed: Literal["true", "false", "auto"] = "false",
) -> dict[str, Any]:
    return jobs.artifact_link(
        service, request, model, MODEL_ARTIFACTS, artifact_type, uncompressed=uncompressed == "true"
    )


def _check_data_source(service: Service, project: Project, plan: Plan) -> None:
    artifact = service.artifacts.get(plan.data_source)
    if artifact is None or artifact.project_id != project.id:
        raise bad_request(f"The data_source {plan.data_source!r} does not exist in the project {project.name!r}.")
    if artifact.status != "completed":
        raise bad_request(f"The data_source {plan.data_source!r} was announced, but its upload has not ended.")
    try:
        check_head(service.files.artifact(project.id, artifact.file_id), name=artifact.filename)
    except TableError as error:
        raise bad_request(f"The data source cannot be used. {error}", {"data_source": "unusable"}) from error
