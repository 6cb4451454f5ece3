"""What releases and extracts rely on in S3: an object appears whole or not at all, and what was deleted is gone.

VERIFY_S3 (s3://bucket/prefix, with boto3's own credentials) names a real bucket; without it the local stack's server is
tested. The tests work under a prefix of their own, which is emptied in the end.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.exceptions import ClientError
from mypy_boto3_s3 import S3Client

from synthetics import release
from transfers.extract_errors import DestinationRefusedError
from transfers.s3_object import PART_BYTES, writing_s3_object

LARGE = 2 * PART_BYTES + 12_345  # three parts


@dataclass(frozen=True)
class Place:
    client: S3Client
    bucket: str
    prefix: str

    def stored(self) -> list[str]:
        found = self.client.list_objects_v2(Bucket=self.bucket, Prefix=self.prefix).get("Contents", [])
        return [item["Key"].removeprefix(f"{self.prefix}/") for item in found]

    def read(self, key: str) -> bytes:
        return self.client.get_object(Bucket=self.bucket, Key=f"{self.prefix}/{key}")["Body"].read()

    def open_uploads(self) -> list[str]:
        found = self.client.list_multipart_uploads(Bucket=self.bucket, Prefix=self.prefix).get("Uploads", [])
        return [item["Key"] for item in found]

    def break_off(self, key: str, size: int) -> None:
        """Write, and be interrupted before the end."""
        with writing_s3_object(self.client, self.bucket, f"{self.prefix}/{key}") as target:
            target.write(os.urandom(size))
            raise RuntimeError("killed")

    def write(self, key: str, *blocks: bytes) -> None:
        with writing_s3_object(self.client, self.bucket, f"{self.prefix}/{key}") as target:
            for block in blocks:
                target.write(block)


@pytest.fixture
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    prefix = f"conformance-{uuid.uuid4().hex[:12]}"
    if url := os.environ.get("VERIFY_S3"):
        parts = urlsplit(url)
        found = Place(boto3.client("s3"), parts.netloc, f"{parts.path}/{prefix}".strip("/"))
    else:
        s3 = request.getfixturevalue("s3")
        found = Place(s3.client(), s3.fresh_bucket("conformance"), prefix)
    yield found
    for key in found.stored():
        found.client.delete_object(Bucket=found.bucket, Key=f"{found.prefix}/{key}")


@pytest.mark.parametrize("size", [0, 1, PART_BYTES, LARGE])
def test_an_object_holds_exactly_what_was_written(place: Place, size: int) -> None:
    body = os.urandom(size)
    place.write("object", *(body[start : start + 1_000_000] for start in range(0, size, 1_000_000)))
    assert hashlib.sha256(place.read("object")).hexdigest() == hashlib.sha256(body).hexdigest()
    assert place.stored() == ["object"]


@pytest.mark.parametrize("size", [1, LARGE])
def test_what_is_interrupted_never_appears(place: Place, size: int) -> None:
    with pytest.raises(RuntimeError, match="killed"):
        place.break_off("object", size)
    assert (place.stored(), place.open_uploads()) == ([], [])


def test_what_is_interrupted_leaves_the_earlier_object_alone(place: Place) -> None:
    place.write("object", b"earlier")
    with pytest.raises(RuntimeError, match="killed"):
        place.break_off("object", LARGE)
    assert place.read("object") == b"earlier"


def test_a_second_write_replaces_the_first_at_once(place: Place) -> None:
    place.write("object", b"first")
    place.write("object", b"second")
    assert place.read("object") == b"second"


def test_a_withdrawn_manifest_is_gone_at_once_and_withdrawing_again_is_no_error(place: Place) -> None:
    place.write(release.MANIFEST, b"{}")
    for _ in range(2):
        release.withdraw(place.client, place.bucket, place.prefix)
        with pytest.raises(ClientError, match="NoSuchKey"):
            place.read(release.MANIFEST)


def test_a_missing_bucket_is_refused_by_name(place: Place) -> None:
    missing = f"no-such-bucket-{uuid.uuid4().hex}"
    with (
        pytest.raises(DestinationRefusedError, match=f"s3://{missing}/key: .*There is no such bucket"),
        writing_s3_object(place.client, missing, "key"),
    ):
        pytest.fail("a missing bucket was opened")
