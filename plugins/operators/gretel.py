"""Train a synthetic model with Gretel and generate data with it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator, BaseOperatorLink

from hooks.gretel import GretelHook
from hooks.gretel_errors import GretelError, GretelFatalError
from operators.gretel_config import load_model_config, with_settings
from operators.gretel_report_link import QualityReportLink
from triggers.gretel import GretelModelTrigger

if TYPE_CHECKING:
    from airflow.sdk import Context
    from airflow.sdk.types import TaskInstanceKey
    from gretel_client.projects import Project
    from gretel_client.projects.models import Model

    from operators.gretel_source import S3Source


class GretelConsoleLink(BaseOperatorLink):
    """Button on the task that opens the model in Gretel's console; empty where the endpoint has no console."""

    name = "Gretel model"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002
        """Give the link that the task stored when it knew its model."""
        from airflow.sdk.bases.xcom import BaseXCom

        link = BaseXCom.get_one(
            key=self.xcom_key,
            dag_id=ti_key.dag_id,
            task_id=ti_key.task_id,
            run_id=ti_key.run_id,
            map_index=ti_key.map_index,
        )
        return link or ""


class GretelSyntheticsOperator(BaseOperator):
    """Train a model on a CSV file of S3, wait in the triggerer, return the model's id.

    The model is named after DAG, run, task and a hash of config, data and record count. A model of that name that is at
    work or done is taken over, so a retry, a lost answer or a restarted worker never trains, or pays, twice. A user who
    clears, marks or stops the task cancels the model. The copy of the training data in Gretel's artifact store is kept
    for a completed model (delete it with `GretelHook.delete_training_data` after the release), and deleted otherwise.

    Returns `{"project_id", "model_id", "model_name", "num_records", "artifact_key", "gretel_conn_id", "extract"}`; read
    the data with `GretelHook.open_artifact(model, "data_preview")`. It never returns a link: whoever has a signed link
    has the data. The button *Quality report* opens the model's report in Airflow's web UI.

    :param model_config: Gretel model config, or a YAML file's path, absolute or relative to the DAG's folder or
        `template_searchpath`
    :param data_source: `s3://bucket/key` of the training data, `.csv` or `.csv.gz`
    :param data_sha256: hexadecimal SHA-256 of that object's bytes, checked on the way; without it S3's ETag stands for
        the content
    :param num_records: rows to generate
    :param quasi_identifiers: columns by which somebody might be recognized, for the self-hosted service's evaluation
    :param sensitive: columns that must not be inferable, for the same
    :param extract: facts about the extract, handed on in the result
    :param project: Gretel project (name, id or guid); the connection's if not given
    :param gretel_conn_id: Airflow connection to Gretel
    :param aws_conn_id: Airflow connection to S3
    :param poll_interval: seconds between two looks at the model
    :param timeout: how long one try waits, queueing in Gretel included; then the model is cancelled
    :param error_tolerance: how long Gretel may be out of reach before the task gives up (its retry attaches again)
    :param deferrable: wait in the triggerer; False waits on the worker
    """

    template_fields: Sequence[str] = (
        "model_config",
        "data_source",
        "data_sha256",
        "num_records",
        "quasi_identifiers",
        "sensitive",
        "extract",
        "project",
    )
    template_fields_renderers = {"model_config": "json", "extract": "json"}  # noqa: RUF012  # as in BaseOperator
    operator_extra_links = (QualityReportLink(), GretelConsoleLink())
    ui_color = "#e3d7f5"

    def __init__(
        self,
        *,
        model_config: dict[str, Any] | str,
        data_source: str,
        num_records: int | str,
        data_sha256: str | None = None,
        quasi_identifiers: Sequence[str] = (),
        sensitive: Sequence[str] = (),
        extract: dict[str, Any] | None = None,
        project: str | None = None,
        gretel_conn_id: str = GretelHook.default_conn_name,
        aws_conn_id: str = "aws_default",
        poll_interval: float = 10.0,
        timeout: timedelta = timedelta(hours=6),
        error_tolerance: timedelta = timedelta(minutes=15),
        deferrable: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.model_config = model_config
        self.data_source = data_source
        self.num_records = num_records
        self.data_sha256 = data_sha256
        self.quasi_identifiers = quasi_identifiers
        self.sensitive = sensitive
        self.extract = extract
        self.project = project
        self.gretel_conn_id = gretel_conn_id
        self.aws_conn_id = aws_conn_id
        self.poll_interval = poll_interval
        self.timeout = timeout
        self.error_tolerance = error_tolerance
        self.deferrable = deferrable
        self._killed = False
        self._claimed: tuple[GretelHook, Project, str] | None = None

    def execute(self, context: Context) -> dict[str, Any]:
        """Submit the model, or attach to it, and wait."""
        from gretel_client.projects.jobs import Status

        hook = GretelHook(self.gretel_conn_id)
        project = hook.get_project(self.project)
        model = self._submit(context, hook, project)
        facts = {
            "project_id": project.project_guid,
            "model_id": model.model_id,
            "model_name": model.name,
            "num_records": int(self.num_records),
            "artifact_key": model.data_source,
            "gretel_conn_id": self.gretel_conn_id,
            "extract": self.extract,
        }
        self._store_console_link(context, hook.console_url(project, str(model.model_id)))
        if model.status == Status.COMPLETED:
            return facts
        trigger = self._trigger(facts)
        if self.deferrable:
            self.defer(trigger=trigger, method_name="execute_complete", kwargs={"facts": facts})
        return self.execute_complete(context, self._wait(hook, trigger), facts)

    def execute_complete(self, context: Context, event: dict[str, Any], facts: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        """Return the facts of a completed model; explain every other end, and what to do.

        :param event: what the trigger fired
        :param facts: what `execute` found out
        """
        from operators.gretel_outcome import raise_unless_completed

        raise_unless_completed(GretelHook(self.gretel_conn_id), event, facts, waited=self.patience)
        self.log.info("Gretel model %s (%s) is completed", facts["model_name"], facts["model_id"])
        return facts

    def on_kill(self) -> None:
        """Cancel the model when the task is stopped on its worker, be it just being submitted."""
        from hooks.gretel_models import cancel_all

        self._killed = True  # seen between upload and submission
        if self._claimed is not None:
            cancel_all(*self._claimed)

    @property
    def patience(self) -> timedelta:
        """How long one try waits; Airflow itself does not apply `execution_timeout` to deferred tasks."""
        return min(self.timeout, self.execution_timeout) if self.execution_timeout else self.timeout

    def _submit(self, context: Context, hook: GretelHook, project: Project) -> Model:
        from hooks.gretel_models import cancel_all
        from operators.gretel_source import S3Source
        from operators.gretel_submission import model_name, submit_once

        records = self.records()
        config = load_model_config(self.model_config, self._config_folders())
        config = with_settings(config, num_records=records, evaluate=self._evaluate(hook))
        source = S3Source(self.data_source, self.aws_conn_id, self.data_sha256)
        ti = context["ti"]
        name = model_name((ti.dag_id, ti.run_id, ti.task_id, str(ti.map_index)), config, source.content_hash, records)
        self._claimed = (hook, project, name)
        model = submit_once(
            hook,
            project,
            name=name,
            config=config,
            upload=lambda: self._upload(hook, project, source, name),
            cancelled=lambda: self._killed,
        )
        if self._killed:
            cancel_all(hook, project, name)
            raise GretelError(f"The task was killed; Gretel model {name} was cancelled.")
        return model

    @staticmethod
    def _upload(hook: GretelHook, project: Project, source: S3Source, name: str) -> str:
        return hook.upload_training_data(project, name + source.suffix, source.open, source.size)

    def records(self) -> int:
        """Number of rows to generate, once rendered."""
        try:
            records = int(self.num_records)
        except (TypeError, ValueError):
            records = 0
        if records < 1:
            raise GretelFatalError(f"num_records is {self.num_records!r}, expected a whole number of 1 or more.")
        return records

    def _evaluate(self, hook: GretelHook) -> dict[str, Any]:
        """Settings that Gretel's hosted service does not know, and would refuse."""
        if hook.settings.hosted:
            return {}
        columns = {"quasi_identifiers": list(self.quasi_identifiers), "sensitive": list(self.sensitive)}
        return {name: value for name, value in columns.items() if value}

    def _config_folders(self) -> list[Path]:
        """Where Airflow looks for template files too."""
        searchpath = self.dag.template_searchpath or []
        extra = [searchpath] if isinstance(searchpath, str) else searchpath
        return [Path(folder) for folder in (self.dag.folder, *extra)]

    def _trigger(self, facts: dict[str, Any]) -> GretelModelTrigger:
        return GretelModelTrigger(
            gretel_conn_id=self.gretel_conn_id,
            project=facts["project_id"],
            model_id=facts["model_id"],
            model_name=facts["model_name"],
            poll_interval=self.poll_interval,
            deadline=time.time() + self.patience.total_seconds(),
            error_tolerance=self.error_tolerance.total_seconds(),
        )

    def _wait(self, hook: GretelHook, trigger: GretelModelTrigger) -> dict[str, Any]:
        """Wait on the worker."""
        watch = trigger.start_watch(hook)
        while True:
            look = watch.look()
            trigger.show(look)
            if look.outcome is not None:
                return look.outcome
            time.sleep(self.poll_interval)

    def _store_console_link(self, context: Context, url: str | None) -> None:
        if url:
            context["ti"].xcom_push(key=GretelConsoleLink().xcom_key, value=url)
