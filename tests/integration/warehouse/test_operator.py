"""The operator as Airflow runs it: connections, templates, XCom, what a retry is spared, what a kill does."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from operators.mysql_to_s3 import MySQLToS3Operator
from tests.integration.warehouse.conftest import Lake, Source
from tests.support.extracts import read_manifest, read_rows
from tests.support.fault_proxy import FaultProxy, held_request
from tests.support.waiting import wait_until
from warehouse.config import TableConfig
from warehouse.errors import SourceUnavailableError

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("airflow_connections")]

Configure = Callable[..., TableConfig]


@pytest.fixture(scope="module", autouse=True)
def tables(source: Source) -> None:
    source.execute(
        "CREATE TABLE nps (id int PRIMARY KEY, email varchar(40) NOT NULL, updated_at datetime NOT NULL,"
        " KEY (updated_at))",
        "INSERT INTO nps"
        " SELECT seq, concat('p', seq, '@example.org'), '2021-09-15' + INTERVAL seq HOUR FROM seq_0_to_71",
        "CREATE TABLE big (id int PRIMARY KEY, filler varchar(200) NOT NULL, updated_at datetime NOT NULL)",
        "INSERT INTO big SELECT seq, concat(sha2(seq, 256), sha2(seq + 0.5, 256)), '2021-09-16' FROM seq_1_to_150000",
    )


def operator(lake: Lake, table: Any, **options: Any) -> MySQLToS3Operator:
    return MySQLToS3Operator(**{"task_id": "extract", "table": table, "s3_bucket": lake.bucket} | options)


def test_it_extracts_a_window_and_says_what_it_wrote(lake: Lake, configure: Configure) -> None:
    config = configure("nps", lookback_minutes=0, pii={"email": "hash"})
    task = operator(
        lake,
        config.to_dict(),
        s3_prefix="raw/mysql",
        window_start="2021-09-16T00:00:00+00:00",
        window_end="2021-09-17T00:00:00Z",
        hash_key_conn_id="pii_key",
    )

    result = task.execute({})

    manifest = read_manifest(lake.client, result["manifest"])
    assert result["manifest"].startswith(f"s3://{lake.bucket}/raw/mysql/")
    assert sorted(row[0] for row in read_rows(lake.client, manifest)) == list(range(24, 48))
    assert (
        result
        == json.loads(json.dumps(result))
        == {
            "manifest": result["manifest"],
            "manifest_id": manifest["extract"]["manifest_id"],
            "rows": 24,
            "parts": 1,
            "bytes": manifest["entries"][0]["meta"]["content_length"],
            "extracted_at": manifest["extract"]["extracted_at"].replace("Z", "+00:00"),
        }
    )


def test_without_a_window_it_extracts_a_key_range(lake: Lake, configure: Configure) -> None:
    task = operator(lake, configure("nps"), key_range={"column": "id", "lower": 70, "upper": None}, window_start="")

    result = task.execute({})

    assert result["rows"] == 2


FAULTS = {
    "block": ({"cursor": "nope"}, {}, "nps.cursor: .* has no column 'nope'"),
    "half a window": ({}, {"window_end": "2021-09-17T00:00:00Z"}, "give both for a window"),
    "empty window": (
        {},
        {"window_start": "2021-09-17T00:00:00Z", "window_end": "2021-09-17T00:00:00Z"},
        "is empty; .*CronDataIntervalTimetable",
    ),
    "no zone": ({}, {"window_start": "2021-09-16", "window_end": "2021-09-17"}, "2021-09-16T00:00:00 has no time zone"),
    "no key for hashes": ({"pii": {"email": "hash"}}, {}, "give the operator hash_key_conn_id"),
    "short key": (
        {"pii": {"email": "hash"}},
        {"hash_key_conn_id": "short_key"},
        "the hash key has 5 bytes, at least 16",
    ),
    "empty key": ({"pii": {"email": "hash"}}, {"hash_key_conn_id": "empty_key"}, "'empty_key' has no password"),
    "bucket": ({}, {"s3_bucket": "no-such-bucket"}, "There is no such bucket"),
}


@pytest.mark.parametrize("what", FAULTS)
def test_what_a_retry_cannot_cure_fails_at_once(
    what: str, lake: Lake, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys, options, message = FAULTS[what]
    monkeypatch.setenv("AIRFLOW_CONN_SHORT_KEY", json.dumps({"conn_type": "generic", "password": "short"}))
    monkeypatch.setenv("AIRFLOW_CONN_EMPTY_KEY", json.dumps({"conn_type": "generic"}))
    task = operator(lake, configure("nps", **keys), **options)

    with pytest.raises(AirflowFailException, match=message):
        task.execute({})


def test_a_killed_task_ends_its_query(
    s3: Any, lake: Lake, source: Source, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()
    with FaultProxy(s3.endpoint_url) as proxy:
        connection = {
            "conn_type": "aws",
            "login": s3.access_key,
            "password": s3.secret_key,
            "extra": {"endpoint_url": proxy.endpoint, "region_name": "us-east-1"},
        }
        monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(connection))
        proxy.inject("PUT", "part-00000", held_request(release))
        task = operator(lake, configure("big", part_size_mb=1))
        errors: list[Exception] = []

        def run() -> None:
            try:
                task.execute({})
            except SourceUnavailableError as error:
                errors.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        wait_until(lambda: proxy.count("PUT", "part-00000"))
        assert running(source) == 1
        task.on_kill()
        wait_until(lambda: running(source) == 0)
        release.set()
        thread.join(60)

    assert len(errors) == 1
    assert not [key for key in lake.names() if key.endswith("manifest.json")]


def running(source: Source) -> int:
    """Queries that read the table big."""
    [(count,)] = source.execute(
        "SELECT COUNT(*) FROM information_schema.processlist"
        " WHERE info LIKE '%FROM `%`.`big`%' AND id <> connection_id()"
    )
    return int(count)


def test_a_dag_with_mapped_ranges_serializes(configure: Configure, tmp_path: Path) -> None:
    from airflow.sdk import DAG
    from airflow.serialization.serialized_objects import DagSerialization

    with DAG("ranges", schedule=None) as dag:
        MySQLToS3Operator.partial(
            task_id="extract", table=configure("nps", pii={"email": "hash"}).to_dict(), s3_bucket="lake"
        ).expand(key_range=[{"column": "id", "upper": 5}, {"column": "id", "lower": 5}])

    text = json.dumps(DagSerialization.to_dict(dag))

    assert json.loads(text)["dag"]["tasks"][0]["__var"]["task_id"] == "extract"
