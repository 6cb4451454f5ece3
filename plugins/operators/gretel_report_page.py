"""A model's quality report inside Airflow's web UI, behind Airflow's own login and permissions.

An operator link is stored as an XCom when its task ends, so it can hold no signed link: that would be a secret, and
expired. The stored link leads here. The signed link is made when somebody clicks, used by the api-server and shown to
nobody. Where Gretel is away, or the model was deleted there, the copy on S3 is shown that the same run released. The
page comes in a sandbox of its own: scripts of a report (Gretel's hosted service has some) cannot act for
the user who reads it.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.common.db.common import SessionDep
from airflow.api_fastapi.core_api.security import requires_access_dag
from airflow.models.xcom import XComModel
from airflow.sdk.exceptions import AirflowException
from botocore.exceptions import BotoCoreError, ClientError
from fastapi import Depends, FastAPI, HTTPException, Response

from hooks.gretel import GretelHook
from operators.gretel_report_link import PAGE
from synthetics.release import QUALITY_PAGE

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

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
        log.warning("no quality report of %s, run %s, from Gretel: %s", dag_id, run_id, error)
        manifest = _manifest(session, dag_id, run_id, facts["model_id"])
        if manifest is None:
            raise HTTPException(502, f"The quality report cannot be fetched. {error}") from error
        page = _released(manifest)
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


def _manifest(session: Any, dag_id: str, run_id: str, model_id: str) -> Mapping[str, Any] | None:
    """Find what a task of the run returned about a release of this model; None if there is none."""
    for found in session.scalars(XComModel.get_many(key="return_value", dag_ids=dag_id, run_id=run_id)):
        value = XComModel.deserialize_value(found)
        if (
            isinstance(value, Mapping)
            and value.keys() >= {"manifest_uri", "aws_conn_id", "files", "model"}
            and value["model"]["model_id"] == model_id
        ):
            return value
    return None


def _released(manifest: Mapping[str, Any]) -> bytes:
    """Read the released copy, which must still be the one that was released."""
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook

    uri = f"{manifest['manifest_uri'].rpartition('/')[0]}/{QUALITY_PAGE}"
    bucket, key = urlsplit(uri).netloc, urlsplit(uri).path.lstrip("/")
    client: S3Client = S3Hook(manifest["aws_conn_id"]).get_conn()
    try:
        page = client.get_object(Bucket=bucket, Key=key)["Body"].read()
    except (BotoCoreError, ClientError) as error:
        log.warning("no quality report from %s: %s", uri, error)
        raise HTTPException(502, f"Neither Gretel nor {uri} gives the quality report: {error}") from error
    if hashlib.sha256(page).hexdigest() != manifest["files"][QUALITY_PAGE]["sha256"]:
        raise HTTPException(502, f"{uri} is not the quality report that was released: it was changed since.")
    return page
