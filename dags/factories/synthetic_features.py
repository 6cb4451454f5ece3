"""The one wiring of every synthetic-features pipeline: a feature query in, a gated synthetic data set out.

extract_features → generate_synthetic_features ───────────────────────→ upload_synthetic_features → delete_raw_features
                                              ↘ evaluate_synthetic_features ↗

With `approval`, a person decides last:       ↘ evaluate_synthetic_features → approve_release ↗
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import DAG, Asset, Param, XComArg, dag, task

from operators.gretel import GretelSyntheticsOperator
from synthetics.feature_query import read_feature_query
from synthetics.quality_gate import SELF_HOSTED, Thresholds

REPOSITORY = Path(__file__).resolve().parents[2]
FEATURE_QUERIES = REPOSITORY / "sql" / "features"
MODEL_CONFIGS = REPOSITORY / "dags" / "model_configs"


def synthetic_features(
    dag_id: str,
    *,
    doc_md: str,
    owner: str,
    sql_file: str,
    model_config: str = "tabular-actgan.yml",
    num_records: int = 5000,
    row_limit: int = 5000,
    thresholds: Thresholds = SELF_HOSTED,
    approval: timedelta | None = None,
    subjects_conn_id: str | None = None,
    postgres_conn_id: str = "bookings_db",
    gretel_conn_id: str = "gretel_default",
    aws_conn_id: str = "aws_default",
) -> DAG:
    """Build a pipeline that releases synthetic features of one query.

    :param dag_id: also names the release folder `released/<dag_id>/` and the asset `synthetic_features/<dag_id>`.
    :param sql_file: default query, a file of sql/features; its front matter names the entity key.
    :param model_config: default model configuration, a file of dags/model_configs.
    :param num_records: synthetic rows to generate.
    :param row_limit: most rows to train on.
    :param thresholds: what the quality report has to show before anything is released.
    :param approval: how long a person has to approve a release that passed the gate, under *Required Actions* in the
        web UI; a rejection fails the run, and so does no answer. None asks nobody.
    :param subjects_conn_id: connection whose password keys a list of the training subjects in the release, which tells
        who has that secret whose data were used (docs/release-manifest.md). None makes no list.
    :raises FeatureQueryError: the default query's file is wrong, which Airflow shows as an import error.
    """
    description = read_feature_query(FEATURE_QUERIES / sql_file).description
    released = Asset(f"synthetic_features/{dag_id}")

    @dag(
        dag_id=dag_id,
        description=description,
        doc_md=doc_md,
        schedule=None,
        catchup=False,
        is_paused_upon_creation=False,  # it runs when triggered only; a run of a paused DAG would wait unseen
        default_args={"owner": owner, "retries": 2, "retry_delay": timedelta(seconds=30)},
        tags=["synthetic-data"],
        params={
            "sql_file": Param(sql_file, enum=_names(FEATURE_QUERIES, "*.sql"), title="Feature query"),
            "row_limit": Param(row_limit, type="integer", minimum=1, title="Most rows to train on"),
            "num_records": Param(num_records, type="integer", minimum=1, title="Synthetic rows to generate"),
            "model_config": Param(model_config, enum=_names(MODEL_CONFIGS, "*.yml"), title="Model configuration"),
            **thresholds.as_params(),
        },
    )
    def pipeline() -> None:
        @task(multiple_outputs=True)
        def extract_features(**context: Any) -> dict[str, Any]:
            """Copy the query's result from PostgreSQL to S3, without the entity key."""
            from synthetics.steps import extract

            return extract(
                FEATURE_QUERIES / context["params"]["sql_file"],
                context,
                postgres_conn_id=postgres_conn_id,
                aws_conn_id=aws_conn_id,
                subjects_conn_id=subjects_conn_id,
            )

        @task(multiple_outputs=False)
        def evaluate_synthetic_features(generated: dict[str, Any], **context: Any) -> dict[str, Any]:
            """Hold the model's quality report against the thresholds; fail if anything is missing or too low."""
            from synthetics.steps import evaluate

            return evaluate(generated, context, thresholds=thresholds, gretel_conn_id=gretel_conn_id)

        @task(outlets=[released], multiple_outputs=False)
        def upload_synthetic_features(
            generated: dict[str, Any], decision: dict[str, Any], approval: dict[str, Any] | None = None, **context: Any
        ) -> dict[str, Any]:
            """Stream the synthetic rows to S3 and write the manifest that makes them a release."""
            from synthetics.steps import release

            manifest = release(
                generated, decision, approval, context, gretel_conn_id=gretel_conn_id, aws_conn_id=aws_conn_id
            )
            context["outlet_events"][released].extra = manifest
            return manifest

        @task(retries=5)
        def delete_raw_features(manifest: dict[str, Any]) -> None:
            """Delete the real rows from S3 and from Gretel."""
            from synthetics.steps import delete_raw

            delete_raw(manifest, gretel_conn_id=gretel_conn_id, aws_conn_id=aws_conn_id)

        extracted = extract_features()
        generate = GretelSyntheticsOperator(
            task_id="generate_synthetic_features",
            model_config="model_configs/{{ params.model_config }}",
            data_source=extracted["uri"],
            data_sha256=extracted["sha256"],
            quasi_identifiers=extracted["quasi_identifiers"],
            sensitive=extracted["sensitive"],
            extract=extracted,  # its facts travel on with the model's
            num_records="{{ params.num_records }}",
            gretel_conn_id=gretel_conn_id,
            aws_conn_id=aws_conn_id,
        )
        decision = evaluate_synthetic_features(generate.output)
        approved = _ask_for_approval(approval, decision) if approval else None
        delete_raw_features(upload_synthetic_features(generate.output, decision, approved))

    return pipeline()


def _ask_for_approval(patience: timedelta, decision: XComArg) -> XComArg:
    """Add the task that waits for a person, after the gate."""
    approve_release = ApprovalOperator(
        task_id="approve_release",
        subject="Release the synthetic data of {{ dag.dag_id }}, run {{ run_id }}?",
        body="{{ ti.xcom_pull(task_ids='evaluate_synthetic_features')['table'] }}",
        defaults=ApprovalOperator.REJECT,  # no answer in time is a no
        response_timeout=patience,
        fail_on_reject=True,  # otherwise the run would be green without a release
        retries=0,  # a no stays a no
    )
    decision >> approve_release
    return approve_release.output


def _names(folder: Path, pattern: str) -> list[str]:
    return sorted(path.name for path in folder.glob(pattern))
