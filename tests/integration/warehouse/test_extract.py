"""Extracts end to end: which rows, in how many parts, with what in the manifest, on one snapshot."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.integration.warehouse.conftest import Lake, Source
from tests.support.fault_proxy import FaultProxy, held_request
from tests.support.waiting import wait_until
from transfers.pseudonyms import Pseudonyms
from warehouse.config import TableConfig
from warehouse.extract import Destination, Written, extract_table
from warehouse.key_ranges import plan_key_ranges
from warehouse.manifest import Manifest
from warehouse.window import Window

pytestmark = pytest.mark.integration

Configure = Callable[..., TableConfig]
Run = Callable[..., Written]
REPOSITORY = Path(__file__).parents[3]
DAY = Window(datetime(2021, 9, 16, tzinfo=UTC), datetime(2021, 9, 17, tzinfo=UTC))


@pytest.fixture(scope="module", autouse=True)
def tables(source: Source) -> None:
    source.execute(
        "CREATE TABLE scores (id bigint PRIMARY KEY, score tinyint NULL, paid decimal(10,2) NULL,"
        " name varchar(40) NULL, updated_at datetime(6) NOT NULL, KEY (updated_at))",
        "INSERT INTO scores VALUES"
        " (1, 9, 1.10, 'before', '2021-09-15 23:59:59.999999'),"
        " (2, 10, 2.20, 'first', '2021-09-16 00:00:00'),"
        " (3, NULL, NULL, NULL, '2021-09-16 12:00:00'),"
        " (4, -3, -0.30, 'last', '2021-09-16 23:59:59.999999'),"
        " (5, 0, 5.50, 'after', '2021-09-17 00:00:00')",
        "CREATE TABLE big"
        " (id int PRIMARY KEY, filler varchar(200) NOT NULL, n int NOT NULL, updated_at datetime NOT NULL)",
        # Filler that does not compress: 100,000 rows make about 8 MB of gzip.
        "INSERT INTO big"
        " SELECT seq, concat(sha2(seq, 256), sha2(seq + 0.5, 256)), 0, '2021-09-16' FROM seq_1_to_100000",
    )


def ids(lake: Lake, written: Written) -> list[int]:
    return sorted(row[0] for row in lake.rows(written))


def test_a_window_is_half_open(lake: Lake, configure: Configure, extract: Run) -> None:
    written = extract(configure("scores", lookback_minutes=0), window=DAY)

    assert ids(lake, written) == [2, 3, 4]


def test_the_lookback_reaches_before_the_start(lake: Lake, configure: Configure, extract: Run) -> None:
    written = extract(configure("scores", lookback_minutes=1), window=DAY)

    assert ids(lake, written) == [1, 2, 3, 4]
    assert lake.manifest(written)["extract"]["window"] == {
        "start": "2021-09-16T00:00:00Z",
        "end": "2021-09-17T00:00:00Z",
        "lookback_minutes": 1,
        "cursor_timezone": "UTC",
    }


def test_no_window_is_the_whole_table(lake: Lake, configure: Configure, extract: Run) -> None:
    written = extract(configure("scores"))

    assert ids(lake, written) == [1, 2, 3, 4, 5]
    assert lake.manifest(written)["extract"]["window"] is None


def test_the_manifest_tells_what_the_files_hold(source: Source, lake: Lake, configure: Configure, extract: Run) -> None:
    before = datetime.now(UTC)
    written = extract(configure("scores", lookback_minutes=0, sortkey=["id"]), window=DAY)
    after = datetime.now(UTC)

    manifest = lake.manifest(written)
    about = manifest["extract"]
    assert about["counts"] == {
        "rows": 3,
        "non_null": {"id": 3, "score": 2, "paid": 2, "name": 2, "updated_at": 3},
        "sums": {"id": "9", "score": "7", "paid": "1.90"},
        "zero_dates": {},
    }
    assert [(c["name"], c["source_type"], c["type"], c["nullable"]) for c in about["columns"]] == [
        ("id", "bigint(20)", "BIGINT", False),
        ("score", "tinyint(4)", "SMALLINT", True),
        ("paid", "decimal(10,2)", "DECIMAL(10,2)", True),
        ("name", "varchar(40)", "VARCHAR(160)", True),
        ("updated_at", "datetime(6)", "TIMESTAMP", True),
    ]
    assert about["source"] == {"database": source.database, "table": "scores", "server": about["source"]["server"]}
    assert about["source"]["server"].startswith("10.11")
    assert (about["schema_version"], about["mode"], about["order_key"]) == (1, "mutable", "updated_at")
    assert (about["primary_key"], about["target"], about["hash_key_id"]) == (["id"], "analytics.scores", None)
    assert before - timedelta(seconds=1) <= datetime.fromisoformat(about["extracted_at"]) <= after
    [entry] = manifest["entries"]
    folder = written.url.removesuffix("manifest.json")
    assert entry["url"] == f"{folder}part-00000.csv.gz"
    assert folder.endswith(f"/20210916T000000Z--20210917T000000Z/{about['manifest_id']}/")
    assert Manifest.from_json(json.dumps(manifest), written.url) == written.manifest


def test_no_rows_write_a_manifest_without_parts(lake: Lake, configure: Configure, extract: Run) -> None:
    long_ago = Window(datetime(1999, 1, 1, tzinfo=UTC), datetime(1999, 1, 2, tzinfo=UTC))

    for keys in ({}, {"format": "parquet"}):
        written = extract(configure("scores", **keys), window=long_ago)

        manifest = lake.manifest(written)
        assert manifest["entries"] == []
        assert manifest["extract"]["counts"]["rows"] == 0
        assert manifest["extract"]["counts"]["sums"] == {"id": None, "score": None, "paid": None}
    assert [key.rsplit("/", 1)[1] for key in lake.names()] == ["manifest.json"] * 2


@pytest.mark.parametrize("keys", [{}, {"compression": "zstd"}, {"format": "parquet"}], ids=["gzip", "zstd", "parquet"])
def test_parts_have_the_size_asked_for(
    keys: dict[str, str], source: Source, lake: Lake, configure: Configure, extract: Run
) -> None:
    written = extract(configure("big", part_size_mb=1, **keys))

    sizes = [entry["meta"]["content_length"] for entry in lake.manifest(written)["entries"]]
    assert len(sizes) >= 3 or keys == {"format": "parquet"}  # a Parquet part ends with a row group of 16 MB of text
    assert all(1024**2 <= size < 2 * 1024**2 for size in sizes[:-1])
    assert sorted(lake.rows(written)) == source.execute("SELECT * FROM big ORDER BY id")


def test_every_try_has_a_folder_of_its_own(lake: Lake, configure: Configure, extract: Run) -> None:
    config = configure("scores")
    leftovers = {extract(config, window=DAY).url.rsplit("/", 1)[0] for _ in range(2)}

    assert len(leftovers) == 2
    for folder in leftovers:
        manifest = json.loads(
            lake.client.get_object(Bucket=lake.bucket, Key=folder.split("/", 3)[3] + "/manifest.json")["Body"].read()
        )
        assert all(entry["url"].startswith(folder + "/") for entry in manifest["entries"])


def test_changes_during_the_extract_are_not_seen(
    source: Source, s3: Any, lake: Lake, configure: Configure, tmp_path: Path
) -> None:
    before = source.execute("SELECT * FROM big ORDER BY id")
    release = threading.Event()
    with FaultProxy(s3.endpoint_url) as proxy:
        client = boto3.client(
            "s3",
            endpoint_url=proxy.endpoint,
            aws_access_key_id=s3.access_key,
            aws_secret_access_key=s3.secret_key,
            region_name="us-east-1",
        )
        proxy.inject("PUT", "part-00000", held_request(release))
        results: list[Written] = []
        destination = Destination(client, lake.bucket, "slow")
        config = configure("big", part_size_mb=1)
        thread = threading.Thread(target=lambda: results.append(extract_table(source.connect, destination, config)))
        thread.start()
        wait_until(lambda: proxy.count("PUT", "part-00000"))  # reading has begun, and writing is stuck
        source.execute(
            "UPDATE big SET n = n + 1",
            "DELETE FROM big WHERE id > 99000",
            "INSERT INTO big VALUES (500000, 'new', 1, now())",
        )
        release.set()
        thread.join(60)
    try:
        assert sorted(lake.rows(results[0])) == before
        assert lake.manifest(results[0])["extract"]["counts"]["sums"]["n"] == "0"
    finally:
        source.execute(
            "DELETE FROM big WHERE id = 500000",
            "UPDATE big SET n = 0",
            "INSERT INTO big SELECT seq, concat(sha2(seq, 256), sha2(seq + 0.5, 256)), 0, '2021-09-16'"
            " FROM seq_99001_to_100000",
        )


def test_key_ranges_together_are_the_table(source: Source, lake: Lake, configure: Configure, extract: Run) -> None:
    config = configure("big", key_ranges=7)

    ranges = plan_key_ranges(source.connect, config)
    extracts = [extract(config, key_range=key_range) for key_range in ranges]

    assert len(ranges) == 7
    found = [row[0] for written in extracts for row in lake.rows(written)]
    assert sorted(found) == list(range(1, 100001))
    assert [lake.manifest(written)["extract"]["key_range"]["lower"] for written in extracts][:2] == [None, 14286]


def test_a_local_cursor_loses_no_row_when_clocks_change(
    source: Source, lake: Lake, configure: Configure, extract: Run
) -> None:
    """Each hour of two days around both clock changes: a row written at any moment is in that hour's window."""
    from zoneinfo import ZoneInfo

    paris = ZoneInfo("Europe/Paris")
    moments = {
        day.toordinal() * 1000 + minutes: day + timedelta(minutes=minutes)
        for day in (datetime(2021, 3, 27, 12, tzinfo=UTC), datetime(2021, 10, 30, 12, tzinfo=UTC))
        for minutes in range(7, 24 * 60, 20)
    }
    source.execute("CREATE TABLE local_times (id int PRIMARY KEY, at datetime NOT NULL, KEY (at))")
    rows = [(key, moment.astimezone(paris).replace(tzinfo=None)) for key, moment in moments.items()]
    source.execute(("INSERT INTO local_times VALUES (%s, %s)", rows))
    config = configure("local_times", cursor="at", cursor_timezone="Europe/Paris", lookback_minutes=0)

    for start in sorted({moment.replace(minute=0) for moment in moments.values()}):
        window = Window(start, start + timedelta(hours=1))
        expected = {key for key, moment in moments.items() if window.start <= moment < window.end}
        found = set(ids(lake, extract(config, window=window)))
        assert expected <= found
        assert len(found) <= len(expected) + 6  # at most an hour more on each side


def test_a_timestamp_cursor_is_read_in_utc_whatever_the_server_shows(
    source: Source, lake: Lake, configure: Configure, extract: Run
) -> None:
    source.execute(
        "CREATE TABLE stamps (id int PRIMARY KEY, updated_at timestamp(3) NOT NULL, KEY (updated_at))",
        "SET time_zone = '+05:30'",
        "INSERT INTO stamps VALUES (1, '2021-09-16 05:30:00.000'), (2, '2021-09-17 05:29:59.999')",
    )

    written = extract(configure("stamps", lookback_minutes=0), window=DAY)

    times = [row[1].isoformat() for row in sorted(lake.rows(written))]
    assert times == ["2021-09-16T00:00:00", "2021-09-16T23:59:59.999000"]


def test_personal_data_is_dropped_hashed_or_masked(
    source: Source, lake: Lake, configure: Configure, extract: Run, caplog: pytest.LogCaptureFixture
) -> None:
    source.execute(
        "CREATE TABLE people (email varchar(60) collate utf8mb4_bin PRIMARY KEY, phone varchar(20), born date,"
        " iban varchar(40) NULL, note text, contact varchar(60) NULL, updated_at datetime NOT NULL)",
        "INSERT INTO people VALUES"
        " ('zoë@example.org', '+49123', '1990-05-06', 'DE89370400440532013000', 'secret', 'a@b@example.org',"
        " '2021-09-16'),"
        " ('\"q\"@example.org', NULL, '0000-00-00', NULL, NULL, NULL, '2021-09-16'),"
        " ('x', '1', NULL, '1234567', '', 'no mail', '2021-09-16')",
    )
    key = "correct horse battery staple"
    pii = {"email": "hash", "phone": "drop", "born": "hash", "iban": "last4", "note": "redact", "contact": "domain"}

    def hashed(text: str) -> str:
        return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()

    with caplog.at_level(logging.DEBUG):
        for keys in ({}, {"format": "parquet"}):
            written = extract(configure("people", primary_key=["email"], pii=pii, **keys), pseudonyms=Pseudonyms(key))

            rows = {row[0]: row[1:-1] for row in lake.rows(written)}
            assert rows == {
                hashed("zoë@example.org"): (hashed("1990-05-06"), "****3000", "***", "***@example.org"),
                hashed('"q"@example.org'): (None, None, None, None),
                hashed("x"): (None, "****", "***", "***"),
            }
            about = lake.manifest(written)["extract"]
            types = ["VARCHAR(64)", "VARCHAR(64)", "VARCHAR(20)", "VARCHAR(3)"]
            assert [column["type"] for column in about["columns"]][:4] == types
            assert [column["pii"] for column in about["columns"]] == ["hash", "hash", "last4", "redact", "domain", None]
            assert about["counts"]["non_null"]["born"] == 1
            assert about["hash_key_id"] == hashed("name of the key")[:16]
    for secret in (key, "zoë@example.org", "DE893704", "1990-05-06", "+49123", "secret"):
        assert secret not in caplog.text
        for name in lake.names():
            assert secret not in name


def test_exact_sums_beyond_64_bits(source: Source, lake: Lake, configure: Configure, extract: Run) -> None:
    source.execute(
        "CREATE TABLE sums (id bigint unsigned PRIMARY KEY, d decimal(26,10), wide decimal(38,10), f double,"
        " updated_at datetime NOT NULL)",
        "INSERT INTO sums VALUES (18446744073709551615, 9999999999999999.9999999999, 1, 0.1, '2021-09-16'),"
        " (18446744073709551614, 0.0000000001, 1, 0.2, '2021-09-16')",
    )

    counts = extract(configure("sums")).manifest.extract.counts

    # A sum of DECIMAL(38,10) might overflow Redshift's 38 digits, one of DOUBLE depends on the order.
    assert counts.sums == {"id": Decimal(2 * 2**64 - 3), "d": Decimal(10**16)}


def start_extract(source: Source, s3: Any, endpoint_url: str, lake: Lake, config: TableConfig) -> subprocess.Popen[str]:
    """An extract in a process of its own."""
    about = {
        "s3": {
            "endpoint_url": endpoint_url,
            "aws_access_key_id": s3.access_key,
            "aws_secret_access_key": s3.secret_key,
            "region_name": "us-east-1",
        },
        "mysql": source.arguments,
        "bucket": lake.bucket,
        "config": config.to_dict(),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.extract_process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
        env=os.environ | {"PYTHONPATH": "plugins"},
    )
    assert process.stdin
    process.stdin.write(json.dumps(about))
    process.stdin.close()
    process.stdin = None  # communicate() must not flush it
    return process


def test_a_killed_extract_leaves_nothing_that_can_be_loaded(
    source: Source, s3: Any, lake: Lake, configure: Configure
) -> None:
    release = threading.Event()
    with FaultProxy(s3.endpoint_url) as proxy:
        proxy.inject("PUT", "part-00002", held_request(release))
        process = start_extract(source, s3, proxy.endpoint, lake, configure("big", part_size_mb=1))
        wait_until(lambda: proxy.count("PUT", "part-00002"))
        process.kill()
        process.communicate(timeout=10)
        release.set()

    assert [key.rsplit("/", 1)[1] for key in lake.names()][:2] == ["part-00000.csv.gz", "part-00001.csv.gz"]
    assert not [key for key in lake.names() if key.endswith("manifest.json")]


def test_memory_stays_flat(source: Source, s3: Any, lake: Lake, configure: Configure) -> None:
    """100 MB of lines; what a whole result in memory would take is several times that."""
    source.execute(
        "CREATE TABLE many (id int PRIMARY KEY, filler varchar(200) NOT NULL, updated_at datetime NOT NULL)",
        "INSERT INTO many SELECT seq, repeat(left(sha2(seq, 256), 32), 4), '2021-09-16' FROM seq_1_to_600000",
    )

    for keys, limit in (({}, 60), ({"format": "parquet"}, 100)):  # measured: 30, and 90 with pyarrow's own 40
        process = start_extract(source, s3, s3.endpoint_url, lake, configure("many", **keys))
        output, _ = process.communicate(timeout=120)
        result = json.loads(output)
        assert result["rows"] == 600000
        assert result["megabytes"] < limit
