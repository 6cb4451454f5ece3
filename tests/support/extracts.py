"""Reads extracts from S3 by the rules of docs/warehouse-contract.md, sharing no code with what writes them."""

from __future__ import annotations

import gzip
import io
import json
import re
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np
import pyarrow.parquet
import zstandard

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

FIELD = re.compile(rb'"((?:[^"]|"")*)"([,\n])|([^",\n]*)([,\n])')


def read_object(client: S3Client, url: str) -> bytes:
    """The bytes of an s3:// URL."""
    parts = urlsplit(url)
    return client.get_object(Bucket=parts.netloc, Key=parts.path.lstrip("/"))["Body"].read()


def read_manifest(client: S3Client, url: str) -> dict[str, Any]:
    """The manifest as plain JSON."""
    return json.loads(read_object(client, url))


def read_rows(client: S3Client, manifest: dict[str, Any]) -> list[tuple[Any, ...]]:
    """All rows, values as Python has them for their Redshift type; checks what the manifest says of each part."""
    rows: list[tuple[Any, ...]] = []
    for entry in manifest["entries"]:
        body = read_object(client, entry["url"])
        part = decode_part(body, manifest["extract"])
        assert entry["mandatory"] is True
        assert entry["meta"] == {"content_length": len(body), "record_count": len(part)}
        rows += part
    return rows


def decode_part(body: bytes, extract: dict[str, Any]) -> list[tuple[Any, ...]]:
    """The rows of one part."""
    dialect, types = extract["dialect"], [column["type"] for column in extract["columns"]]
    if dialect["format"] == "parquet":
        table = pyarrow.parquet.read_table(io.BytesIO(body))
        assert table.schema.names == [column["name"] for column in extract["columns"]]
        return [tuple(row.values()) for row in table.to_pylist()]
    text = gzip.decompress(body) if dialect["compression"] == "gzip" else _unzstd(body)
    null_as = dialect["null_as"].encode()
    return [tuple(_value(field, kind, null_as) for field, kind in zip(row, types, strict=True)) for row in parse(text)]


def parse(text: bytes) -> list[list[tuple[bytes, bool]]]:
    """CSV into fields, each with whether it was quoted. Whatever the dialect does not allow fails."""
    rows: list[list[tuple[bytes, bool]]] = []
    row: list[tuple[bytes, bool]] = []
    position = 0
    while position < len(text):
        found = FIELD.match(text, position)
        assert found, f"not the dialect at byte {position}: {text[position : position + 40]!r}"
        quoted = found[2] is not None
        row.append((found[1].replace(b'""', b'"'), True) if quoted else (found[3], False))
        if (found[2] or found[4]) == b"\n":
            rows.append(row)
            row = []
        position = found.end()
    assert not row, "the last line has no line break"
    return rows


def _value(field: tuple[bytes, bool], kind: str, null_as: bytes) -> Any:
    raw, quoted = field
    if raw == null_as:
        assert not quoted, "a value equals the NULL marker"
        return None
    assert quoted == (kind.startswith("VARCHAR") or kind == "SUPER"), f"{kind} {raw!r}"
    text = raw.decode()
    if quoted:
        return json.loads(text, parse_float=Decimal) if kind == "SUPER" else text
    if kind.startswith("VARBYTE"):
        return bytes.fromhex(text)
    if kind.startswith("DECIMAL"):
        return Decimal(text)
    return PARSERS[kind](text)


PARSERS: dict[str, Any] = {
    "SMALLINT": int,
    "INTEGER": int,
    "BIGINT": int,
    "REAL": lambda text: float(np.float32(text)),
    "DOUBLE PRECISION": float,
    "BOOLEAN": {"true": True, "false": False}.__getitem__,
    "DATE": date.fromisoformat,
    "TIMESTAMP": datetime.fromisoformat,
}


def _unzstd(body: bytes) -> bytes:
    with zstandard.ZstdDecompressor().stream_reader(body) as reader:
        return reader.read()
