"""The pipeline's steps where something is wrong, against the real services: one clear error, and nothing released."""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import json
import logging
import traceback
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from airflow.sdk.exceptions import AirflowFailException

from hooks.gretel import GretelHook
from hooks.gretel_errors import GretelError, GretelFatalError
from local.components.gretel import Gretel
from synthetics import steps
from synthetics.provenance import json_sha256
from synthetics.quality_gate import QUALITY_ALONE, SELF_HOSTED, Decision, GateError, Profile, Thresholds
from synthetics.release import DATA, MANIFEST
from synthetics.subjects import main as find_subjects
from synthetics.verify import main as verify
from tests.conftest import S3, Postgres
from tests.support.fault_proxy import FaultProxy, answer, truncated
from tests.support.gretel_jobs import bookings, config, wait_for
from transfers.extract_errors import DestinationError, SourceUnavailableError

pytestmark = pytest.mark.integration

PIPELINE, PROJECT, ROWS = "guests", "steps-project", 60
PASSWORD = "kept-out-of-every-message"
NOBODY_LISTENS = "127.0.0.1:9"
LENIENT = replace(QUALITY_ALONE, min_quality=0.0)
COLUMNS = [
    {"name": "age", "type": "integer"},
    {"name": "language", "type": "text"},
    {"name": "nights", "type": "integer"},
    {"name": "price", "type": "numeric"},
]
PASSED = asdict(Decision("quality", 9.0, "at least", 8.0, True, ""))
APPROVAL = {
    "chosen_options": ["Approve"],
    "params_input": {},
    "responded_at": "2026-01-02T03:04:05Z",
    "responded_by_user": {"id": "1", "name": "ada"},
}
GUESTS = "SELECT id, age FROM guests ORDER BY id LIMIT {{ params.row_limit }}"


FRONT_MATTER = "/* ---\ndescription: guests\nentity_key: id\nquasi_identifiers: []\nsensitive: []\n--- */\n\n"


def context(run_id: str, **params: Any) -> dict[str, Any]:
    """What the steps take from Airflow's own context."""
    return {"dag": SimpleNamespace(dag_id=PIPELINE), "run_id": run_id, "params": {"row_limit": 10, **params}}


def extract(run_id: str, sql: str = GUESTS, *, front_matter: str = FRONT_MATTER, **params: Any) -> dict[str, Any]:
    with TemporaryDirectory() as folder:
        file = Path(folder, "guests.sql")
        file.write_text(front_matter + sql)
        subjects = params.pop("subjects_conn_id", None)
        return steps.extract(
            file,
            context(run_id, **params),
            postgres_conn_id="bookings_db",
            aws_conn_id="aws_default",
            subjects_conn_id=subjects,
        )


@pytest.fixture(scope="module")
def environment() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as environment:
        yield environment


def aws(s3: S3, bucket: str | None, endpoint: str | None = None) -> str:
    extra: dict[str, Any] = {
        "endpoint_url": endpoint or s3.endpoint_url,
        "region_name": "us-east-1",
        "config_kwargs": {"retries": {"max_attempts": 1}},
    }
    if bucket:
        extra["service_config"] = {"s3": {"bucket_name": bucket}}
    return json.dumps({"conn_type": "aws", "login": s3.access_key, "password": s3.secret_key, "extra": extra})


@pytest.fixture(scope="module")
def bucket(s3: S3, environment: pytest.MonkeyPatch) -> str:
    """A bucket, and the connection aws_default to it."""
    bucket = s3.fresh_bucket("steps")
    environment.setenv("AIRFLOW_CONN_AWS_DEFAULT", aws(s3, bucket))
    return bucket


@pytest.fixture(scope="module")
def dsn(postgres: Postgres, environment: pytest.MonkeyPatch) -> str:
    """Three guests, and the connection bookings_db to them."""
    dsn = postgres.fresh_database("steps")
    with psycopg.connect(dsn) as connection:
        connection.execute("CREATE TABLE guests (id text, age integer)")
        connection.execute("INSERT INTO guests VALUES ('g1', 31), ('g2', NULL), ('g3', 77)")
    environment.setenv("AIRFLOW_CONN_BOOKINGS_DB", dsn)
    return dsn


@pytest.fixture
def keys(s3: S3, bucket: str) -> Callable[[], list[str]]:
    """Names of all objects, without what the tests before this one left."""

    def look() -> list[str]:
        return [item["Key"] for item in s3.client().list_objects_v2(Bucket=bucket).get("Contents", [])]

    before = set(look())
    return lambda: sorted(set(look()) - before)


def gretel_connection(endpoint: str, api_key: str) -> str:
    return json.dumps({"conn_type": "gretel", "host": endpoint, "password": api_key, "extra": {"project": PROJECT}})


@pytest.fixture(scope="module")
def generated(gretel: Gretel, environment: pytest.MonkeyPatch) -> dict[str, Any]:
    """A completed model with a report, as the task before the gate returns it, and what the gate decided."""
    environment.setenv("AIRFLOW_CONN_GRETEL_DEFAULT", gretel_connection(gretel.endpoint, gretel.api_key))
    hook = GretelHook()
    project = hook.create_project(PROJECT)
    body = bookings(rows=300, seed=1).to_csv(index=False).encode()
    source = hook.upload_training_data(project, "steps.csv", lambda: contextlib.closing(io.BytesIO(body)), len(body))
    settings = config(generate={"num_records": ROWS}, evaluate={"seed": 7})
    model = hook.submit_model(project, settings, name="steps", data_source=source)
    assert wait_for(model).value == "completed", model.errors
    report = hook.get_report(hook.get_model(project, str(model.model_id)))
    return {
        "decision": {"model_id": model.model_id, "report_sha256": json_sha256(report), "gates": [PASSED]},
        "project_id": project.project_guid,
        "model_id": model.model_id,
        "model_name": "steps",
        "num_records": ROWS,
        "artifact_key": source,
        "extract": {
            "bucket": "",
            "key": "raw/none.csv",
            "uri": "s3://none",
            "entity_key": "guest_id",
            "columns": COLUMNS,
        },
    }


@pytest.fixture
def proxied(gretel: Gretel, generated: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultProxy]:
    """The same service, reached through a proxy that can break."""
    with FaultProxy(gretel.endpoint) as proxy:
        monkeypatch.setenv("AIRFLOW_CONN_GRETEL_DEFAULT", gretel_connection(proxy.endpoint, gretel.api_key))
        yield proxy


def evaluate(generated: dict[str, Any], thresholds: Thresholds = LENIENT) -> dict[str, Any]:
    return steps.evaluate(generated, context("any"), thresholds=thresholds, gretel_conn_id="gretel_default")


def release(
    generated: dict[str, Any],
    run_id: str,
    decision: dict[str, Any] | None = None,
    approval: dict[str, Any] | None = None,
) -> dict[str, Any]:
    return steps.release(
        {name: value for name, value in generated.items() if name != "decision"},
        generated["decision"] | (decision or {}),
        approval,
        context(run_id),
        gretel_conn_id="gretel_default",
        aws_conn_id="aws_default",
    )


def verify_in(s3: S3, arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    """The command, with the environment in which the AWS command line would find the server."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3.endpoint_url)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3.secret_key)
    return verify(arguments)


def said(caught: pytest.ExceptionInfo[BaseException], caplog: pytest.LogCaptureFixture) -> str:
    """Everything that could reach a log: the whole chain of exceptions, and what was logged."""
    return "".join(traceback.format_exception(caught.value)) + caplog.text


# extract_features


def test_an_extract_returns_facts_and_no_row(dsn: str, s3: S3, bucket: str) -> None:
    facts = extract("good")
    assert (facts["rows"], facts["entity_key"], [column["name"] for column in facts["columns"]]) == (3, "id", ["age"])
    assert s3.client().get_object(Bucket=bucket, Key=facts["key"])["Body"].read() == b"age\n31\n\n77\n"
    assert not {"g1", "g2", "g3"} & set(json.dumps(facts).replace('"', " ").split())


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT id, agee FROM guests", r"guests\.sql:8 .*UndefinedColumn"),
        ("SELECT id, age FROM guests WHERE false", r"guests\.sql: the query returned no rows; check its filters"),
        ("SELECT id, age, age FROM guests", r"guests\.sql: more than one column is called 'age'; give each a name"),
        ("SELECT 'x' AS id, age FROM guests", r"guests\.sql: the entity key 'id' must be there once per row"),
    ],
)
def test_a_query_that_cannot_work_is_not_tried_again(
    dsn: str, bucket: str, keys: Callable[[], list[str]], sql: str, message: str
) -> None:
    with pytest.raises(AirflowFailException, match=message):
        extract("bad", sql)
    assert keys() == []


def test_a_query_file_that_is_wrong_is_not_tried_again(dsn: str, bucket: str, keys: Callable[[], list[str]]) -> None:
    """Such as one that was chosen in the trigger form: Airflow has read the pipeline's own while it parsed the DAG."""
    with pytest.raises(AirflowFailException, match=r"guests\.sql:2: the key 'entity_key' is missing"):
        extract("wrong", front_matter=FRONT_MATTER.replace("entity_key: id\n", ""))
    with pytest.raises(AirflowFailException, match=r"guests\.sql:8: cannot fill in the template: .*'row_limits'"):
        extract("wrong", "SELECT id, age FROM guests LIMIT {{ params.row_limits }}")
    assert keys() == []


@pytest.mark.parametrize(
    "limit",
    [
        "1; DROP TABLE guests",
        "1) TO PROGRAM 'true' --",
        "1) AS features; DELETE FROM guests; --",
        "(WITH gone AS (DELETE FROM guests RETURNING 1) SELECT count(*) FROM gone)",
    ],
)
def test_sql_in_a_parameter_writes_nothing(dsn: str, bucket: str, keys: Callable[[], list[str]], limit: str) -> None:
    """Airflow checks parameters against their schema; this is what holds if one gets past it."""
    with pytest.raises(AirflowFailException, match=r"second statement|refused the query"):
        extract("injected", row_limit=limit)
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT count(*) FROM guests").fetchone() == (3,)
    assert keys() == []


def test_a_database_that_is_down_is_worth_a_retry(
    dsn: str,
    bucket: str,
    keys: Callable[[], list[str]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("AIRFLOW_CONN_BOOKINGS_DB", f"postgresql://reader:{PASSWORD}@{NOBODY_LISTENS}/bookings")
    with pytest.raises(SourceUnavailableError, match=r"^bookings_db cannot be reached .*Check that it runs") as caught:
        extract("down")
    assert not isinstance(caught.value, AirflowFailException)
    assert PASSWORD not in said(caught, caplog)
    assert keys() == []


def test_s3_that_is_down_is_worth_a_retry(
    dsn: str, s3: S3, bucket: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", aws(s3, bucket, f"http://{NOBODY_LISTENS}"))
    with pytest.raises(DestinationError, match=f"cannot write s3://{bucket}/.*Check that S3 is up") as caught:
        extract("down")
    assert not isinstance(caught.value, AirflowFailException)
    assert s3.secret_key not in said(caught, caplog)


def test_a_missing_bucket_is_not_tried_again(dsn: str, s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", aws(s3, "no-such-bucket"))
    with pytest.raises(AirflowFailException, match=r"cannot write s3://no-such-bucket/.* There is no such bucket"):
        extract("missing")
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", aws(s3, None))
    with pytest.raises(AirflowFailException, match=r"'aws_default' names no bucket: set its extra to"):
        extract("none")


SECRET = "0123456789abcdef0123456789abcdef"


def test_who_has_the_secret_finds_the_subjects_of_a_release(
    dsn: str,
    generated: dict[str, Any],
    s3: S3,
    bucket: str,
    keys: Callable[[], list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SUBJECTS", f"generic://:{SECRET}@")
    facts = extract("subjects", f"{GUESTS} -- 100 %", subjects_conn_id="subjects")
    manifest = release({**generated, "extract": facts | {"entity_key": "guest_id"}}, "subjects")
    assert verify_in(s3, [manifest["manifest_uri"]], monkeypatch) == 0, capsys.readouterr().out
    assert SECRET not in json.dumps(manifest)
    ask = partial(find_subjects, [manifest["manifest_uri"]], ["g1\n", "g2\n", "g3\n", "g4\n", "g10\n"])
    capsys.readouterr()
    monkeypatch.setenv("SUBJECTS_SECRET", SECRET)
    assert ask() == 0
    assert capsys.readouterr().out == "yes\tg1\nyes\tg2\nyes\tg3\nno\tg4\nno\tg10\n"
    monkeypatch.setenv("SUBJECTS_SECRET", f"another {SECRET}")
    assert ask() == 2
    assert "the list of" in capsys.readouterr().err
    # Lists of the same people in two releases share nothing, and a release can be uploaded again without its extract.
    again = extract("subjects-2", subjects_conn_id="subjects")
    assert not set(lines(s3, bucket, facts)) & set(lines(s3, bucket, again))
    manifest["model"]["model_name"] = "another"  # the tests to come need what this one was trained on
    steps.delete_raw(manifest, gretel_conn_id="gretel_default", aws_conn_id="aws_default")
    assert not [key for key in keys() if key.startswith("raw/") and "subjects-2" not in key]
    assert release({**generated, "extract": facts}, "subjects")["files"] == manifest["files"]


def lines(s3: S3, bucket: str, facts: dict[str, Any]) -> list[str]:
    """The list of subjects beside an extract."""
    packed = s3.client().get_object(Bucket=bucket, Key=facts["subjects"]["key"])["Body"].read()
    found = gzip.decompress(packed).decode().split()
    assert len(found) == facts["rows"]
    assert found == sorted(found)
    return found


def test_a_list_of_subjects_needs_a_real_secret_and_a_query_that_leaves_nothing_to_chance(
    dsn: str, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SUBJECTS", "generic://:short@")
    with pytest.raises(AirflowFailException, match=r"'subjects' keys the list of subjects.* at least 16 are"):
        extract("short", subjects_conn_id="subjects")
    monkeypatch.setenv("AIRFLOW_CONN_SUBJECTS", f"generic://:{SECRET}@")
    chance = "SELECT 'g' || n AS id, n AS age FROM generate_series(1, 2000) AS n WHERE random() < 0.5"
    with pytest.raises(AirflowFailException, match="depends on chance"):
        extract("chance", chance, subjects_conn_id="subjects")


# evaluate_synthetic_features


def test_the_gate_reads_the_report_of_this_very_model(generated: dict[str, Any]) -> None:
    decision = evaluate(generated)
    assert decision["model_id"] == generated["model_id"]
    assert [gate["name"] for gate in decision["gates"]] == ["quality"]
    with pytest.raises(GateError, match="quality"):
        evaluate(generated, replace(LENIENT, min_quality=10.1))
    with pytest.raises(GateError):
        evaluate({**generated, "num_records": ROWS + 1})
    with pytest.raises(GateError, match=r"describes the columns \['age', 'language', 'nights', 'price'\]"):
        evaluate({**generated, "extract": {**generated["extract"], "columns": COLUMNS[:-1]}})
    with pytest.raises(GateError):
        evaluate(generated, replace(SELF_HOSTED, profile=Profile.GRETEL_100))


@pytest.mark.parametrize("body", ["", "<html>", "[1, 2]", "{}", '{"synthetic_data_quality_score": {"score": 10}}'])
def test_a_report_that_is_none_releases_nothing(generated: dict[str, Any], proxied: FaultProxy, body: str) -> None:
    proxied.inject("GET", "/downloads/", answer(200, body), times=None)
    with pytest.raises((GateError, GretelFatalError)):
        evaluate(generated)


def test_no_report_no_release(generated: dict[str, Any], proxied: FaultProxy) -> None:
    proxied.inject("GET", "/downloads/", answer(404), times=None)
    with pytest.raises(GretelFatalError, match=r"could not download report_json .*HTTP 404"):
        evaluate(generated)


# upload_synthetic_features


def test_a_release_is_what_the_model_made(generated: dict[str, Any], s3: S3, bucket: str) -> None:
    manifest = release(generated, "whole")
    key = urlsplit(manifest["data"]["uri"]).path.lstrip("/")
    text = gzip.decompress(s3.client().get_object(Bucket=bucket, Key=key)["Body"].read()).decode()
    released = list(csv.DictReader(io.StringIO(text)))
    hook = GretelHook()
    with hook.open_artifact(hook.get_model(hook.get_project(), generated["model_id"]), "data_preview") as stream:
        made = list(csv.DictReader(io.StringIO(stream.read().decode())))
    assert [{name: value for name, value in row.items() if name != "guest_id"} for row in released] == made
    assert len(made) == ROWS


def test_a_release_is_as_its_manifest_says(
    generated: dict[str, Any],
    s3: S3,
    bucket: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    uri = release(generated, "verified", approval=APPROVAL)["manifest_uri"]
    assert verify_in(s3, ["s3://none/there.json"], monkeypatch) == 2
    assert verify([uri]) == 0, capsys.readouterr().out
    key = f"{urlsplit(uri).path.lstrip('/').rpartition('/')[0]}/{DATA}"
    s3.client().put_object(Bucket=bucket, Key=key, Body=b"other data")
    capsys.readouterr()
    assert verify([uri]) == 1
    assert f"differs: {DATA}: bytes: found 10, expected " in capsys.readouterr().out


def test_the_manifest_says_how_the_data_were_made(generated: dict[str, Any]) -> None:
    manifest = release(generated, "facts", approval=APPROVAL)
    assert manifest["approval"] == {"decision": "Approve", "by": "ada", "at": "2026-01-02T03:04:05Z"}
    assert manifest["model"]["engine"]["name"] == "cart"
    assert manifest["model"]["engine"]["seed"] == 7
    assert isinstance(manifest["model"]["engine"]["evaluation_seed"], int)
    assert manifest["data"]["columns"][:2] == [{"name": "guest_id", "type": "text"}, {"name": "age", "type": "integer"}]
    auc = manifest["scores"]["membership_inference_auc"]
    assert auc["interval"][0] < auc["value"] < auc["interval"][1]
    assert release(generated, "unasked")["approval"] is None


def test_the_manifests_config_makes_the_same_data_again(generated: dict[str, Any], bucket: str) -> None:
    settings = release(generated, "again and again")["model"]["config"]
    hook = GretelHook()
    project = hook.get_project()
    again = hook.submit_model(project, settings, name="steps-again", data_source=generated["artifact_key"])
    assert wait_for(again).value == "completed", again.errors
    made = []
    for model in (hook.get_model(project, generated["model_id"]), again):
        with hook.open_artifact(model, "data_preview") as stream:
            made.append(stream.read())
    assert made[0] == made[1]


def truncate_the_data(proxy: FaultProxy, share: float) -> None:
    """Let the report's two files through and cut off what is downloaded after them."""
    proxy.inject("GET", "/downloads/", lambda request, forward: forward(), times=2)
    proxy.inject("GET", "/downloads/", truncated(share), times=None)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.95])
def test_truncated_data_are_not_released(
    generated: dict[str, Any],
    proxied: FaultProxy,
    keys: Callable[[], list[str]],
    share: float,
    caplog: pytest.LogCaptureFixture,
) -> None:
    truncate_the_data(proxied, share)
    with pytest.raises(GretelError, match=r"data_preview of model .* truncated.* a retry fetches it again") as caught:
        release(generated, f"cut-off-{share}")
    assert not {key.rsplit("/", 1)[1] for key in keys()} & {DATA, MANIFEST}
    assert "sig=" not in said(caught, caplog)
    proxied.heal()
    assert release(generated, f"cut-off-{share}")["data"]["rows"] == ROWS


def test_a_release_is_withdrawn_before_it_is_made_anew(
    generated: dict[str, Any], proxied: FaultProxy, keys: Callable[[], list[str]]
) -> None:
    release(generated, "again")
    manifest = f"released/{PIPELINE}/again/{MANIFEST}"
    assert manifest in keys()
    proxied.requests.clear()
    truncate_the_data(proxied, 0.5)
    with pytest.raises(GretelError, match="truncated"):
        release(generated, "again")
    assert manifest not in keys()


def test_a_decision_on_another_model_releases_nothing(generated: dict[str, Any], keys: Callable[[], list[str]]) -> None:
    with pytest.raises(GateError, match=r"decided on model another.* clear evaluate_synthetic_features"):
        release(generated, "other", {"model_id": "another", "gates": []})
    assert keys() == []


def test_a_decision_on_another_report_releases_nothing(
    generated: dict[str, Any], bucket: str, proxied: FaultProxy, keys: Callable[[], list[str]]
) -> None:
    decision = evaluate(generated)
    proxied.inject("GET", "/downloads/", answer(200, '{"synthetic_data_quality_score": {"score": 10}}'), times=None)
    with pytest.raises(AirflowFailException, match=r"not the one that the gate decided on\. Clear evaluate_synthetic"):
        release(generated, "changed", decision)
    assert keys() == []


def test_gretel_that_is_down_releases_nothing(
    generated: dict[str, Any], gretel: Gretel, monkeypatch: pytest.MonkeyPatch, keys: Callable[[], list[str]]
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_GRETEL_DEFAULT", gretel_connection(f"http://{NOBODY_LISTENS}", gretel.api_key))
    with pytest.raises(GretelError, match=r"cannot be reached .*Check that it runs, and host") as caught:
        release(generated, "down")
    assert not isinstance(caught.value, AirflowFailException)
    assert gretel.api_key not in "".join(traceback.format_exception(caught.value))
    assert keys() == []


def test_s3_that_is_down_releases_nothing(
    generated: dict[str, Any],
    s3: S3,
    bucket: str,
    monkeypatch: pytest.MonkeyPatch,
    keys: Callable[[], list[str]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", aws(s3, bucket, f"http://{NOBODY_LISTENS}"))
    with pytest.raises(
        DestinationError, match=rf"cannot release to s3://{bucket}/.*{NOBODY_LISTENS}.*Check that S3 is up"
    ) as caught:
        release(generated, "down")
    assert not isinstance(caught.value, AirflowFailException)
    assert s3.secret_key not in said(caught, caplog)
    assert keys() == []


# delete_raw_features


def test_s3_that_is_down_keeps_the_real_rows_from_being_deleted_unseen(
    s3: S3, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", aws(s3, bucket, f"http://{NOBODY_LISTENS}"))
    manifest = {"extract": {"bucket": bucket, "key": "raw/x.csv", "uri": f"s3://{bucket}/raw/x.csv"}, "model": {}}
    with pytest.raises(DestinationError, match=rf"cannot delete s3://{bucket}/raw/x\.csv: .*Check that S3 is up"):
        steps.delete_raw(manifest, gretel_conn_id="gretel_default", aws_conn_id="aws_default")


def test_deleting_the_real_rows_twice_is_no_error(dsn: str, s3: S3, bucket: str, generated: dict[str, Any]) -> None:
    extracted = extract("to-delete")
    manifest = {"extract": extracted, "model": generated}
    hook = GretelHook()
    for _ in range(2):
        steps.delete_raw(manifest, gretel_conn_id="gretel_default", aws_conn_id="aws_default")
        assert "Contents" not in s3.client().list_objects_v2(Bucket=bucket, Prefix=extracted["key"])
        assert [item["key"] for item in hook.get_project().artifacts if "_steps." in item["key"]] == []
