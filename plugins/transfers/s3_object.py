"""Writing one S3 object as a stream: it appears whole, or not at all.

boto3's own calls rather than smart_open: when smart_open cannot abort an upload (S3 is away for a moment), its writer
completes it later, while it is garbage-collected, and a truncated object appears.
"""

from __future__ import annotations

import hashlib
import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from transfers.extract_errors import DestinationError, DestinationRefusedError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

PART_BYTES = 8 * 1024**2  # S3 takes 10,000 parts: objects of up to 80 GB

log = logging.getLogger(__name__)


class S3ObjectWriter:
    """Collects bytes into parts and uploads each when it is full; an object below one part is put in one piece."""

    def __init__(self, client: S3Client, bucket: str, key: str) -> None:
        self._client = client
        self._bucket, self._key = bucket, key
        self._buffer = bytearray()
        self._upload_id: str | None = None
        self._parts: list[CompletedPartTypeDef] = []

    def write(self, data: bytes | bytearray) -> int:
        """Take all of `data`, and return its size."""
        self._buffer += data
        while len(self._buffer) >= PART_BYTES:
            self._upload_part()
        return len(data)

    def complete(self) -> None:
        """Make the object appear."""
        if self._upload_id is None:
            self._client.put_object(Bucket=self._bucket, Key=self._key, Body=bytes(self._buffer))
            return
        if self._buffer:
            self._upload_part()
        self._client.complete_multipart_upload(
            Bucket=self._bucket, Key=self._key, UploadId=self._upload_id, MultipartUpload={"Parts": self._parts}
        )

    def abort(self) -> None:
        """Remove the parts uploaded so far."""
        if self._upload_id is None:
            return
        try:
            self._client.abort_multipart_upload(Bucket=self._bucket, Key=self._key, UploadId=self._upload_id)
        except (BotoCoreError, ClientError) as error:
            log.warning(
                "cannot abort the upload (%s): its parts stay, unreadable, until a lifecycle rule ends them", error
            )

    def _upload_part(self) -> None:
        if self._upload_id is None:
            self._upload_id = self._client.create_multipart_upload(Bucket=self._bucket, Key=self._key)["UploadId"]
        number = len(self._parts) + 1
        answer = self._client.upload_part(
            Bucket=self._bucket,
            Key=self._key,
            UploadId=self._upload_id,
            PartNumber=number,
            Body=bytes(memoryview(self._buffer)[:PART_BYTES]),
        )
        self._parts.append({"PartNumber": number, "ETag": answer["ETag"]})
        del self._buffer[:PART_BYTES]


class HashingWriter(io.RawIOBase):
    """Passes bytes on and keeps their number and hash."""

    def __init__(self, target: S3ObjectWriter) -> None:
        self._target = target
        self.size = 0
        self.digest = hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, block: Any) -> int:
        self._target.write(block)
        self.digest.update(block)
        self.size += len(block)
        return len(block)


@contextmanager
def writing_s3_object(client: S3Client, bucket: str, key: str) -> Iterator[S3ObjectWriter]:
    """Open an object for writing; leaving the block by an exception leaves nothing behind.

    A process that is killed leaves parts that nobody can read; a lifecycle rule (AbortIncompleteMultipartUpload)
    removes them.

    :raises DestinationRefusedError: the bucket is missing or closed to us.
    :raises DestinationError: S3 cannot be reached, or broke off.
    """
    writer = S3ObjectWriter(client, bucket, key)
    with clear_s3_errors(f"write s3://{bucket}/{key}"):
        try:
            _check_bucket(client, bucket)
            yield writer
            writer.complete()
        except BaseException:
            writer.abort()
            raise


@contextmanager
def clear_s3_errors(doing: str) -> Iterator[None]:
    """Turn what S3's client raises inside the block into one error that says what to do.

    :param doing: what was tried, to follow "cannot", such as "delete s3://bucket/key".
    :raises DestinationRefusedError: the bucket is missing or closed to us.
    :raises DestinationError: S3 cannot be reached, or broke off.
    """
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        error_class, remedy = _explain(error)
        raise error_class(f"cannot {doing}: {str(error).rstrip('.')}. {remedy}") from error


def _check_bucket(client: S3Client, bucket: str) -> None:
    """Find a missing bucket now rather than after the query. Not being allowed to ask (403) proves nothing."""
    try:
        client.head_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 403:
            raise


def _explain(error: BotoCoreError | ClientError) -> tuple[type[DestinationError], str]:
    code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
    if code in {"404", "NoSuchBucket"}:
        return DestinationRefusedError, "There is no such bucket: create it, or correct the bucket's name."
    if isinstance(error, NoCredentialsError) or code in {
        "403",
        "AccessDenied",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
    }:
        remedy = (
            "Check the connection's access key, and that it may s3:PutObject, s3:DeleteObject and "
            "s3:AbortMultipartUpload there."
        )
        return DestinationRefusedError, remedy
    return DestinationError, "Check that S3 is up and that the connection's endpoint_url is right; then retry."
