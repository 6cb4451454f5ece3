"""Check a release against its manifest: `python -m synthetics.verify s3://bucket/released/…/manifest.json`.

A manifest of a copied release is named by its path. S3 is found as the AWS command line finds it (AWS_PROFILE,
AWS_ENDPOINT_URL …): whoever was given a release can check it without Airflow. Ends with 0 if all is as the manifest
says, 1 if anything differs, 2 if there is no manifest to check against.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import io
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any, BinaryIO

from synthetics.provenance import json_sha256, scores_of
from synthetics.release import DATA, MANIFEST_VERSION, QUALITY_REPORT

BLOCK = 1 << 20

Opener = Callable[[str], AbstractContextManager[BinaryIO]]


class NoManifestError(ValueError):
    """There is nothing to check against; the message says why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m synthetics.verify", description=__doc__)
    parser.add_argument("manifest", help="s3://bucket/key or path of a release's manifest.json")
    uri = parser.parse_args(arguments).manifest
    try:
        manifest, open_file = open_release(uri)
    except NoManifestError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    differences = list(verify(manifest, open_file))
    for difference in differences:
        sys.stdout.write(f"differs: {difference}\n")
    if not differences:
        of = f"{manifest['data']['rows']} rows of {manifest['pipeline']}, {manifest['run_id']}"
        sys.stdout.write(f"as its manifest says: {of}\n")
    return 1 if differences else 0


def verify(manifest: dict[str, Any], open_file: Opener) -> Iterator[str]:
    """Compare a release with its manifest.

    :param open_file: opens a file that lies beside the manifest, by its name; OSError if it is not there.
    :return: each difference, with what was found and what was expected.
    """
    files = {DATA: manifest["data"], **manifest["files"]}
    damage = {name: list(_compare_bytes(name, facts, open_file)) for name, facts in files.items()}
    for differences in damage.values():
        yield from differences
    if not damage[DATA]:
        yield from _compare_rows(manifest["data"], open_file)
    if not damage[QUALITY_REPORT]:
        yield from _compare_report(manifest, open_file)
    model = manifest["model"]
    yield from _compare("model.config_sha256", json_sha256(model["config"]), model["config_sha256"])
    if not manifest["gates"]:
        yield "gates: no gate was asked, expected at least one"
    for gate in manifest["gates"]:
        yield from _compare(f"gates.{gate['name']}.passed", gate["passed"], True)
    if manifest["approval"]:
        yield from _compare("approval.decision", manifest["approval"]["decision"], "Approve")


def _compare_bytes(name: str, facts: dict[str, Any], open_file: Opener) -> Iterator[str]:
    """Compare a file's size and hash."""
    size, digest = 0, hashlib.sha256()
    try:
        with open_file(name) as file:
            while block := file.read(BLOCK):
                size += len(block)
                digest.update(block)
    except OSError as error:
        yield f"{name}: cannot be read ({error}), expected {facts['bytes']} bytes"
        return
    yield from _compare(f"{name}: bytes", size, facts["bytes"])
    yield from _compare(f"{name}: sha256", digest.hexdigest(), facts["sha256"])


def _compare_rows(data: dict[str, Any], open_file: Opener) -> Iterator[str]:
    with open_file(DATA) as packed, gzip.open(packed) as plain:
        records = csv.reader(io.TextIOWrapper(plain, encoding="utf-8", newline=""))
        header = next(records, [])
        rows = sum(1 for _ in records)
    yield from _compare(f"{DATA}: columns", header, [column["name"] for column in data["columns"]])
    yield from _compare(f"{DATA}: rows", rows, data["rows"])


def _compare_report(manifest: dict[str, Any], open_file: Opener) -> Iterator[str]:
    """Compare what the report says with what the manifest says of it."""
    with open_file(QUALITY_REPORT) as file:
        report = json.load(file)
    model_id = (report.get("model") or {}).get("model_id", manifest["model"]["model_id"])  # Gretel's own do not say
    yield from _compare(f"{QUALITY_REPORT}: model", model_id, manifest["model"]["model_id"])
    found, expected = scores_of(report), manifest["scores"]
    for name in sorted({*found, *expected}):
        yield from _compare(f"scores.{name}", found.get(name), expected.get(name))


def _compare(what: str, found: Any, expected: Any) -> Iterator[str]:
    if found != expected:
        yield f"{what}: found {found!r}, expected {expected!r}"


def open_release(uri: str) -> tuple[dict[str, Any], Opener]:
    """Read a manifest; return it with a way to open the files beside it.

    :raises NoManifestError: there is none, or of another version.
    """
    folder, _, name = uri.rpartition("/")
    open_file = _from_s3(folder) if uri.startswith("s3://") else _from_disk(Path(folder or "."))
    try:
        with open_file(name) as file:
            manifest = json.load(file)
    except (OSError, ValueError) as error:
        raise NoManifestError(f"{uri} is no manifest that can be read: {error}") from error
    version = manifest.get("schema_version") if isinstance(manifest, dict) else None
    if version != MANIFEST_VERSION:
        raise NoManifestError(f"{uri} has schema_version {version!r}, expected {MANIFEST_VERSION}")
    return manifest, open_file


def _from_disk(folder: Path) -> Opener:
    return lambda name: (folder / name).open("rb")


def _from_s3(folder: str) -> Opener:
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    bucket, _, prefix = folder.removeprefix("s3://").partition("/")
    client = boto3.client("s3")

    def open_file(name: str) -> AbstractContextManager[BinaryIO]:
        try:
            return closing(client.get_object(Bucket=bucket, Key=f"{prefix}/{name}")["Body"])  # type: ignore[arg-type]
        except (BotoCoreError, ClientError) as error:
            raise OSError(str(error)) from error

    return open_file


if __name__ == "__main__":
    sys.exit(main())
