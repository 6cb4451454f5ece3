"""What can be wrong with files, manifests, targets and rights: a clear error, the target untouched, a rerun heals."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from airflow.sdk.exceptions import AirflowFailException

from operators.s3_to_redshift import S3ToRedshiftOperator
from tests.conftest import S3
from tests.integration.warehouse_load.conftest import AUDIT, Warehouse, aws_connection, run_context
from tests.support.loads import FIRST, Lake, Table, csv_bytes, plan
from warehouse.errors import WarehouseUnavailableError
from warehouse.manifest import Manifest

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("airflow_connections")]

OLD, NEW = (datetime(2021, 9, 16, hour, tzinfo=UTC).replace(tzinfo=None) for hour in (1, 2))
COLUMNS = {"id": "BIGINT", "note": "VARCHAR(9)", "updated_at": "TIMESTAMP"}
BEFORE = [(1, "one", OLD), (2, "two", OLD)]
BATCH = [(2, "2", NEW), (3, "3", NEW), (4, "4", NEW)]


@dataclass
class Scene:
    """A target with rows, and a written manifest of further ones."""

    warehouse: Warehouse
    lake: Lake
    name: str
    columns: dict[str, str] = field(default_factory=lambda: dict(COLUMNS))
    url: str = ""
    manifest: Manifest | None = None

    def write(self, rows: Any = BATCH, **options: Any) -> None:
        table = Table(self.name, self.columns)
        later = {"extracted_at": FIRST + timedelta(hours=1)}
        self.url, self.manifest = self.lake.put_batch(
            table, rows, target=f"b.{self.name}", parts=2, **(later | options)
        )

    def change_manifest(self, change: Callable[[dict[str, Any]], None]) -> None:
        bucket, key = self.place(self.url)
        content = json.loads(self.lake.client.get_object(Bucket=bucket, Key=key)["Body"].read())
        change(content)
        self.lake.client.put_object(Bucket=bucket, Key=key, Body=json.dumps(content).encode())

    @property
    def parts(self) -> list[str]:
        assert self.manifest
        return [entry.url for entry in self.manifest.entries]

    @staticmethod
    def place(url: str) -> tuple[str, str]:
        parts = urlsplit(url)
        return parts.netloc, parts.path.lstrip("/")

    def replace_part(self, number: int, change: Callable[[bytes], bytes | None]) -> None:
        bucket, key = self.place(self.parts[number])
        body = change(self.lake.client.get_object(Bucket=bucket, Key=key)["Body"].read())
        if body is None:
            self.lake.client.delete_object(Bucket=bucket, Key=key)
        else:
            self.lake.client.put_object(Bucket=bucket, Key=key, Body=body)

    def run(self, **options: Any) -> Any:
        task = S3ToRedshiftOperator(**({"task_id": "load", "manifest": self.url} | options))
        return task.execute(run_context("run"))

    def rows(self) -> list[tuple[Any, ...]]:
        return self.warehouse.execute(f"SELECT id, note, updated_at FROM b.{self.name} ORDER BY id")


@pytest.fixture
def scene(warehouse: Warehouse, lake: Lake, request: pytest.FixtureRequest) -> Scene:
    name = "".join(letter if letter.isalnum() else "_" for letter in request.node.name).lower()[-40:]
    scene = Scene(warehouse, lake, name)
    warehouse.load(plan(lake.put_batch(Table(name, COLUMNS), BEFORE, target=f"b.{name}"), audit=AUDIT))
    scene.write()
    return scene


def lose_part(scene: Scene) -> None:
    scene.replace_part(1, lambda _: None)


def truncate_part(scene: Scene) -> None:
    # The manifest's content_length is made to agree, or COPY would already stumble over that.
    scene.replace_part(0, lambda body: body[:-9])

    def shorten(content: dict[str, Any]) -> None:
        content["entries"][0]["meta"]["content_length"] -= 9

    scene.change_manifest(shorten)


def swap_part(scene: Scene) -> None:
    """A part that can be read, and is another one's."""
    other = csv_bytes(Table("x", COLUMNS), [(9, "nine", NEW)])
    scene.replace_part(0, lambda _: other)

    def agree(content: dict[str, Any]) -> None:
        content["entries"][0]["meta"]["content_length"] = len(other)

    scene.change_manifest(agree)


def change_value(scene: Scene) -> None:
    """As many rows and values as before, but one number is another."""
    other = csv_bytes(Table("x", COLUMNS), [(5, "2", NEW), (4, "4", NEW)])
    scene.replace_part(0, lambda _: other)

    def agree(content: dict[str, Any]) -> None:
        content["entries"][0]["meta"]["content_length"] = len(other)

    scene.change_manifest(agree)


def write_too_long(scene: Scene) -> None:
    scene.write([(2, "2", NEW), (3, "geheim und zu lang", NEW)])


def write_no_number(scene: Scene) -> None:
    scene.write()
    line = csv_bytes(Table("x", COLUMNS), [("geheim", "2", NEW), (4, "4", NEW)])
    scene.replace_part(0, lambda _: line)

    def agree(content: dict[str, Any]) -> None:
        content["entries"][0]["meta"]["content_length"] = len(line)

    scene.change_manifest(agree)


def drift(column: str, kind: str) -> Callable[[Scene], None]:
    def change(scene: Scene) -> None:
        scene.columns[column] = kind
        scene.write([(2, 2, NEW)] if column == "note" else BATCH)

    return change


def drop_manifest(scene: Scene) -> None:
    bucket, key = scene.place(scene.url)
    scene.lake.client.delete_object(Bucket=bucket, Key=key)


def damage_manifest(scene: Scene) -> None:
    bucket, key = scene.place(scene.url)
    scene.lake.client.put_object(Bucket=bucket, Key=key, Body=b'{"entries": [')


def from_the_future(scene: Scene) -> None:
    scene.change_manifest(lambda content: content["extract"].update(schema_version=2))


def null_key(scene: Scene) -> None:
    scene.write([(2, "2", NEW), (None, "x", NEW), (3, "3", NEW), (None, "y", NEW)])


FAULTS: dict[str, tuple[Callable[[Scene], None], str]] = {
    "lost part": (lose_part, r"Redshift cannot load s3://\S+manifest.json: .*NoSuchKey.*part-00001"),
    "truncated gzip": (truncate_part, r"failed to inflate s3://\S+part-00000: .*\. The target is as it was"),
    "another part": (swap_part, r"rows: 3 extracted, 2 loaded; .*sum of 'id': 9 extracted, 12 loaded.*extract again"),
    "another value": (change_value, r"extracted: sum of 'id': 9 extracted, 12 loaded\. The target is as it was"),
    "too long": (write_too_long, r"part-00001, line 1, column 'note' \(varchar\(9\)\): String length exceeds"),
    "no number": (write_no_number, r"part-00000, line 1, column 'id' \(int8\): Invalid digit"),
    "type drift": (drift("note", "INTEGER"), r"column 'note' is VARCHAR\(9\) there and INTEGER in the source now"),
    "wider number": (
        drift("id", "DECIMAL(20,0)"),
        r"column 'id' is BIGINT there and DECIMAL\(20,0\) in the source now",
    ),
    "no manifest": (drop_manifest, r"manifest.json: S3 says NoSuchKey.*Clear the extract and run it again"),
    "damaged manifest": (damage_manifest, r"manifest.json: this is no valid manifest"),
    "newer manifest": (from_the_future, r"schema version 2 is not known here, only 1"),
    "NULL key": (null_key, r"2 rows have NULL in id, updated_at, in s3://\S+part-00001 \(2\)\."),
}


@pytest.mark.parametrize("what", FAULTS)
def test_bad_input(what: str, scene: Scene, task_log: Callable[[], str]) -> None:
    break_it, message = FAULTS[what]
    break_it(scene)

    with pytest.raises(AirflowFailException, match=message) as error:
        scene.run()

    assert scene.rows() == BEFORE
    assert "geheim" not in str(error.value) + task_log()
    scene.columns = dict(COLUMNS)
    scene.write()  # extracted again
    assert scene.run()["staged"] == 3
    assert scene.rows() == [BEFORE[0], *BATCH]


def test_a_role_that_redshift_may_not_assume(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = scene.warehouse.airflow_connection(role_arn="arn:aws:iam::000000000000:role/other")
    monkeypatch.setenv("AIRFLOW_CONN_REDSHIFT_OTHER", wrong)
    with pytest.raises(AirflowFailException, match=r"is not authorized to assume IAM Role arn:aws:iam::.*role/other"):
        scene.run(redshift_conn_id="redshift_other")
    assert scene.rows() == BEFORE
    scene.run()
    assert scene.rows() == [BEFORE[0], *BATCH]


def test_nothing_lets_redshift_read(scene: Scene, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AIRFLOW_CONN_REDSHIFT_OTHER", scene.warehouse.airflow_connection(role_arn=None))
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps({"conn_type": "aws"}))
    files = {"manifest": None, "schema": "b", "table": scene.name, "s3_bucket": "b", "s3_key": "k"}
    with pytest.raises(AirflowFailException, match="nothing lets Redshift read S3: put the ARN of a role"):
        scene.run(**files, redshift_conn_id="redshift_other")
    for options in ({}, files):
        with pytest.raises(AirflowFailException, match=r"s3://\S+ cannot be read: Unable to locate credentials"):
            scene.run(**options)
    assert scene.rows() == BEFORE


def test_a_wrong_password(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = json.loads(scene.warehouse.airflow_connection()) | {"password": "wrong-password"}
    monkeypatch.setenv("AIRFLOW_CONN_REDSHIFT_OTHER", json.dumps(wrong))
    with pytest.raises(
        AirflowFailException, match=r"redshift_other\) refused the login.*Check the connection's"
    ) as error:
        scene.run(redshift_conn_id="redshift_other")
    assert "wrong-password" not in str(error.value)


def test_s3_is_away(scene: Scene, s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    away = aws_connection(s3, endpoint_url="http://127.0.0.1:9", config_kwargs={"retries": {"max_attempts": 0}})
    monkeypatch.setenv("AIRFLOW_CONN_AWS_AWAY", away)
    files = {"manifest": None, "schema": "b", "table": scene.name, "s3_bucket": "b", "s3_key": "k"}
    for options in ({}, files):
        with pytest.raises(WarehouseUnavailableError, match=r"s3://\S+ cannot be read.*then retry"):
            scene.run(**options, aws_conn_id="aws_away")


def test_a_bucket_that_is_not_there(scene: Scene) -> None:
    options = {"manifest": None, "schema": "b", "table": scene.name, "s3_bucket": "no-such-bucket", "s3_key": "k"}
    with pytest.raises(AirflowFailException, match="s3://no-such-bucket/k: S3 says NoSuchBucket"):
        scene.run(**options)
    with pytest.raises(AirflowFailException, match="s3://no-such-bucket/k: S3 says NoSuchBucket"):
        scene.run(manifest="s3://no-such-bucket/k")


def test_a_column_that_the_load_does_not_write_must_not_be_required(scene: Scene) -> None:
    scene.warehouse.execute(
        "CREATE TABLE b.required (id BIGINT, must SMALLINT NOT NULL, note VARCHAR(9), updated_at TIMESTAMP,"
        " _extracted_at TIMESTAMP, _manifest_id VARCHAR(36))"
    )
    with pytest.raises(
        AirflowFailException, match="column 'must' is NOT NULL without a default, and the load does not"
    ):
        scene.run(schema="b", table="required")


def test_a_target_that_something_else_made(scene: Scene) -> None:
    scene.warehouse.execute("CREATE TABLE b.foreign_table (id BIGINT, note VARCHAR(9), updated_at TIMESTAMP)")
    with pytest.raises(AirflowFailException, match="has no column '_extracted_at': something else made it"):
        scene.run(schema="b", table="foreign_table")


def test_what_does_not_go_together(scene: Scene) -> None:
    other = Scene(scene.warehouse, scene.lake, "other")
    other.write()
    for options, message in (
        ({"manifest": [scene.url, other.url]}, "has another target than"),
        ({"manifest": []}, "there is no manifest to load"),
        ({"method": "APPEND"}, "a manifest is not appended, because a rerun would double its rows"),
        ({"method": "REPLACE"}, "holds a window of time only; a full refresh needs an extract of the whole table"),
        ({"method": "MERGE"}, "method 'MERGE' is not known; there are APPEND, REPLACE, UPSERT"),
        ({"copy_options": ["MAXERROR 10"]}, "copy_options has 'MAXERROR 10', and a manifest says itself"),
        ({"primary_key": ["note"]}, r"primary_key is \('note',\) here and \('id',\) in s3://"),
        ({"order_key": "note"}, "order_key is 'note' here and 'updated_at' in s3://"),
        ({"deleted_flag": "note"}, "deleted_flag is 'note' here and None in s3://"),
        ({"column_list": ["id", "nope", "updated_at"]}, "column_list names 'nope', which the files do not have"),
        ({"column_list": ["id", "note"]}, "column_list leaves out 'updated_at'"),
    ):
        with pytest.raises(AirflowFailException, match=message):
            scene.run(**options)
    assert scene.rows() == BEFORE


def test_a_manifest_of_some_of_the_keys_is_no_full_refresh(scene: Scene) -> None:
    ranges: list[dict[str, Any]] = [
        {"column": "id", "lower": None, "upper": 3},
        {"column": "id", "lower": 3, "upper": 9},
        {"column": "id", "lower": 9, "upper": None},
    ]
    urls = []
    for key_range in ranges:
        scene.write([(key_range["lower"] or 0, "x", NEW)], window=None, key_range=key_range)
        urls.append(scene.url)
    for some in ([0, 1], [1, 2], [0, 2], [0, 1, 1, 2]):
        manifest = [urls[number] for number in dict.fromkeys(some)]
        if some == [0, 1, 1, 2]:
            assert scene.run(manifest=manifest, method="REPLACE")["inserted"] == 3
        else:
            with pytest.raises(AirflowFailException, match="these key ranges do not make up the whole table"):
                scene.run(manifest=manifest, method="REPLACE")
            assert scene.rows() == BEFORE


def test_arguments_are_checked_when_the_dag_is_parsed() -> None:
    with pytest.raises(
        ValueError, match=r"give either `manifest`, or `table`, `s3_bucket` and `s3_key`; found .*s3_key=None"
    ):
        S3ToRedshiftOperator(task_id="x", table="t", s3_bucket="b")
    for name, value in {"primary_key": ["id"], "manifest": "s3://b/k", "order_key": "at", "deleted_flag": "d"}.items():
        with pytest.raises(ValueError, match=f"redshift_data_api_kwargs goes with .* and {name} needs one session"):
            S3ToRedshiftOperator(
                task_id="x",
                table="t",
                s3_bucket="b",
                s3_key="k",
                redshift_data_api_kwargs={"database": "d"},
                **{name: value},  # type: ignore[arg-type]
            )
