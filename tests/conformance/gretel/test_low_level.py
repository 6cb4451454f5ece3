"""Projects, artifacts, models and record handlers, as unmodified gretel-client uses them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import requests
from gretel_client.config import ClientConfig
from gretel_client.projects import Project, create_or_get_unique_project, create_project, get_project, search_projects
from gretel_client.projects.exceptions import (
    GretelProjectError,
    ModelNotFoundError,
    RecordHandlerNotFound,
    WaitTimeExceeded,
)
from gretel_client.projects.jobs import Status
from gretel_client.projects.models import Model
from gretel_client.projects.records import RecordHandler
from gretel_client.rest.exceptions import ApiException, UnauthorizedException
from gretel_client.users.users import get_me

from tests.conformance.gretel.conftest import TRAINING_SECONDS, plain_config
from tests.support.gretel_jobs import wait_for

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def generated(trained: Model) -> RecordHandler:
    handler = trained.create_record_handler_obj(params={"num_records": 75})
    handler.submit()
    assert wait_for(handler, seconds=TRAINING_SECONDS) == Status.COMPLETED, handler.errors
    return handler


@pytest.fixture
def short_lived(session: ClientConfig) -> Iterator[Project]:
    fresh = get_project(create=True, session=session)
    yield fresh
    if not fresh._deleted:
        fresh.delete()


# users and projects


def test_the_key_belongs_to_somebody(session: ClientConfig) -> None:
    me = get_me(session=session)

    assert "@" in me["email"]
    assert len(me["_id"]) == 24  # gretel-client makes unique names of its end
    assert session.email == me["email"]


def test_a_wrong_key_is_unauthorized(session: ClientConfig) -> None:
    stranger = ClientConfig(endpoint=session.endpoint, api_key="grtu" + "0" * 60)

    with pytest.raises(UnauthorizedException):
        get_me(session=stranger)


def test_a_project_is_found_by_name_id_and_guid(session: ClientConfig, project: Project) -> None:
    for reference in (project.name, project.project_id, project.project_guid):
        found = get_project(name=reference, session=session)
        assert (found.project_id, found.project_guid, found.name) == (
            project.project_id,
            project.project_guid,
            project.name,
        )
    assert project.info()["project"]["name"] == project.name
    assert project.name in [found.name for found in search_projects(query=project.name, session=session)]


def test_a_project_keeps_its_description(session: ClientConfig, short_lived: Project) -> None:
    name = f"described-{short_lived.project_id[:8]}"
    made = create_project(name=name, desc="What it is", display_name="Shown", session=session)
    try:
        found = get_project(name=name, session=session)
        assert (found.description, found.display_name) == ("What it is", "Shown")
        with pytest.raises(ApiException, match="already exists"):
            create_project(name=name, session=session)
    finally:
        made.delete()


def test_a_unique_project_is_made_once(session: ClientConfig, short_lived: Project) -> None:
    name = f"unique-{short_lived.project_id[:8]}"
    first = create_or_get_unique_project(name=name, session=session)
    try:
        assert create_or_get_unique_project(name=name, session=session).project_id == first.project_id
        assert first.name == f"{name}-{get_me(session=session)['_id'][9:]}"
    finally:
        first.delete()


def test_a_deleted_project_is_gone(session: ClientConfig, short_lived: Project) -> None:
    short_lived.delete()

    with pytest.raises(GretelProjectError):
        short_lived.get_console_url()
    with pytest.raises(GretelProjectError):
        get_project(name=short_lived.name, session=session)


def test_an_unknown_project_is_an_error(session: ClientConfig) -> None:
    with pytest.raises(GretelProjectError, match="Could not get project"):
        get_project(name="surely-not-there-0123456789", session=session)


# artifacts


def test_an_artifact_is_uploaded_read_listed_and_deleted(
    short_lived: Project, frame: pd.DataFrame, tmp_path: Path
) -> None:
    path = tmp_path / "bookings.csv"
    frame.to_csv(path, index=False)
    key = short_lived.upload_artifact(str(path))

    assert key.startswith("gretel_")
    assert key.endswith("_bookings.csv")
    assert [artifact["key"] for artifact in short_lived.artifacts] == [key]
    assert short_lived.get_artifact_manifest(key)["status"] == "completed"
    pd.testing.assert_frame_equal(pd.read_csv(short_lived.get_artifact_link(key)), frame)
    with short_lived.get_artifact_handle(key) as file:
        assert file.read() == path.read_bytes()

    short_lived.delete_artifact(key)
    assert short_lived.artifacts == []


# models


def test_a_completed_model_shows_what_it_is(trained: Model) -> None:
    trained.refresh()

    assert (trained.name, trained.model_type, trained.runner_mode) == ("conformance-actgan", "actgan", "cloud")
    assert trained.errors is None
    assert trained.traceback is None
    assert trained.is_cloud_model
    assert str(trained.data_source).startswith("gretel_")
    assert {"schema_version", "name", "models"} <= set(trained.model_config)
    assert isinstance(trained.billing_details, dict)
    assert trained.container_image


def test_logs_are_numbered_and_staged(trained: Model) -> None:
    trained.refresh()

    assert [line["seq"] for line in trained.logs] == sorted({line["seq"] for line in trained.logs})
    assert {"pre", "train"} <= {line["stage"] for line in trained.logs}
    for line in trained.logs:
        assert set(line) >= {"ts", "msg", "ctx", "seq", "stage"}
        assert isinstance(line["ctx"], dict)


def test_the_preview_has_the_rows_asked_for(trained: Model, frame: pd.DataFrame) -> None:
    preview = pd.read_csv(trained.get_artifact_link("data_preview"), compression="gzip")

    assert list(preview.columns) == list(frame.columns)
    assert len(preview) == 120
    assert set(preview["language"].dropna()) <= set(frame["language"])


def test_the_report_can_be_peeked_into_summed_up_and_read(trained: Model) -> None:
    peeked, summary = trained.peek_report(), trained.get_report_summary()

    assert peeked is not None
    assert {"raw_score", "grade", "score"} <= set(peeked["synthetic_data_quality_score"])
    assert {"field_correlation_stability", "field_distribution_stability", "principal_component_stability"} <= set(
        peeked
    )
    assert summary is not None
    assert {"synthetic_data_quality_score"} <= {item["field"] for item in summary["summary"]}
    with trained.get_artifact_handle("report") as file:
        assert b"<html" in file.read().lower()


def test_artifact_links_need_no_key(trained: Model) -> None:
    for kind in ("data_preview", "report", "report_json", "model_logs", "model"):
        assert requests.get(trained.get_artifact_link(kind), timeout=60).ok, kind


def test_everything_can_be_downloaded(trained: Model, tmp_path: Path) -> None:
    trained.download_artifacts(tmp_path)

    names = {path.name for path in tmp_path.iterdir()}
    assert {"data_preview.gz", "report_json.json.gz", "logs.json.gz"} <= names
    assert "model.tar.gz" not in names  # gretel-client leaves it out


def test_the_log_artifact_is_one_object_a_line(trained: Model) -> None:
    with trained.get_artifact_handle("model_logs") as file:
        lines = [json.loads(line) for line in file]

    assert [line["msg"] for line in lines] == [line["msg"] for line in trained.logs]


def test_a_model_is_found_by_part_of_its_name(project: Project, trained: Model) -> None:
    found = list(project.search_models(factory=dict, model_name="formance-act", limit=10))

    assert [model["uid"] for model in found] == [trained.model_id]
    assert [model.model_id for model in project.search_models(model_name="conformance-actgan")] == [trained.model_id]
    assert list(project.search_models(factory=dict, model_name="no-such-model")) == []
    assert trained.model_id in [m["uid"] for m in project.search_models(factory=dict, status="completed")]


def test_an_unknown_model_is_not_found(project: Project) -> None:
    with pytest.raises(ModelNotFoundError):
        project.get_model("0123456789abcdef01234567")


def test_a_dry_run_checks_and_makes_nothing(project: Project, frame: pd.DataFrame) -> None:
    model = project.create_model_obj(plain_config(name="only-checked"), data_source=frame)

    model.submit(dry_run=True)

    assert list(project.search_models(factory=dict, model_name="only-checked")) == []


def test_an_unknown_model_type_is_refused(project: Project, frame: pd.DataFrame) -> None:
    with pytest.raises(ApiException) as error:
        project.create_model_obj(plain_config("no_such_type"), data_source=frame).submit()
    assert error.value.status == 400


def test_a_missing_models_section_is_refused(project: Project) -> None:
    api = project.projects_api
    with pytest.raises(ApiException) as error:
        api.create_model(project_id=project.project_guid, body={"schema_version": "1.0", "name": "empty"})
    assert error.value.status == 400


def test_waiting_can_give_up_and_the_job_can_be_cancelled(project: Project, frame: pd.DataFrame) -> None:
    settings = {"params": {"epochs": 500}, "generate": {"num_records": 50}}
    model = project.create_model_obj(
        plain_config(name="to-be-cancelled", **settings), data_source=pd.concat([frame] * 400)
    )
    model.submit()
    with pytest.raises(WaitTimeExceeded):
        list(model.poll_logs_status(wait=0))

    model.cancel()

    assert wait_for(model) == Status.CANCELLED
    model.delete()
    with pytest.raises(ModelNotFoundError):
        model.refresh()


# record handlers


def test_a_record_handler_generates_the_rows_asked_for(generated: RecordHandler, frame: pd.DataFrame) -> None:
    rows = pd.read_csv(generated.get_artifact_link("data"), compression="gzip")

    assert len(rows) == 75
    assert list(rows.columns) == list(frame.columns)
    assert generated.params is not None
    assert generated.params["num_records"] == 75
    assert generated.errors is None


def test_record_handlers_are_listed_and_found(trained: Model, generated: RecordHandler) -> None:
    assert generated.record_id in [handler.record_id for handler in trained.get_record_handlers()]
    found = trained.get_record_handler(str(generated.record_id))
    assert (found.status, found.model_type) == (Status.COMPLETED, "actgan")


def test_a_deleted_record_handler_is_gone(trained: Model) -> None:
    handler = trained.create_record_handler_obj(params={"num_records": 5})
    handler.submit()
    wait_for(handler, seconds=TRAINING_SECONDS)

    handler.delete()

    with pytest.raises(RecordHandlerNotFound):
        handler.refresh()
