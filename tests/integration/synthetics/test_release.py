"""Releases on a real S3 server: whole or not at all."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json

import pytest

from synthetics import release

pytestmark = pytest.mark.integration

FOLDER = "released/pipeline/run"
CSV = b'age,city\n31,"Paris, France"\n,"a ""quoted""\nname"\n'


@pytest.fixture
def bucket(s3) -> str:
    return s3.fresh_bucket("release")


def write(s3, bucket: str, body: bytes | io.IOBase, *, rows: int = 2, key: str = "user_id") -> release.ReleasedData:
    stream = io.BytesIO(body) if isinstance(body, bytes) else body
    return release.write_data(
        stream,
        client=s3.client(),
        bucket=bucket,
        folder=FOLDER,
        key_column=key,
        key_prefix="synthetic-1",
        types={"age": "integer"},
        rows=rows,
    )


def keys(s3, bucket: str) -> list[str]:
    return [item["Key"] for item in s3.client().list_objects_v2(Bucket=bucket).get("Contents", [])]


def open_uploads(s3, bucket: str) -> list:
    return s3.client().list_multipart_uploads(Bucket=bucket).get("Uploads", [])


def test_rows_arrive_value_for_value_with_new_keys(s3, bucket: str) -> None:
    data = write(s3, bucket, CSV)
    body = s3.client().get_object(Bucket=bucket, Key=f"{FOLDER}/{release.DATA}")["Body"].read()
    assert list(csv.reader(io.StringIO(gzip.decompress(body).decode(), newline=""))) == [
        ["user_id", "age", "city"],
        ["synthetic-1-1", "31", "Paris, France"],
        ["synthetic-1-2", "", 'a "quoted"\nname'],
    ]
    assert data.rows == 2
    assert data.columns == [
        {"name": "user_id", "type": "text"},
        {"name": "age", "type": "integer"},
        {"name": "city", "type": None},
    ]
    assert (data.bytes, data.sha256) == (len(body), hashlib.sha256(body).hexdigest())


def test_the_same_data_make_the_same_bytes(s3, bucket: str) -> None:
    assert write(s3, bucket, CSV) == write(s3, bucket, CSV)


class CutOff(io.BytesIO):
    """A download that breaks after its first kilobytes."""

    def read1(self, size: int = -1) -> bytes:
        if self.tell() > 4096:
            raise ConnectionResetError("connection reset by peer")
        return super().read1(1024)


@pytest.mark.parametrize(
    ("body", "rows", "complaint"),
    [
        (CSV, 3, "2 rows, 3 were asked for"),
        (b"", 2, "without even a header"),
        (b"age,city\n31\n", 1, "row 1 of the synthetic data has 1 fields, expected 2"),
        (b"user_id,age\nu1,31\n", 1, "trained on the entity key"),
        (b'age,city\n31,"Paris', 1, "cannot be read to their end"),
        (b"age,city\n31,\xff\xfe\n", 1, "cannot be read to their end"),
        (CutOff(b"age,city\n" + b"31,Paris\n" * 10_000), 10_000, "connection reset by peer"),
    ],
)
def test_what_is_wrong_releases_nothing(s3, bucket: str, body: bytes, rows: int, complaint: str) -> None:
    with pytest.raises(release.ReleaseError, match=complaint):
        write(s3, bucket, body, rows=rows)
    assert (keys(s3, bucket), open_uploads(s3, bucket)) == ([], [])


def test_large_data_fail_late_and_still_leave_nothing(s3, bucket: str) -> None:
    # Several parts of a multipart upload are on S3 by the time the number of rows turns out wrong.
    noise = b"".join(hashlib.sha256(str(n).encode()).hexdigest().encode() + b",x\n" for n in range(2_000_000))
    with pytest.raises(release.ReleaseError, match="2000000 rows, 1 were asked for"):
        write(s3, bucket, b"age,city\n" + noise, rows=1)
    assert (keys(s3, bucket), open_uploads(s3, bucket)) == ([], [])


def test_the_manifest_makes_the_release_and_withdraw_unmakes_it(s3, bucket: str) -> None:
    data = write(s3, bucket, CSV)
    manifest = release.write_manifest(s3.client(), bucket, FOLDER, data, {"pipeline": "pipeline"})
    stored = s3.client().get_object(Bucket=bucket, Key=f"{FOLDER}/{release.MANIFEST}")["Body"].read()
    assert json.loads(stored) == manifest
    assert manifest["schema_version"] == release.MANIFEST_VERSION
    assert manifest["data"]["rows"] == 2
    release.withdraw(s3.client(), bucket, FOLDER)
    assert keys(s3, bucket) == [f"{FOLDER}/{release.DATA}"]


@pytest.mark.parametrize(
    ("run_id", "folder"),
    [
        ("plain_run-1.2", "released/p/plain_run-1.2"),
        ("manual__2026-11-20T09:00:00+00:00", "released/p/manual__2026-11-20T09-00-00-00-00-"),
        ("../../escape me", "released/p/..-..-escape-me-"),
    ],
)
def test_run_folders_are_safe_keys(run_id: str, folder: str) -> None:
    found = release.run_folder("released", "p", run_id)
    assert found.startswith(folder)
    assert set(found) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-/")
    assert found.count("/") == 2


def test_run_ids_that_differ_in_replaced_characters_stay_apart() -> None:
    assert release.run_folder("raw", "p", "a:b") != release.run_folder("raw", "p", "a+b")
