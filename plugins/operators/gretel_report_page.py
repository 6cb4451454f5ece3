"""A model's quality report inside Airflow's web UI, behind Airflow's own login and permissions.

An operator link is stored as an XCom when its task ends, so it can hold no signed link: that would be a secret, and
expired. The stored link leads here. The signed link is made when somebody clicks, used by the api-server and shown to
nobody. The page comes in a sandbox of its own: scripts of a report (Gretel's hosted service has some) cannot act for
the user who reads it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.common.db.common import SessionDep
from airflow.api_fastapi.core_api.security import requires_access_dag
from airflow.models.xcom import XComModel
from airflow.sdk.exceptions import AirflowException
from fastapi import Depends, FastAPI, HTTPException, Response

from hooks.gretel import GretelHook
from operators.gretel_report_link import PAGE

NEEDED = {"gretel_conn_id", "project_id", "model_id"}
SAFE_HEADERS = {
    "Cache-Control": "private, no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox allow-scripts; default-src 'none'; img-src data:; font-src data:; "
    "style-src 'unsafe-inline'; script-src 'unsafe-inline'; form-action 'none'; base-uri 'none'",
}

log = logging.getLogger(__name__)
app = FastAPI(title="Quality reports", docs_url=None, redoc_url=None, openapi_url=None)


@app.get(PAGE, dependencies=[Depends(requires_access_dag("GET", DagAccessEntity.RUN))])
def quality_report(session: SessionDep, dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> Response:
    """Show the report of the model that a task instance trained."""
    facts = _facts(session, dag_id, run_id, task_id, map_index)
    try:
        page = _download(facts)
    except AirflowException as error:
        log.warning("no quality report of %s, run %s: %s", dag_id, run_id, error)
        raise HTTPException(502, f"The quality report cannot be fetched. {error}") from error
    return Response(page, media_type="text/html; charset=utf-8", headers=SAFE_HEADERS)


def _facts(session: Any, dag_id: str, run_id: str, task_id: str, map_index: int) -> Mapping[str, Any]:
    """Read what the task returned about its model."""
    found = session.scalar(
        XComModel.get_many(
            key="return_value",
            dag_ids=dag_id,
            run_id=run_id,
            task_ids=task_id,
            map_indexes=map_index,
            limit=1,
        )
    )
    facts = None if found is None else XComModel.deserialize_value(found)
    if not isinstance(facts, Mapping) or not facts.keys() >= NEEDED:
        raise HTTPException(
            404,
            f"Task {task_id} of {dag_id}, run {run_id}, has no model with a quality report: it has not succeeded yet, "
            "was cleared, or trains none.",
        )
    return facts


def _download(facts: Mapping[str, Any]) -> bytes:
    hook = GretelHook(facts["gretel_conn_id"])
    model = hook.get_model(hook.get_project(facts["project_id"]), facts["model_id"])
    with hook.open_artifact(model, "report") as stream:
        return stream.read()
