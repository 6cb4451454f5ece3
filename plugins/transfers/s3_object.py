"""Writing one S3 object as a stream: it appears whole, or not at all."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from transfers.extract_errors import DestinationError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PART_BYTES = 16 * 1024**2  # S3 takes 10,000 parts: objects of up to 160 GB, for 16 MB of memory

log = logging.getLogger(__name__)


@contextmanager
def writing_s3_object(client: S3Client, bucket: str, key: str) -> Iterator[IO[bytes]]:
    """Open an object for writing; leaving the block by an exception leaves nothing behind.

    A process that is killed leaves parts that nobody can read; a lifecycle rule (AbortIncompleteMultipartUpload)
    removes them.

    :raises DestinationError: the bucket is missing or closed to us, or S3 cannot be reached.
    """
    import smart_open.s3

    writer: Any = None
    try:
        _check_bucket(client, bucket)
        writer = smart_open.s3.open(bucket, key, "wb", min_part_size=PART_BYTES, client=client)
        yield writer
        writer.close()
    except BaseException as error:
        if writer:
            _abort(writer)
        # smart_open wraps what botocore raises into ValueError or OSError.
        if isinstance(error, (BotoCoreError, ClientError)) or isinstance(error.__cause__, (BotoCoreError, ClientError)):
            raise DestinationError(f"cannot write s3://{bucket}/{key}: {error}. {_remedy(error)}") from error
        if isinstance(error, OSError):
            raise DestinationError(
                f"cannot write s3://{bucket}/{key}: S3 went away ({error}). {_remedy(error)}"
            ) from error
        raise


def _check_bucket(client: S3Client, bucket: str) -> None:
    """Find a missing bucket now rather than after the query. Not being allowed to ask (403) proves nothing."""
    try:
        client.head_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 403:
            raise


def _remedy(error: BaseException) -> str:
    reason = error if isinstance(error, ClientError) else error.__cause__
    code = reason.response["Error"]["Code"] if isinstance(reason, ClientError) else ""
    if code in {"404", "NoSuchBucket"}:
        return "There is no such bucket: create it, or correct the bucket's name."
    if code in {"403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch"}:
        return "Check the connection's access key, and that it may s3:PutObject and s3:AbortMultipartUpload there."
    return "Check that S3 is up and that the connection's endpoint_url is right; then retry."


def _abort(writer: Any) -> None:
    try:
        writer.terminate()
    except (BotoCoreError, ClientError, OSError) as error:
        log.warning(
            "cannot abort the upload (%s); its parts stay, unreadable, until a lifecycle rule removes them", error
        )
