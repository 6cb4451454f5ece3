"""Releasing synthetic data to S3: the data first, its manifest last.

A release is a folder `released/<pipeline>/<run>/` with the data, the quality report and `manifest.json`. The manifest
is written last and removed first: whoever finds it finds a whole release, whenever a task was killed.
docs/release-manifest.md says what is in it.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, BinaryIO

from transfers.s3_object import HashingWriter, writing_s3_object

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MANIFEST_VERSION = 2
MANIFEST = "manifest.json"
DATA = "synthetic_features.csv.gz"
QUALITY_REPORT = "quality_report.json"
QUALITY_PAGE = "quality_report.html"


class ReleaseError(RuntimeError):
    """A release cannot be made; nothing was released. The message says why and what to do."""


@dataclass(frozen=True)
class ReleasedData:
    """The data file of a release.

    :param uri: where it lies, `s3://…`.
    :param rows: data rows, without the header.
    :param bytes: compressed size.
    :param sha256: of the compressed bytes.
    :param columns: `{"name", "type"}` of each, in order; PostgreSQL's name for the type, None where it is unknown.
    """

    uri: str
    rows: int
    bytes: int
    sha256: str
    columns: list[dict[str, str | None]]


def run_folder(prefix: str, pipeline: str, run_id: str) -> str:
    """Return the key prefix that belongs to one run, in characters that are safe in S3 keys and on the shell.

    :param prefix: `raw` or `released`.
    :return: for example `released/gretel_synthetics_airbnb_bookings/manual__2026-11-20T09-00-00-00-00-3f2a9c1d`.
        Run ids that differ only in replaced characters stay apart by a digest.
    """
    safe = re.sub(r"[^A-Za-z0-9_.-]+", "-", run_id)
    if safe != run_id:
        safe = f"{safe}-{hashlib.sha256(run_id.encode()).hexdigest()[:8]}"
    return f"{prefix}/{pipeline}/{safe}"


def write_data(
    artifact: BinaryIO,
    *,
    client: S3Client,
    bucket: str,
    folder: str,
    key_column: str,
    key_prefix: str,
    types: Mapping[str, str],
    rows: int,
) -> ReleasedData:
    """Stream a synthetic CSV to S3 with a new key column in front.

    The real keys never reached the model, so keys are made up here: `<key_prefix>-1`, `<key_prefix>-2` ….

    :param artifact: the CSV as plain bytes, with a header.
    :param types: column → type, as the source has them.
    :param rows: how many rows were asked for; any other number is an error.
    :raises ReleaseError: the artifact is truncated, ragged or of another length; no object is left behind.
    """
    with writing_s3_object(client, bucket, f"{folder}/{DATA}") as stored:
        counting = HashingWriter(stored)
        # mtime=0: the same data give the same bytes, and so the same hash.
        with gzip.GzipFile(filename="", fileobj=counting, mode="wb", mtime=0) as packed:
            text = io.TextIOWrapper(packed, encoding="utf-8", newline="", write_through=True)
            names, written = _copy_with_keys(_records(artifact), text, key_column, key_prefix)
            text.flush()
        if written != rows:
            raise ReleaseError(f"the synthetic data have {written} rows, {rows} were asked for: nothing is released")
    types = {**types, key_column: "text"}
    return ReleasedData(
        uri=f"s3://{bucket}/{folder}/{DATA}",
        rows=written,
        bytes=counting.size,
        sha256=counting.digest.hexdigest(),
        columns=[{"name": name, "type": types.get(name)} for name in names],
    )


def write_file(client: S3Client, bucket: str, folder: str, name: str, body: bytes) -> dict[str, Any]:
    """Write a file of a release.

    :return: its size and hash, for the manifest.
    """
    client.put_object(Bucket=bucket, Key=f"{folder}/{name}", Body=body)
    return {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}


def withdraw(client: S3Client, bucket: str, folder: str) -> None:
    """Remove the manifest, so that nobody takes a release while it is being replaced."""
    client.delete_object(Bucket=bucket, Key=f"{folder}/{MANIFEST}")


def write_manifest(client: S3Client, bucket: str, folder: str, data: ReleasedData, facts: dict[str, Any]) -> dict:
    """Write the manifest, which makes the release one.

    :param facts: what else is known: model, scores, gate decisions, the extract's snapshot and hashes.
    :return: the manifest.
    """
    manifest = {
        "schema_version": MANIFEST_VERSION,
        "created_at": datetime.now(UTC).isoformat(),
        "data": asdict(data),
        **facts,
    }
    body = json.dumps(manifest, indent=2, sort_keys=True).encode()
    client.put_object(Bucket=bucket, Key=f"{folder}/{MANIFEST}", Body=body, ContentType="application/json")
    return manifest


def _records(artifact: BinaryIO) -> Iterator[list[str]]:
    """Read CSV records, turning every way of being truncated into one error."""
    try:
        yield from csv.reader(io.TextIOWrapper(artifact, encoding="utf-8", newline=""), strict=True)
    except (EOFError, OSError, csv.Error, UnicodeDecodeError) as error:
        raise ReleaseError(
            f"the synthetic data cannot be read to their end ({error}): nothing is released. "
            "Clear this task to fetch them again; if that fails too, clear from generate_synthetic_features."
        ) from error


def _copy_with_keys(
    records: Iterator[list[str]], target: io.TextIOWrapper, key_column: str, key_prefix: str
) -> tuple[list[str], int]:
    header = next(records, None)
    if not header:
        raise ReleaseError("the synthetic data are empty, without even a header: nothing is released")
    if key_column in header:
        raise ReleaseError(f"the synthetic data have a column {key_column!r}: the model was trained on the entity key")
    columns = [key_column, *header]
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(columns)
    number = 0
    for number, record in enumerate(records, start=1):
        if len(record) != len(header):
            raise ReleaseError(f"row {number} of the synthetic data has {len(record)} fields, expected {len(header)}")
        writer.writerow([f"{key_prefix}-{number}", *record])
    return columns, number
