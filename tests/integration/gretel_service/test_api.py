"""The API's edges, by unmodified gretel-client where it would send such a request, else by hand."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd
import pytest
from gretel_client.projects import Project, get_project, search_projects
from gretel_client.projects.exceptions import DiscontinuedModelException, GretelProjectError, ModelNotFoundError
from gretel_client.projects.jobs import Status
from gretel_client.projects.models import Model
from gretel_client.rest.api.projects_api import ProjectsApi
from gretel_client.rest.exceptions import ApiException, NotFoundException, UnauthorizedException
from gretel_client.rest.model.project_invite import ProjectInvite
from gretel_client.users.users import get_me

from tests.integration.gretel_service.conftest import ALICE, ALICE_AGAIN, BOB, ServiceProcess
from tests.support.gretel_jobs import config, messages, wait_for
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def trained(shared: ServiceProcess, frame: pd.DataFrame) -> Model:
    """A completed model, with its report."""
    model = shared.project("trained").create_model_obj(config(evaluate={"seed": 7}), data_source=frame)
    assert wait_for(model.submit()) == Status.COMPLETED, model.errors
    return model


@pytest.fixture
def key(project: Project, frame: pd.DataFrame) -> str:
    """An uploaded artifact."""
    return project.upload_artifact(frame)


# keys and users


@pytest.mark.parametrize(
    ("header", "text"),
    [
        (None, "no API key"),
        ("grtu" + "x" * 40, "not valid"),
        (f"Bearer {ALICE}", "without a scheme such as Bearer"),
        (ALICE[:-1], "not valid"),
        ("grtü", "not valid"),
    ],
)
def test_a_request_without_a_known_key_is_turned_away(shared: ServiceProcess, header: str | None, text: str) -> None:
    response = shared.call("GET", "/projects", key=header.encode() if header else None)  # type: ignore[arg-type]

    assert response.status_code == 401
    assert response.json()["message"].startswith("Unauthorized")
    assert text in response.json()["message"]


def test_the_client_knows_a_wrong_key_as_such(shared: ServiceProcess) -> None:
    with pytest.raises(UnauthorizedException):
        get_me(session=shared.session("grtu" + "x" * 40))


def test_two_keys_of_one_person_are_one_user(shared: ServiceProcess) -> None:
    first, second = get_me(session=shared.session(ALICE)), get_me(session=shared.session(ALICE_AGAIN))

    assert first == second == {"_id": first["_id"], "email": "alice@example.org"}
    assert len(first["_id"]) == 24


def test_keys_are_never_logged(shared: ServiceProcess, trained: Model) -> None:
    shared.call("GET", "/projects", key="grtu" + "x" * 40)
    trained.get_artifact_link("report")
    log = shared.log.read_text()

    assert "/projects" in log
    for secret in (ALICE, ALICE_AGAIN, BOB, "grtu" + "x" * 40, "sig=", "alice@example.org"):
        assert secret not in log


def test_no_request_writes_lines_of_its_own_into_the_log(shared: ServiceProcess) -> None:
    shared.call("GET", "/nowhere%0aFAKE%20LINE")

    line = wait_until(lambda: re.search(r".*nowhere.*", shared.log.read_text()), "the request to be logged")
    assert "GET /nowhere%0aFAKE%20LINE 404" in line[0].replace("%0A", "%0a")


# projects


def test_others_projects_are_as_if_they_were_not_there(shared: ServiceProcess, project: Project, key: str) -> None:
    bob = shared.session(BOB)
    for reference in (project.name, project.project_id, project.project_guid):
        with pytest.raises(GretelProjectError):
            get_project(name=reference, session=bob)
    assert project.name not in [found.name for found in search_projects(session=bob)]
    for method, path in [
        ("GET", f"/projects/{project.project_guid}/artifacts/download?key={key}"),
        ("DELETE", f"/projects/{project.project_guid}"),
        ("GET", f"/projects/{project.project_guid}/models"),
    ]:
        assert shared.call(method, path, key=BOB).status_code == 404


def test_a_name_that_others_took_is_not_available(shared: ServiceProcess, project: Project) -> None:
    response = shared.call("POST", "/projects", key=BOB, json={"name": project.name})

    assert response.status_code == 400
    assert "Project name not available" in response.json()["message"]


def test_an_invited_user_sees_the_project(shared: ServiceProcess, project: Project) -> None:
    api = shared.session().get_api(ProjectsApi)
    api.create_invite(project.project_id, ProjectInvite(email="bob@example.org", level=2))

    assert get_project(name=project.name, session=shared.session(BOB)).project_id == project.project_id
    with pytest.raises(ApiException, match="no user of that email address"):
        api.create_invite(project.project_id, ProjectInvite(email="nobody@example.org", level=2))


@pytest.mark.parametrize("name", ["ab", "-abc-", "12345", "a" * 24, "under_score", "a" * 64, "sp ace", 7])
def test_bad_project_names_are_refused(shared: ServiceProcess, name: object) -> None:
    response = shared.call("POST", "/projects", json={"name": name})

    assert response.status_code == 400
    assert response.json()["context"] == {"name": "invalid"}


def test_creating_a_project_again_is_creating_it_once(shared: ServiceProcess) -> None:
    first = shared.call("POST", "/projects", json={"name": "created-twice"}).json()["data"]["id"]
    again = shared.call("POST", "/projects", json={"name": "created-twice"}).json()["data"]["id"]

    assert first == again


def test_only_cloud_mode_is_offered(shared: ServiceProcess, project: Project, frame: pd.DataFrame) -> None:
    with pytest.raises(ApiException, match="runner_mode 'hybrid' is not offered"):
        get_project(create=True, runner_mode="hybrid", session=shared.session())
    with pytest.raises(ApiException, match="runner_mode 'manual' is not offered"):
        project.create_model_obj(config(), data_source=project.upload_artifact(frame)).submit_manual()


def test_a_deleted_project_takes_everything_along(
    shared: ServiceProcess, project: Project, frame: pd.DataFrame
) -> None:
    model = project.create_model_obj(config(), data_source=frame).submit()
    assert wait_for(model) == Status.COMPLETED
    directory = shared.data_dir / "projects" / project.project_id
    assert directory.is_dir()

    project.delete()

    assert not directory.exists()
    assert shared.call("GET", f"/projects/{project.project_id}").status_code == 404


# models


def test_the_log_says_which_engine_runs_and_what_it_does_not_use(project: Project, frame: pd.DataFrame) -> None:
    settings = {
        "params": {"epochs": 10, "batch_size": "auto"},
        "privacy_filters": {"outliers": None, "similarity": "auto"},
        "generate": {"num_records": 20},
    }
    model = project.create_model_obj(config("actgan", **settings), data_source=frame).submit()
    assert wait_for(model) == Status.COMPLETED

    said = messages(model)
    assert "This service runs the open-source engine 'cart' for the model type 'actgan'" in said
    assert (
        "Parameters that this engine does not use: params.batch_size, params.epochs, privacy_filters.similarity" in said
    )


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"schema_version": "2.0"}, "schema_version must be '1.0'"),
        ({"models": []}, "models must be a list of one object"),
        ({"models": [{"actgan": {}}, {"actgan": {}}]}, "models must be a list of one object"),
        ({"models": [{"actgan": []}]}, "models[0].actgan must be an object, found a list"),
        ({"models": [{"magic": {}}]}, "'magic' is not offered here; there are actgan, cart, navigator_ft, tabular_ft"),
        ({"models": [{"tabular_dp": {}}]}, "no engine here gives a differential privacy guarantee"),
        ({"name": ""}, "name must be 1 to 128 printable characters"),
        ({"nmae": "x"}, "Unknown parameter nmae in config"),
    ],
)
def test_a_bad_configuration_is_refused_by_name(
    shared: ServiceProcess, project: Project, key: str, change: dict[str, Any], text: str
) -> None:
    body = {**config(data_source=key), **change}

    response = shared.call("POST", f"/projects/{project.project_guid}/models", json=body)

    assert response.status_code == 400
    assert text in response.json()["message"]


@pytest.mark.parametrize(
    ("model_type", "section", "text"),
    [
        ("actgan", {"params": {"epoch": 3}}, "Unknown parameter epoch in models[0].actgan.params; known are auto_"),
        ("actgan", {"param": {}}, "Unknown parameter param in models[0].actgan;"),
        ("actgan", {"generate": {"num_records": 0}}, "num_records must be a whole number from 1 to 5000000, found 0"),
        ("actgan", {"generate": {"num_records": -5}}, "num_records must be a whole number from 1 to 5000000, found -5"),
        (
            "actgan",
            {"generate": {"num_records": 1.5}},
            "num_records must be a whole number from 1 to 5000000, found 1.5",
        ),
        (
            "actgan",
            {"generate": {"num_records": True}},
            "num_records must be a whole number from 1 to 5000000, found True",
        ),
        ("actgan", {"generate": {"num_records": 10**7}}, "from 1 to 5000000, found 10000000"),
        ("actgan", {"generate": 5}, "models[0].actgan.generate must be an object, found a number"),
        ("tabular_ft", {"privacy_params": {"dp": True}}, "asks for differential privacy"),
        ("tabular_ft", {"train": {"privacy_params": {"dp": True}}}, "asks for differential privacy"),
        (
            "tabular_ft",
            {"train": {"params": {"lora": 1}}},
            "Unknown parameter lora in models[0].tabular_ft.train.params",
        ),
        ("cart", {"params": {"leaf": 5}}, "models[0].cart.params: Engine 'cart' has no parameter 'leaf'"),
        ("cart", {"params": {"min_leaf": 0}}, "min_leaf is 0; expected"),
        ("cart", {"evaluate": {"holdout": 0.9}}, "evaluate.holdout must be a share of the rows from 0.2 to 0.5"),
        ("cart", {"evaluate": {"seed": -1}}, "evaluate.seed must be a whole number from 0"),
        ("cart", {"evaluate": {"quasi_identifiers": "age"}}, "quasi_identifiers must be a list of column names"),
        ("cart", {"ref_data": {"test": "gretel_x"}}, "ref_data is not supported"),
        ("cart", {"data_source": None}, "data_source is missing"),
        ("cart", {"data_source": "__tmp__"}, "data_source is missing"),
        ("cart", {"data_source": "https://example.org/data.csv"}, "fetches nothing from elsewhere"),
        ("cart", {"data_source": "file:///etc/passwd"}, "fetches nothing from elsewhere"),
        ("cart", {"data_source": "gretel_../../service.db"}, "fetches nothing from elsewhere"),
        ("cart", {"data_source": f"gretel_{'0' * 32}_x.csv"}, "does not exist in the project"),
    ],
)
def test_a_bad_parameter_is_refused_by_name(
    shared: ServiceProcess, project: Project, key: str, model_type: str, section: dict[str, Any], text: str
) -> None:
    body = config(model_type, **{"data_source": key, **section})

    response = shared.call("POST", f"/projects/{project.project_guid}/models", json=body)

    assert response.status_code == 400
    assert text in response.json()["message"]


@pytest.mark.parametrize("body", [b"{", b"[1]", b'{"models": NaN}', b"[" * 100_000, b" " * 2_000_000])
def test_a_body_that_is_no_json_object_is_refused(shared: ServiceProcess, project: Project, body: bytes) -> None:
    assert shared.call("POST", f"/projects/{project.project_guid}/models", data=body).status_code == 400


def test_the_client_knows_a_discontinued_model_as_such(project: Project, frame: pd.DataFrame) -> None:
    with pytest.raises(DiscontinuedModelException, match=r"synthetics.*has been discontinued"):
        project.create_model_obj(config("synthetics"), data_source=frame).submit()


def test_anothers_artifact_is_no_data_source(shared: ServiceProcess, project: Project, key: str) -> None:
    elsewhere = shared.project("elsewhere", key=BOB)

    with pytest.raises(ApiException, match="does not exist in the project 'elsewhere'"):
        elsewhere.create_model_obj(config(), data_source=key).submit()


def upload(shared: ServiceProcess, project: Project, content: bytes) -> str:
    """Upload what gretel-client would not; returns its key."""
    announced = shared.call("POST", f"/projects/{project.project_guid}/artifacts", json={"filename": "data.csv"})
    link = announced.json()["data"]["url"].removeprefix(shared.endpoint)
    shared.call("PUT", link, data=content).raise_for_status()
    key: str = announced.json()["data"]["key"]
    return key


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "data.csv: is empty; expected a CSV file"),
        (b"a,b\n", "data.csv: has a header of 2 columns but no rows"),
        (b"a,b\n1,2\n3\n", "data.csv, line 3: 1 fields where the header has 2"),
        (b"PK\x03\x04\xff\x00", "data.csv: is not UTF-8"),
        (b"\x1f\x8b\x08\x00broken", "data.csv: is a damaged or truncated gzip file"),
    ],
)
def test_an_unusable_file_is_refused_at_once(
    shared: ServiceProcess, project: Project, content: bytes, text: str
) -> None:
    body = config(data_source=upload(shared, project, content))

    for query in ("", "?dry_run=yes"):
        response = shared.call("POST", f"/projects/{project.project_guid}/models{query}", json=body)
        assert response.status_code == 400
        assert response.json()["message"].startswith(f"The data source cannot be used. {text}")
    assert list(project.search_models(factory=dict)) == []


def test_a_file_that_goes_wrong_later_ends_the_job_with_one_clear_sentence(
    shared: ServiceProcess, project: Project
) -> None:
    key = upload(shared, project, b"a,b\n" + b"1,2\n" * 300_000 + b"3\n")

    model = project.create_model_obj(config(), data_source=key).submit()

    assert wait_for(model) == Status.ERROR
    assert "The data source cannot be used. data.csv, line 300002: 1 fields where the header has 2" in str(model.errors)
    assert model.traceback is None


def test_the_same_seed_gives_the_same_rows(project: Project, frame: pd.DataFrame) -> None:
    jobs = [project.create_model_obj(config(), data_source=frame).submit() for _ in range(2)]
    assert [wait_for(job) for job in jobs] == [Status.COMPLETED] * 2

    first, second = (pd.read_csv(job.get_artifact_link("data_preview"), compression="gzip") for job in jobs)
    pd.testing.assert_frame_equal(first, second)


def test_a_model_without_evaluation_has_no_report(
    shared: ServiceProcess, project: Project, frame: pd.DataFrame
) -> None:
    model = project.create_model_obj(config(evaluate={"skip": True}), data_source=frame).submit()
    assert wait_for(model) == Status.COMPLETED

    assert model.peek_report() is None
    link = model.get_artifact_link("report_json").removeprefix(shared.endpoint)
    response = shared.call("GET", link)
    assert (response.status_code, response.json()["message"]) == (
        404,
        "The job has no report_json.json.gz: it is completed.",
    )


def test_a_search_finds_by_part_of_the_name_and_by_status(
    shared: ServiceProcess, project: Project, frame: pd.DataFrame
) -> None:
    names = ["alpha-1", "alpha_2", "beta-1"]
    for name in names:
        project.create_model_obj(config(name=name), data_source=frame).submit()

    def found(**question: Any) -> list[str]:
        return [model["model_name"] for model in project.search_models(factory=dict, **question)]

    by_age = {"sort_field": "status_history.created"}
    assert found(**by_age) == names
    assert found(model_name="alpha", **by_age) == names[:2]
    assert found(model_name="_", **by_age) == ["alpha_2"]  # not a wildcard
    assert found(model_name="-1", sort_by="desc", sort_field="model_name") == ["beta-1", "alpha-1"]
    assert found(limit=1, skip=1, **by_age) == ["alpha_2"]
    assert found(status="lost") == []
    path = f"/projects/{project.project_guid}/models?status=done"
    assert "status must be of created, pending" in shared.call("GET", path).json()["message"]


def test_only_cancelling_can_be_asked_of_a_model(shared: ServiceProcess, trained: Model) -> None:
    path = f"/projects/{trained.project.project_id}/models/{trained.model_id}"

    assert shared.call("PATCH", path, json={"status": "completed"}).status_code == 400
    assert shared.call("PATCH", path, json={"status": "cancelled", "name": "x"}).status_code == 400
    ended = shared.call("PATCH", path, json={"status": "cancelled"})
    assert (ended.status_code, ended.json()["data"]["model"]["status"]) == (200, "completed")


def test_unknown_ids_are_not_found(trained: Model) -> None:
    with pytest.raises(ModelNotFoundError):
        trained.project.get_model("0" * 24)
    api = trained.project.projects_api
    with pytest.raises(NotFoundException, match=r"Record handler '0+' not found"):
        api.get_record_handler(trained.project.project_id, trained.model_id, "0" * 24)


def test_what_is_not_there_says_so(shared: ServiceProcess) -> None:
    response = shared.call("GET", "/v2/workflows")

    assert response.status_code == 404
    assert response.json()["message"] == "GET /v2/workflows is not part of what this service offers."


# record handlers


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"params": {"num_records": 0}}, "params.num_records must be a whole number from 1 to 5000000, found 0"),
        ({"params": {"num_recods": 5}}, "Unknown parameter num_recods in params"),
        ({"params": [1]}, "Invalid params: expected an object"),
        ({"params": {"seed": "x"}}, "params.seed must be a whole number"),
        ({"params": {}, "data_source": f"gretel_{'0' * 32}_seeds.csv"}, "conditional generation) is not supported"),
        ({"params": {}, "ref_data": {"a": "gretel_b"}}, "ref_data is not supported"),
    ],
)
def test_a_bad_record_handler_is_refused(
    shared: ServiceProcess, trained: Model, body: dict[str, Any], text: str
) -> None:
    path = f"/projects/{trained.project.project_guid}/models/{trained.model_id}/record_handlers"

    response = shared.call("POST", path, json=body)

    assert response.status_code == 400
    assert text in response.json()["message"]


def test_record_handlers_draw_afresh_unless_seeded(trained: Model) -> None:
    handlers = [
        trained.create_record_handler_obj(params={"num_records": "60", **extra})
        for extra in ({}, {}, {"seed": 5}, {"seed": 5})
    ]
    for handler in handlers:
        handler.submit()
    assert [wait_for(handler) for handler in handlers] == [Status.COMPLETED] * 4

    one, two, three, four = (pd.read_csv(h.get_artifact_link("data"), compression="gzip") for h in handlers)
    assert {len(rows) for rows in (one, two, three, four)} == {60}
    assert list(one.columns) == ["age", "language", "nights", "price"]
    assert not one.equals(two)
    pd.testing.assert_frame_equal(three, four)


def test_only_a_completed_model_generates(shared: ServiceProcess, project: Project) -> None:
    key = upload(shared, project, b"a\n1\n")  # one row is too few
    model = project.create_model_obj(config(), data_source=key).submit()
    wait_for(model)

    with pytest.raises(ApiException, match="is error, not completed; only a completed model generates"):
        model.create_record_handler_obj(params={"num_records": 5}).submit()


def test_deleting_a_model_deletes_its_record_handlers_and_files(
    shared: ServiceProcess, project: Project, frame: pd.DataFrame
) -> None:
    model = project.create_model_obj(config(), data_source=frame).submit()
    assert wait_for(model) == Status.COMPLETED
    handlers = [model.create_record_handler_obj(params={"num_records": 5}) for _ in range(2)]
    for handler in handlers:
        handler.submit()
        assert wait_for(handler) == Status.COMPLETED
    jobs = shared.data_dir / "projects" / project.project_id / "jobs"
    assert {path.name for path in jobs.iterdir()} == {model.model_id, *(handler.record_id for handler in handlers)}
    links = [model.get_artifact_link("data_preview"), handlers[0].get_artifact_link("data")]

    handlers[1].delete()
    assert [handler.record_id for handler in model.get_record_handlers()] == [handlers[0].record_id]
    model.delete()

    assert list(jobs.iterdir()) == []
    for link in links:
        assert shared.call("GET", link.removeprefix(shared.endpoint)).status_code == 404
