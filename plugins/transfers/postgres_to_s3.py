"""PostgreSQL → S3: the rows of a feature query, without their key, streamed into one CSV object."""

from __future__ import annotations

import gzip
import hashlib
import logging
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from psycopg.abc import Buffer

from synthetics.feature_query import FeatureQuery
from synthetics.subjects import SUBJECTS, SubjectKey
from transfers.extract_errors import QueryError
from transfers.feature_source import FeatureSource, feature_source
from transfers.s3_object import HashingWriter, S3ObjectWriter, writing_s3_object

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BATCH_BYTES = 256 * 1024  # COPY hands out single rows; hashing and writing go better by the batch

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Column:
    """A column of the extract with PostgreSQL's name for its type."""

    name: str
    type: str


@dataclass(frozen=True)
class SubjectList:
    """Keyed hashes of the entity keys of an extract, beside it on S3: sorted, gzipped, a line each.

    :param scope: the release it is for, from which its key is derived.
    :param secret_id: names the secret without telling it.
    """

    key: str
    scope: str
    secret_id: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Extract:
    """An extract that lies on S3 whole.

    :param rows: number of rows, the header not counted.
    :param bytes: size of the object.
    :param columns: what is in it; the entity key is not.
    :param sha256: of the object's bytes.
    :param query_sha256: of the SQL that was executed.
    :param snapshot_at: the moment whose data this is, ISO 8601, UTC.
    :param subjects: whose data this is, if that was asked for.
    """

    bucket: str
    key: str
    rows: int
    bytes: int
    columns: tuple[Column, ...]
    sha256: str
    query_sha256: str
    snapshot_at: str
    subjects: SubjectList | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, fit for JSON and XCom."""
        return asdict(self)


def copy_query_to_s3(
    *,
    connect: Callable[[], Any],
    query: FeatureQuery,
    s3_client: S3Client,
    bucket: str,
    key: str,
    source_name: str = "PostgreSQL",
    subject_key: SubjectKey | None = None,
) -> Extract:
    """Stream the rows of a feature query, without the entity key, into one CSV object on S3.

    The query is executed once, in a read-only transaction and on one snapshot. PostgreSQL itself proves that every row
    has a key of its own and leaves the key out: it never reaches this process. Memory stays flat whatever the size.
    The object appears whole or not at all.

    :param connect: opens a psycopg 3 connection, such as a PostgresHook's `get_conn`; it is closed here.
    :param query: rendered, see :meth:`FeatureQuery.render`.
    :param key: the object's key; an object that is there already is replaced.
    :param source_name: what messages call the database, such as the connection's id.
    :param subject_key: if given, a list of the entity keys, hashed with it, is written beside the object.
    :raises transfers.extract_errors.ExtractError: one of its kinds, for everything that can be foreseen.
    """
    with feature_source(connect, query, source_name) as source:
        snapshot_at = source.begin()
        columns = source.columns()
        with writing_s3_object(s3_client, bucket, key) as target, closing(source.stream(columns)) as lines:
            size, sha256 = _write(lines, target)
        rows = source.rows
        subjects = None
        if subject_key:
            folder = key.rpartition("/")[0]
            subjects = _write_subjects(source, subject_key, s3_client, bucket, f"{folder}/{SUBJECTS}")
            if source.rows != rows:
                raise QueryError(
                    f"{query.path}: the query returned {rows} rows and then, on the same snapshot, {source.rows}: it "
                    "depends on chance. Give it an order, so that the list of subjects is of the rows extracted"
                )
    log.info("extracted %d rows, %d bytes from %s to s3://%s/%s", rows, size, source_name, bucket, key)
    return Extract(
        bucket=bucket,
        key=key,
        rows=rows,
        bytes=size,
        columns=tuple(Column(column.name, column.type_display) for column in columns),
        sha256=sha256,
        query_sha256=query.sha256,
        snapshot_at=snapshot_at.isoformat(),
        subjects=subjects,
    )


def _write(lines: Iterable[Buffer], target: S3ObjectWriter) -> tuple[int, str]:
    """Write all lines, and return their size in bytes and their SHA-256."""
    digest, size, batch = hashlib.sha256(), 0, bytearray()

    def flush() -> None:
        nonlocal size
        digest.update(batch)
        size += target.write(batch)
        batch.clear()

    for line in lines:
        batch += line
        if len(batch) >= BATCH_BYTES:
            flush()
    flush()
    return size, digest.hexdigest()


def _write_subjects(
    source: FeatureSource, subject_key: SubjectKey, client: S3Client, bucket: str, key: str
) -> SubjectList:
    with writing_s3_object(client, bucket, key) as target:
        counting = HashingWriter(target)
        with gzip.GzipFile(filename="", fileobj=counting, mode="wb", mtime=0) as lines:
            for line in source.subjects(subject_key.pads()):
                lines.write(line)
    return SubjectList(
        key=key,
        scope=subject_key.scope,
        secret_id=subject_key.secret_id,
        bytes=counting.size,
        sha256=counting.digest.hexdigest(),
    )
