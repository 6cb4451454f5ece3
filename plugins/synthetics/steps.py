"""What the tasks of a synthetic-features pipeline do; dags/factories/synthetic_features.py says in which order."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from airflow.providers.postgres.hooks.postgres import PostgresHook
from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowFailException

from hooks.default_bucket import default_bucket
from hooks.gretel import GretelHook
from synthetics import quality_gate
from synthetics import release as releases
from synthetics.feature_query import FeatureQueryError, read_feature_query
from synthetics.gate_table import as_markdown
from synthetics.provenance import approval_of, engine_of, json_sha256, scores_of
from synthetics.subjects import SUBJECTS, SubjectKey
from transfers.extract_errors import DestinationRefusedError, EmptyExtractError, EntityKeyError, QueryError
from transfers.postgres_to_s3 import copy_query_to_s3
from transfers.s3_object import clear_s3_errors

if TYPE_CHECKING:
    from gretel_client.projects.models import Model
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CopySourceTypeDef

log = logging.getLogger(__name__)


def extract(
    sql_file: Path,
    context: Mapping[str, Any],
    *,
    postgres_conn_id: str,
    aws_conn_id: str,
    subjects_conn_id: str | None = None,
) -> dict[str, Any]:
    """Copy the query's result to S3, without the entity key.

    A retry overwrites the object of its own run and no other.

    :param sql_file: a feature query, see docs/feature-sql.md.
    :param subjects_conn_id: a connection whose password keys the list of subjects; without it there is no list.
    :return: facts of the extract for the later tasks; no row, no key value, no link.
    """
    s3 = S3Hook(aws_conn_id)
    folder = releases.run_folder("raw", context["dag"].dag_id, context["run_id"])
    subject_key = None if subjects_conn_id is None else _subject_key(subjects_conn_id, context)
    try:
        query = read_feature_query(sql_file).render({"params": context["params"]})
        extracted = copy_query_to_s3(
            connect=PostgresHook(postgres_conn_id).get_conn,
            query=query,
            s3_client=s3.get_conn(),
            bucket=default_bucket(s3),
            key=f"{folder}/features.csv",
            source_name=postgres_conn_id,
            subject_key=subject_key,
        )
    except (FeatureQueryError, QueryError, EmptyExtractError, EntityKeyError, DestinationRefusedError) as error:
        raise AirflowFailException(str(error)) from error  # a retry would fail the same way
    return {
        **extracted.to_dict(),
        "uri": f"s3://{extracted.bucket}/{extracted.key}",
        "conn_id": postgres_conn_id,
        "sql_file": sql_file.name,
        "entity_key": query.entity_key,
        "quasi_identifiers": list(query.quasi_identifiers),
        "sensitive": list(query.sensitive),
    }


def _subject_key(conn_id: str, context: Mapping[str, Any]) -> SubjectKey:
    scope = releases.run_folder("released", context["dag"].dag_id, context["run_id"])
    try:
        return SubjectKey(BaseHook.get_connection(conn_id).password or "", scope)
    except ValueError as error:
        raise AirflowFailException(
            f"connection {conn_id!r} keys the list of subjects by its password: {error}"
        ) from None


def evaluate(
    generated: Mapping[str, Any],
    context: Mapping[str, Any],
    *,
    thresholds: quality_gate.Thresholds,
    gretel_conn_id: str,
) -> dict[str, Any]:
    """Hold the model's quality report against the run's thresholds.

    :param thresholds: the pipeline's; the run's trigger form may have others.
    :return: the decisions, for the release manifest, and as a table for whoever approves.
    :raises GateError: anything is missing or too low.
    """
    hook = GretelHook(gretel_conn_id)
    model = hook.get_model(hook.get_project(generated["project_id"]), generated["model_id"])
    log.info("the report as a page: button Quality report under Details of the task that generated the data")
    report = hook.get_report(model)
    decisions = quality_gate.decide(
        report,
        thresholds.with_params(context["params"]),
        model_id=generated["model_id"],
        num_records=generated["num_records"],
        columns=[column["name"] for column in generated["extract"]["columns"]],
    )
    gates = [asdict(decision) for decision in decisions]
    return {
        "model_id": generated["model_id"],
        "report_sha256": json_sha256(report),
        "gates": gates,
        "table": as_markdown(gates),
    }


def release(
    generated: Mapping[str, Any],
    decision: Mapping[str, Any],
    approval: Mapping[str, Any] | None,
    context: Mapping[str, Any],
    *,
    gretel_conn_id: str,
    aws_conn_id: str,
) -> dict[str, Any]:
    """Stream the model's synthetic rows to S3, its report beside them, and the manifest last.

    :param decision: what `evaluate` returned.
    :param approval: what the approval task returned; None in a pipeline that asks nobody.
    :return: the manifest, with its own address and the connection by which it is read.
    """
    if decision["model_id"] != generated["model_id"]:
        raise quality_gate.GateError(
            f"the gate decided on model {decision['model_id']}, this run generated with {generated['model_id']}: "
            "clear evaluate_synthetic_features as well"
        )
    hook = GretelHook(gretel_conn_id)
    model = hook.get_model(hook.get_project(generated["project_id"]), generated["model_id"])
    s3 = S3Hook(aws_conn_id)
    client: S3Client = s3.get_conn()
    bucket = default_bucket(s3)
    pipeline = context["dag"].dag_id
    folder = releases.run_folder("released", pipeline, context["run_id"])
    with clear_s3_errors(f"release to s3://{bucket}/{folder}"):
        releases.withdraw(client, bucket, folder)
        page = _read(hook, model, "report")
        stored = _read(hook, model, "report_json")
        report = json.loads(stored)
        if json_sha256(report) != decision["report_sha256"]:
            raise AirflowFailException(
                f"nothing is released: the quality report of model {generated['model_id']} is not the one that the "
                "gate decided on. Clear evaluate_synthetic_features, which decides on the present one."
            )
        files = {
            name: releases.write_file(client, bucket, folder, name, body)
            for name, body in ((releases.QUALITY_PAGE, page), (releases.QUALITY_REPORT, stored))
        }
        if subjects := generated["extract"].get("subjects"):
            files[SUBJECTS] = _copy_subjects(client, bucket, subjects, folder)
        with hook.open_artifact(model, "data_preview") as stream:
            data = releases.write_data(
                stream,
                client=client,
                bucket=bucket,
                folder=folder,
                key_column=generated["extract"]["entity_key"],
                key_prefix=f"synthetic-{generated['model_id'][-8:]}",
                types={column["name"]: column["type"] for column in generated["extract"]["columns"]},
                rows=generated["num_records"],
            )
        facts = {
            "pipeline": pipeline,
            "run_id": context["run_id"],
            "params": dict(context["params"]),
            "files": files,
            "extract": generated["extract"],
            "model": {
                **{name: value for name, value in generated.items() if name != "extract"},
                "config": model.model_config,
                "config_sha256": json_sha256(model.model_config),
                "engine": engine_of(report),
            },
            "scores": scores_of(report),
            "gates": decision["gates"],
            "approval": None if approval is None else approval_of(approval),
        }
        manifest = releases.write_manifest(client, bucket, folder, data, facts)
    log.info("released %s rows: %s", data.rows, data.uri)
    return {**manifest, "manifest_uri": f"s3://{bucket}/{folder}/{releases.MANIFEST}", "aws_conn_id": aws_conn_id}


def _copy_subjects(client: S3Client, bucket: str, subjects: Mapping[str, Any], folder: str) -> dict[str, Any]:
    source: CopySourceTypeDef = {"Bucket": bucket, "Key": subjects["key"]}
    target = f"{folder}/{SUBJECTS}"
    try:
        client.copy_object(Bucket=bucket, Key=target, CopySource=source)
    except client.exceptions.NoSuchKey:
        client.head_object(Bucket=bucket, Key=target)  # released before, and the raw data are deleted since
    return {"bytes": subjects["bytes"], "sha256": subjects["sha256"]}


def _read(hook: GretelHook, model: Model, artifact: str) -> bytes:
    with hook.open_artifact(model, artifact) as stream:
        return stream.read()


def delete_raw(manifest: Mapping[str, Any], *, gretel_conn_id: str, aws_conn_id: str) -> None:
    """Delete the real rows behind a release from S3 and from Gretel; what is gone already is no error."""
    extracted, model = manifest["extract"], manifest["model"]
    client: S3Client = S3Hook(aws_conn_id).get_conn()
    with clear_s3_errors(f"delete {extracted['uri']}"):
        client.delete_object(Bucket=extracted["bucket"], Key=extracted["key"])
        if subjects := extracted.get("subjects"):  # the release has a copy
            client.delete_object(Bucket=extracted["bucket"], Key=subjects["key"])
    hook = GretelHook(gretel_conn_id)
    deleted = hook.delete_training_data(hook.get_project(model["project_id"]), model["model_name"])
    log.info("deleted %s and %s", extracted["uri"], json.dumps(deleted))
