"""Gretel through an Airflow connection, with the unmodified gretel-client."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, BinaryIO

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowException

from hooks.gretel_errors import GretelFatalError, GretelUnavailableError, clear_errors
from hooks.gretel_settings import GretelSettings

if TYPE_CHECKING:
    from gretel_client.config import ClientConfig
    from gretel_client.projects import Project
    from gretel_client.projects.models import Model

UPLOAD_TRIES = 3
UPLOAD_DELAY = 1.0  # seconds, doubled each time


class GretelHook(BaseHook):
    """Projects, models and artifacts of one Gretel endpoint.

    Each hook has a client configuration of its own: two hooks with different keys or endpoints live side by side, in
    threads too. Every failure is a `GretelError` (a retry can help) or a `GretelFatalError` (it cannot); both name the
    connection and the remedy.

    :param gretel_conn_id: connection with the endpoint as host, the API key as password, and extras; see
        docs/gretel-connection.md
    """

    conn_name_attr = "gretel_conn_id"
    default_conn_name = "gretel_default"
    conn_type = "gretel"
    hook_name = "Gretel"

    def __init__(self, gretel_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.gretel_conn_id = gretel_conn_id

    @cached_property
    def settings(self) -> GretelSettings:
        """What the connection says, read once."""
        return GretelSettings.from_connection(self.get_connection(self.gretel_conn_id))

    @cached_property
    def _session(self) -> ClientConfig:
        from hooks.gretel_session import GretelSession

        return GretelSession(self.settings)

    def get_conn(self) -> ClientConfig:
        """Give the client configuration that gretel_client's own functions take as `session`."""
        return self._session

    def test_connection(self) -> tuple[bool, str]:
        """Ask who the key belongs to and look up the default project; `(worked, message)` for the connection form."""
        try:
            with self.errors("log in"):
                message = f"Logged in to {self.settings.endpoint} as {self._session.email}"
            if self.settings.project:
                message += f"; project '{self.default_project.name}' found"
        except AirflowException as exc:
            return False, str(exc)
        return True, message

    # Projects

    def get_project(self, name: str | None = None) -> Project:
        """Look up a project.

        :param name: name, id or guid; the connection's project if not given
        """
        from gretel_client.projects import get_project

        name = name or self.settings.project
        if not name:
            raise GretelFatalError(
                f"Gretel (connection {self.gretel_conn_id}): no project. Name one in the connection's extra `project`, "
                "or give the task's `project`."
            )
        with self.errors(f"look up project '{name}'"):
            return get_project(name=name, session=self._session)

    @property
    def default_project(self) -> Project:
        """The project that the connection names."""
        return self.get_project()

    def create_project(
        self, name: str | None = None, *, display_name: str | None = None, desc: str | None = None
    ) -> Project:
        """Create a project; a name that exists is an error.

        :param name: 5 to 63 letters, digits and dashes; chosen by Gretel if not given
        """
        from gretel_client.projects import create_project

        with self.errors(f"create project '{name or '(unnamed)'}'"):
            return create_project(name=name, display_name=display_name, desc=desc, session=self._session)

    # Models

    def submit_model(self, project: Project, config: dict[str, Any], *, name: str, data_source: str) -> Model:
        """Start training, with exactly one request; see `submit_once` for what keeps a lost answer from costing twice.

        :param config: Gretel model config
        :param name: the model's name
        :param data_source: artifact key of the training data
        """
        with self.errors(f"submit model '{name}' to project '{project.name}'"):
            model = project.create_model_obj(copy.deepcopy(config), data_source=data_source)
            model.name = name
            return model.submit()

    def get_model(self, project: Project, model_id: str) -> Model:
        """Read a model with its status and logs, in one request; `refresh_model` reads it again."""
        with self.errors(f"read model {model_id} of project '{project.name}'"):
            return project.get_model(model_id)

    def refresh_model(self, model: Model) -> None:
        """Read status and logs of a model anew, in one request."""
        with self.errors(f"read model {model.model_id} of project '{model.project.name}'"):
            model.refresh()

    def cancel_model(self, model: Model) -> bool:
        """Cancel a model that is not yet at its end; whether there was something to cancel."""
        from gretel_client.projects.jobs import END_STATES

        with self.errors(f"cancel model {model.model_id} of project '{model.project.name}'"):
            if model.status in END_STATES:
                return False
            model.cancel()
        self.log.info("Cancelled Gretel model %s (%s)", model.name, model.model_id)
        return True

    def console_url(self, project: Project, model_id: str) -> str | None:
        """Web page of a model, where there is one: at Gretel's hosted service."""
        return f"{project.get_console_url()}/models/{model_id}" if self.settings.hosted else None

    # Artifacts

    def upload_training_data(
        self, project: Project, filename: str, open_source: Callable[[], AbstractContextManager[BinaryIO]], size: int
    ) -> str:
        """Stream a file into the project's artifact store.

        :param filename: what Gretel calls it; the suffix says the format (`.csv`, `.csv.gz`)
        :param open_source: opens the file anew for each try
        :param size: of the file, in bytes
        :return: the artifact's key, to be used as a model's data source
        """
        from hooks.gretel_artifacts import put_stream

        for attempt in range(1, UPLOAD_TRIES + 1):
            key, url = self._create_artifact(project, filename)
            try:
                with open_source() as source:
                    put_stream(self.settings, url, source, size, filename)
            except BaseException as exc:
                self.discard_artifact(project, key)
                if attempt == UPLOAD_TRIES or not isinstance(exc, GretelUnavailableError):
                    raise
                self.log.warning("%s Trying again.", exc)
                time.sleep(UPLOAD_DELAY * 2 ** (attempt - 1))
            else:
                return key
        raise AssertionError("unreachable")

    def _create_artifact(self, project: Project, filename: str) -> tuple[str, str]:
        """Announce a file; its key, and the signed link to send it to."""
        from gretel_client.rest.model.artifact import Artifact

        with self.errors(f"upload '{filename}' to project '{project.name}'"):
            answer = project.projects_api.create_artifact(
                project_id=project.project_guid, artifact=Artifact(filename=filename)
            )
        return answer["data"]["key"], answer["data"]["url"]

    def discard_artifact(self, project: Project, key: str) -> None:
        """Delete an upload that went wrong, while another error is on its way."""
        try:
            self.delete_artifact(project, key)
        except AirflowException as exc:
            self.log.warning("Personal data may be left in Gretel's artifact %s: %s", key, exc)

    def delete_artifact(self, project: Project, key: str) -> None:
        """Delete a file from the project's artifact store; one that is gone already is no error."""
        from gretel_client.rest.exceptions import NotFoundException

        with self.errors(f"delete artifact '{key}' of project '{project.name}'"):
            try:
                project.delete_artifact(key)
            except NotFoundException:
                return
        self.log.info("Deleted artifact %s from Gretel project %s", key, project.name)

    def delete_training_data(self, project: Project, model_name: str) -> list[str]:
        """Delete every copy of a model's training data, those of interrupted tries too.

        :return: the keys deleted
        """
        with self.errors(f"list the artifacts of project '{project.name}'"):
            keys = [artifact["key"] for artifact in project.artifacts]
        keys = [key for key in keys if f"_{model_name}." in key]
        for key in keys:
            self.delete_artifact(project, key)
        return keys

    @contextmanager
    def open_artifact(self, model: Model, artifact_type: str) -> Iterator[BinaryIO]:
        """Stream what a model made, decompressed.

        :param artifact_type: such as `data_preview`, `report` or `report_json`
        :raises GretelError: when the stream ends before its time
        """
        from hooks.gretel_artifacts import open_stream

        what = f"{artifact_type} of model {model.model_id}"
        with clear_errors(f"open {what}", self.settings, if_missing="The model did not make it, or it was deleted."):
            url = model.get_artifact_link(artifact_type)
        with open_stream(self.settings, url, what) as stream:
            yield stream

    def get_report(self, model: Model) -> dict[str, Any]:
        """Read a model's quality report (its `report_json`)."""
        with self.open_artifact(model, "report_json") as stream:
            text = stream.read()
        try:
            report = json.loads(text)
        except ValueError as exc:
            raise GretelFatalError(f"report_json of Gretel model {model.model_id} is not JSON: {exc}") from exc
        if not isinstance(report, dict):
            raise GretelFatalError(
                f"report_json of Gretel model {model.model_id} is a {type(report).__name__}, no object"
            )
        return report

    def errors(self, doing: str) -> AbstractContextManager[None]:
        """Name this connection, and the remedy, in whatever goes wrong inside the block; see `clear_errors`."""
        return clear_errors(doing, self.settings)
