"""The files a COPY loads: credentials, prefixes, manifests, and their bytes."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NoReturn

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from services.redshift.copy.decompress import decompressed
from services.redshift.copy.statement import Authorization, CopyStatement, parse_url
from services.redshift.errors import SqlError, internal
from services.redshift.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CHUNK = 1 << 20
DEFAULT_REGION = "us-east-1"


@dataclass(frozen=True)
class SourceFile:
    """One object to load.

    :param size: in bytes, as S3 holds it
    """

    bucket: str
    key: str
    size: int

    @property
    def url(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


class Source:
    """S3 as one COPY may read it.

    :param statement: says what to read and with which credentials
    :param user: the session's user, for the error about a role
    """

    def __init__(self, settings: Settings, statement: CopyStatement, user: str) -> None:
        self.statement = statement
        self.client = _client(settings, statement, user)

    def files(self) -> list[SourceFile]:
        """Find the files.

        :raises SqlError: none there, one that must be there is not, or S3 refuses
        """
        try:
            found = self._from_manifest() if self.statement.manifest else self._from_prefix()
        except (ClientError, BotoCoreError) as error:
            _raise(error, f"S3 key being read : s3://{self.statement.bucket}/{self.statement.key}")
        if not found:
            raise internal(f"The specified S3 prefix '{self.statement.key}' does not exist", detail=_detail("8001"))
        return found

    def chunks(self, file: SourceFile) -> Iterator[bytes]:
        """Read a file's bytes, decompressed.

        :raises SqlError: S3 refuses, the connection breaks, or the file is damaged
        """
        try:
            body = self.client.get_object(Bucket=file.bucket, Key=file.key)["Body"]
            with body:
                yield from decompressed(body, self.statement.compression, file.url)
        except (ClientError, BotoCoreError) as error:
            _raise(error, f"S3 key being read : {file.url}")

    def _from_prefix(self) -> list[SourceFile]:
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.statement.bucket, Prefix=self.statement.key
        )
        return [
            SourceFile(self.statement.bucket, item["Key"], item["Size"])
            for page in pages
            for item in page.get("Contents", [])
        ]

    def _from_manifest(self) -> list[SourceFile]:
        files = []
        for url, mandatory, length in self._entries():
            bucket, key = parse_url(url)
            size = self._size(bucket, key)
            if size is None and mandatory:
                raise internal(
                    "S3ServiceException:The specified key does not exist.,Status 404,Error NoSuchKey,CanRetry 1",
                    detail=_detail("8001", f"Mandatory file of the manifest is missing : {url}"),
                )
            if size is not None and length not in {None, size}:
                raise internal(f"File {url} has {size} bytes, and {length} by the manifest's content_length")
            if size is not None:
                files.append(SourceFile(bucket, key, size))
        return files

    def _entries(self) -> Iterator[tuple[str, bool, int | None]]:
        manifest = f"s3://{self.statement.bucket}/{self.statement.key}"
        for entry in self._read_manifest(manifest):
            url = entry.get("url") if isinstance(entry, dict) else None
            mandatory = entry.get("mandatory", False) if isinstance(entry, dict) else None
            if not isinstance(url, str) or not isinstance(mandatory, bool):
                raise _bad_manifest(
                    manifest, 'each of its "entries" needs a "url" and may have "mandatory": true or false'
                )
            length = (entry.get("meta") or {}).get("content_length")
            if self.statement.file_format == "parquet" and not isinstance(length, int):
                raise _bad_manifest(manifest, f'the entry of {url} needs "meta": {{"content_length": …}} for PARQUET')
            yield url, mandatory, length

    def _read_manifest(self, url: str) -> list[Any]:
        try:
            answer = self.client.get_object(Bucket=self.statement.bucket, Key=self.statement.key)
        except ClientError as error:
            raise internal(
                f"Problem reading manifest file - {_s3_message(error)}", detail=_detail("8001", url)
            ) from error
        try:
            manifest = json.loads(answer["Body"].read())
        except ValueError as error:
            raise _bad_manifest(url, f"it is not JSON: {error}") from error
        entries = manifest.get("entries") if isinstance(manifest, dict) else None
        if not isinstance(entries, list):
            raise _bad_manifest(url, 'it needs a list "entries"')
        return entries

    def _size(self, bucket: str, key: str) -> int | None:
        try:
            return self.client.head_object(Bucket=bucket, Key=key)["ContentLength"]
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return None
            raise


def _client(settings: Settings, statement: CopyStatement, user: str) -> S3Client:
    authorization = statement.authorization
    if authorization.iam_role:
        _check_role(settings, authorization, user)
        authorization = Authorization()  # boto3 then takes the service's own
    with _clients_lock:  # making a client is not thread-safe, using one is
        return _cached_client(settings.s3_endpoint_url, statement.region or DEFAULT_REGION, authorization)


_session = boto3.session.Session()
_clients_lock = threading.Lock()


@lru_cache(maxsize=16)
def _cached_client(endpoint_url: str | None, region: str, authorization: Authorization) -> S3Client:
    """Make a client, which takes a tenth of a second, once for each authorization."""
    return _session.client(
        "s3",
        endpoint_url=endpoint_url,
        region_name=region,
        aws_access_key_id=authorization.access_key,
        aws_secret_access_key=authorization.secret_key,
        aws_session_token=authorization.token,
        config=Config(retries={"max_attempts": 3}, s3={"addressing_style": "path" if endpoint_url else "auto"}),
    )


def _check_role(settings: Settings, authorization: Authorization, user: str) -> None:
    role = authorization.iam_role
    if role not in settings.iam_roles and not (role == "default" and settings.iam_roles):
        raise internal(
            f"User arn:aws:redshift:{DEFAULT_REGION}:000000000000:dbuser:local/{user} is not authorized to assume "
            f"IAM Role {role}",
            detail=_detail("8001", f"IAM Role={role}"),
        )


def _raise(error: ClientError | BotoCoreError, context: str) -> NoReturn:
    raise internal(_s3_message(error), detail=_detail("8001", context)) from error


def _s3_message(error: ClientError | BotoCoreError) -> str:
    if not isinstance(error, ClientError):
        return f"S3ServiceException:{error}"
    answer = error.response
    status = answer["ResponseMetadata"]["HTTPStatusCode"]
    request = answer["ResponseMetadata"].get("RequestId", "")
    return (
        f"S3ServiceException:{answer['Error'].get('Message', '')},Status {status},"
        f"Error {answer['Error'].get('Code', '')},Rid {request},CanRetry 1"
    )


def _detail(code: str, context: str = "") -> str:
    return f"code: {code}, context: {context}" if context else f"code: {code}"


def _bad_manifest(url: str, why: str) -> SqlError:
    return internal(f"Problem reading manifest file - {url}: {why}", detail=_detail("8001", url))
