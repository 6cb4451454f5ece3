"""The training data on S3, read as a stream."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import urlsplit

from airflow.sdk.exceptions import AirflowException, AirflowFailException

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

FORMATS = (".csv", ".csv.gz")
GONE = {"404", "NoSuchKey", "NoSuchBucket", "PreconditionFailed", "412"}
HOW_TO_HEAL = "Clear the run from the task that extracts the data, downstream tasks included"


class S3Source:
    """One object on S3.

    :param uri: `s3://bucket/key.csv` or `….csv.gz`
    :param aws_conn_id: Airflow connection to S3
    :param sha256: expected hexadecimal digest of the object's bytes; unchecked if not given
    """

    def __init__(self, uri: str, aws_conn_id: str, sha256: str | None = None) -> None:
        parts = urlsplit(uri)
        self.uri, self.bucket, self.key = uri, parts.netloc, parts.path.lstrip("/")
        self.suffix = next((suffix for suffix in FORMATS if self.key.endswith(suffix)), "")
        if parts.scheme != "s3" or not self.bucket or not self.suffix:
            raise AirflowFailException(
                f"data_source is {uri!r}, expected s3://bucket/key ending in {' or '.join(FORMATS)}. Correct the DAG."
            )
        self._aws_conn_id = aws_conn_id
        self._sha256 = sha256

    @property
    def content_hash(self) -> str:
        """Identify the object's content: by the given digest, else by what S3 knows of it."""
        return self._sha256 or f"{self._head['ETag']}:{self.size}"

    @property
    def size(self) -> int:
        """Length in bytes; an empty object is an error."""
        size = int(self._head["ContentLength"])
        if size == 0:
            raise AirflowFailException(f"Training data {self.uri} is empty: there is nothing to learn. {HOW_TO_HEAL}.")
        return size

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Stream the object as it was when it was first looked at, and check its digest once it was read.

        :raises AirflowFailException: when the bytes are not the ones that were extracted
        """
        with self._errors():
            body = self._client.get_object(Bucket=self.bucket, Key=self.key, IfMatch=self._head["ETag"])["Body"]
            reader = _HashingReader(body)
            with body:
                yield reader  # type: ignore[misc]
        if self._sha256 and reader.hexdigest() != self._sha256:
            raise AirflowFailException(
                f"Training data {self.uri} has SHA-256 {reader.hexdigest()}, expected {self._sha256}: it was changed "
                f"or truncated since it was extracted. {HOW_TO_HEAL}."
            )

    @cached_property
    def _client(self) -> S3Client:
        from airflow.providers.amazon.aws.hooks.s3 import S3Hook

        return S3Hook(aws_conn_id=self._aws_conn_id).get_conn()

    @cached_property
    def _head(self) -> Any:
        with self._errors():
            return self._client.head_object(Bucket=self.bucket, Key=self.key)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Name object, connection and remedy when S3 refuses."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except ClientError as exc:
            code = exc.response.get("Error", {}).get("Code", "")
            if code in GONE:
                raise AirflowFailException(f"Training data {self.uri} is gone or was replaced. {HOW_TO_HEAL}.") from exc
            if code in {"403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch"}:
                raise AirflowFailException(
                    f"Training data {self.uri} may not be read ({code}). Check key and rights of connection "
                    f"{self._aws_conn_id}."
                ) from exc
            raise AirflowException(f"Training data {self.uri} could not be read: {exc}. Retry later.") from exc
        except BotoCoreError as exc:
            raise AirflowException(
                f"Training data {self.uri} could not be read: {exc}. Check endpoint and key of connection "
                f"{self._aws_conn_id}, and that S3 runs."
            ) from exc


class _HashingReader:
    """Reads a stream and computes its SHA-256 on the way."""

    def __init__(self, source: Any) -> None:
        self._source = source
        self._digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        chunk: bytes = self._source.read(None if size < 0 else size)
        self._digest.update(chunk)
        return chunk

    def hexdigest(self) -> str:
        return self._digest.hexdigest()
