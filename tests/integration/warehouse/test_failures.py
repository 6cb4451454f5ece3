"""What goes wrong: one clear error each, and nothing that could be loaded."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import MySQLdb
import pytest
from botocore.config import Config

from tests.integration.warehouse.conftest import Lake, Source
from tests.support.fault_proxy import FaultProxy, answer, held_request, lost_request
from tests.support.waiting import wait_until
from transfers.extract_errors import DestinationError
from warehouse.config import TableConfig
from warehouse.config_file import load_tables
from warehouse.errors import ConfigError, SourceDataError, SourceUnavailableError
from warehouse.extract import Destination, Written, extract_table
from warehouse.key_ranges import plan_key_ranges
from warehouse.window import Window

pytestmark = pytest.mark.integration

Configure = Callable[..., TableConfig]
Run = Callable[..., Written]
DAY = Window(datetime(2021, 9, 16, tzinfo=UTC), datetime(2021, 9, 17, tzinfo=UTC))


@pytest.fixture(scope="module", autouse=True)
def tables(source: Source) -> None:
    source.execute(
        "CREATE TABLE ok (id int PRIMARY KEY, code varchar(9) NOT NULL, maybe int NULL,"
        " deleted tinyint NOT NULL DEFAULT 0, updated_at datetime NULL, seen_at timestamp NULL, day date NULL,"
        " UNIQUE (code), UNIQUE (maybe))",
        "INSERT INTO ok (id, code, updated_at) VALUES (1, 'a', '2021-09-16')",
        "CREATE TABLE keyless (id int NOT NULL, updated_at datetime NOT NULL)",
        "CREATE TABLE aria (id int PRIMARY KEY, updated_at datetime NOT NULL) ENGINE=Aria",
        "CREATE VIEW a_view AS SELECT * FROM ok",
        "CREATE TABLE reserved (id int PRIMARY KEY, updated_at datetime NOT NULL, _Manifest_ID int)",
        "CREATE TABLE big"
        " (id int PRIMARY KEY, filler varchar(200) NOT NULL, updated_at datetime NOT NULL, KEY (updated_at))",
        "INSERT INTO big SELECT seq, concat(sha2(seq, 256), sha2(seq + 0.5, 256)), '2021-09-16' FROM seq_1_to_150000",
    )


WRONG = {
    "unknown table": ({"source": "nowhere.ok"}, "wrong.source: there is no table nowhere.ok in MySQL"),
    "no primary key": (
        {"source": "{db}.keyless"},
        r"wrong.primary_key: MySQL does not keep \(id\) unique .*it has no primary key; give it one",
    ),
    "key is not unique": (
        {"primary_key": ["id", "code"]},
        r"does not keep \(id, code\) unique .*; unique and NOT NULL there: \((id|code)\); \((id|code)\)",
    ),
    "key may be NULL": ({"primary_key": ["maybe"]}, r"does not keep \(maybe\) unique and NOT NULL"),
    "unknown key": ({"primary_key": ["idd"]}, "wrong.primary_key: .* has no column 'idd'; did you mean 'id'"),
    "unknown cursor": ({"cursor": "updated"}, "wrong.cursor: .*has no column 'updated'; did you mean 'updated_at'"),
    "unknown flag": ({"deleted_flag": "zzz"}, "wrong.deleted_flag: .*has no column 'zzz'; it has id, code, maybe"),
    "unknown pii": ({"pii": {"e-mail": "drop"}}, "wrong.pii.e-mail: .*has no column 'e-mail'"),
    "unknown type": ({"types": {"x": "varchar"}}, "wrong.types.x: .*has no column 'x'"),
    "unknown sortkey": ({"sortkey": ["x"]}, "wrong.sortkey: .*has no column 'x'"),
    "date as cursor": ({"cursor": "day"}, "wrong.cursor: 'day' is date; a cursor is DATETIME or TIMESTAMP"),
    "text as flag": ({"deleted_flag": "code"}, r"wrong.deleted_flag: 'code' is varchar\(9\)"),
    "zone of a timestamp": (
        {"cursor": "seen_at", "cursor_timezone": "Europe/Paris"},
        "wrong.cursor_timezone: 'seen_at' is a TIMESTAMP, which MySQL keeps in UTC, not Europe/Paris",
    ),
    "no snapshots": ({"source": "{db}.aria"}, "is kept by Aria, which has no snapshots; convert it to InnoDB"),
    "view": ({"source": "{db}.a_view"}, "a_view is a VIEW"),
    "reserved name": ({"source": "{db}.reserved"}, "has a column '_manifest_id', a name that the load adds"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_block_is_named_with_its_line(
    what: str, source: Source, lake: Lake, extract: Run, tmp_path: Path
) -> None:
    keys, message = WRONG[what]
    block = {
        "source": "{db}.ok",
        "target": "analytics.ok",
        "primary_key": ["id"],
        "mode": "mutable",
        "cursor": "updated_at",
    } | keys
    lines = [
        f"    {key}: {str(value).format(db=source.database) if isinstance(value, str) else value}"
        for key, value in block.items()
    ]
    path = tmp_path / "tables.yml"
    path.write_text("\n".join(["tables:", "  wrong:", *lines]))
    [config] = load_tables(path)

    with pytest.raises(ConfigError, match=message) as raised:
        extract(config, window=DAY)

    key = message.removeprefix("wrong.").split(":")[0] if message.startswith("wrong.") else None
    if key:
        line = next(
            n for n, text in enumerate(path.read_text().splitlines(), 1) if text.strip().startswith(key.split(".")[0])
        )
        assert str(raised.value).startswith(f"{path}:{line}: wrong.{key}: ")
    assert lake.names() == []


def test_a_cursor_without_index_is_a_warning(
    lake: Lake, configure: Configure, extract: Run, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        extract(configure("ok"), window=DAY)
        assert "table 'ok': ok.cursor: no index of" in caplog.text
        caplog.clear()
        extract(configure("big"), window=DAY)
        assert caplog.text == ""


@pytest.mark.parametrize("cursor", ["NULL", "'0000-00-00'", "'0000-05-05'", "'2021-00-16'"])
def test_a_row_without_cursor_is_an_error_whatever_the_window(
    cursor: str, source: Source, lake: Lake, configure: Configure, extract: Run
) -> None:
    source.execute(f"INSERT INTO ok (id, code, updated_at) VALUES (2, 'b', {cursor})")
    try:
        window = Window(datetime(2020, 12, 1, tzinfo=UTC), datetime(2021, 9, 17, tzinfo=UTC))
        with pytest.raises(
            SourceDataError, match=r"1 rows have (no time in their|a date in their) cursor 'updated_at'"
        ):
            extract(configure("ok"), window=window)
    finally:
        source.execute("DELETE FROM ok WHERE id = 2")
    assert lake.names() == []


def test_a_zero_date_in_the_key_is_an_error(source: Source, lake: Lake, configure: Configure, extract: Run) -> None:
    source.execute(
        "CREATE TABLE daily (id int, day date, updated_at datetime NOT NULL, PRIMARY KEY (id, day))",
        "INSERT INTO daily VALUES (1, '2021-00-00', '2021-09-16')",
    )
    with pytest.raises(SourceDataError, match=r"1 rows have a date in their primary key 'day' that no calendar has"):
        extract(configure("daily", primary_key=["day", "id"]))


def test_zero_dates_elsewhere_are_told(
    source: Source, configure: Configure, extract: Run, caplog: pytest.LogCaptureFixture
) -> None:
    source.execute("UPDATE ok SET day = '2021-09-00'")
    with caplog.at_level(logging.WARNING):
        extract(configure("ok"))
    assert "1 dates of 'day' are in no calendar (zero dates) and become NULL" in caplog.text


def test_a_hashed_column_needs_a_key(configure: Configure, extract: Run) -> None:
    with pytest.raises(ConfigError, match=r"ok\.pii: hashed columns need a key"):
        extract(configure("ok", pii={"code": "hash"}))


def test_ranges_need_a_plain_integer_key(source: Source, configure: Configure) -> None:
    for keys, kind in (({}, r"varchar\(9\)"), ({"pii": {"code": "hash"}}, "hashed")):
        with pytest.raises(ConfigError, match=f"ok.key_ranges: .*'code' is {kind}; use 1"):
            plan_key_ranges(source.connect, configure("ok", primary_key=["code"], key_ranges=4, **keys))


def test_mysql_down(source: Source, lake: Lake, configure: Configure) -> None:
    def connect() -> Any:
        return MySQLdb.connect(host="127.0.0.1", port=1, user="x", passwd="not in messages")

    with pytest.raises(
        SourceUnavailableError, match=r"MySQL \(mysql_prod\) cannot be reached.*127.0.0.1.*retry"
    ) as raised:
        extract_table(connect, lake.destination, configure("ok"), source_name="mysql_prod")
    assert "not in messages" not in str(raised.value)


def test_wrong_password(source: Source, lake: Lake, configure: Configure) -> None:
    def connect() -> Any:
        return MySQLdb.connect(**(source.arguments | {"password": "guess"}))

    with pytest.raises(ConfigError, match=r"refused: Access denied.*\(1045\)"):
        extract_table(connect, lake.destination, configure("ok"))


@pytest.fixture
def through_proxy(s3: Any) -> Any:
    """An S3 client whose requests can be made to fail: (proxy, client)."""
    with FaultProxy(s3.endpoint_url) as proxy:
        client = boto3.client(
            "s3",
            endpoint_url=proxy.endpoint,
            aws_access_key_id=s3.access_key,
            aws_secret_access_key=s3.secret_key,
            region_name="us-east-1",
            config=Config(retries={"max_attempts": 1}, connect_timeout=3),
        )
        yield proxy, client


def test_mysql_goes_away_in_the_middle(
    source: Source, lake: Lake, configure: Configure, through_proxy: tuple[FaultProxy, Any]
) -> None:
    proxy, client = through_proxy
    release = threading.Event()
    proxy.inject("PUT", "part-00000", held_request(release))
    connections: list[Any] = []

    def connect() -> Any:
        connections.append(source.connect())
        return connections[-1]

    errors: list[Exception] = []

    def run() -> None:
        try:
            extract_table(connect, Destination(client, lake.bucket, "x"), configure("big", part_size_mb=1))
        except Exception as error:  # noqa: BLE001 - whatever it is, the test looks at it
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    wait_until(lambda: proxy.count("PUT", "part-00000"))
    with closing(source.connect()) as admin:
        admin.kill(connections[0].thread_id())
    release.set()
    thread.join(60)

    assert [type(error) for error in errors] == [SourceUnavailableError]
    assert "went away" in str(errors[0])
    assert not [key for key in lake.names() if key.endswith("manifest.json")]


def test_s3_goes_away_in_the_middle(
    source: Source, lake: Lake, configure: Configure, through_proxy: tuple[FaultProxy, Any]
) -> None:
    proxy, client = through_proxy
    proxy.inject("PUT", "part-00001", lost_request(), times=None)

    with pytest.raises(DestinationError, match=rf"cannot write s3://{lake.bucket}/x/.*/part-00001.csv.gz: .*retry"):
        extract_table(source.connect, Destination(client, lake.bucket, "x"), configure("big", part_size_mb=1))

    assert [key.rsplit("/", 1)[1] for key in lake.names()] == ["part-00000.csv.gz"]


def test_the_manifest_cannot_be_written(
    source: Source, lake: Lake, configure: Configure, through_proxy: tuple[FaultProxy, Any]
) -> None:
    proxy, client = through_proxy
    proxy.inject("PUT", "manifest.json", answer(503, "<Error><Code>SlowDown</Code></Error>"), times=None)

    with pytest.raises(DestinationError, match=r"manifest\.json"):
        extract_table(source.connect, Destination(client, lake.bucket, "x"), configure("ok"))


def test_missing_bucket_is_found_before_mysql_is_read(source: Source, s3: Any, configure: Configure) -> None:
    def connect() -> Any:
        raise AssertionError("MySQL was asked")

    with pytest.raises(DestinationError, match=r"s3://no-such-bucket/.*There is no such bucket"):
        extract_table(connect, Destination(s3.client(), "no-such-bucket", "x"), configure("ok"))


def test_s3_down(source: Source, configure: Configure) -> None:
    client = boto3.client(
        "s3",
        endpoint_url="http://127.0.0.1:1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
        region_name="us-east-1",
        config=Config(retries={"max_attempts": 1}),
    )
    with pytest.raises(DestinationError, match="Check that S3 is up"):
        extract_table(source.connect, Destination(client, "lake", "x"), configure("ok"))
