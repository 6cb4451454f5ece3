"""Writes files for loads, as the extract would, without one: every value and moment is the test's."""

from __future__ import annotations

import gzip
import io
import json
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from mypy_boto3_s3 import S3Client

from warehouse.load_plan import LoadPlan, Relation
from warehouse.manifest import Manifest
from warehouse.plan_manifests import plan_manifests
from warehouse.redshift import Session

NULL = "NULL_0123456789abcdef"
FIRST = datetime(2021, 9, 17, tzinfo=UTC)
ARROW = {
    "SMALLINT": pa.int16(),
    "INTEGER": pa.int32(),
    "BIGINT": pa.int64(),
    "TIMESTAMP": pa.timestamp("us"),
    "BOOLEAN": pa.bool_(),
}

Row = Sequence[Any]


@dataclass(frozen=True)
class Table:
    """What the extract knows of a table.

    :param columns: name → Redshift's type.
    """

    name: str
    columns: Mapping[str, str]
    key: tuple[str, ...] = ("id",)
    order_key: str = "updated_at"
    deleted_flag: str | None = None

    def only(self, *names: str) -> Table:
        """The same with these columns, in this order."""
        return replace(self, columns={name: self.columns[name] for name in names})


@dataclass(frozen=True)
class Lake:
    """A place on S3."""

    client: S3Client
    bucket: str
    prefix: str

    def put(self, name: str, body: bytes) -> str:
        """Write an object and return its URL."""
        key = f"{self.prefix}/{name}"
        self.client.put_object(Bucket=self.bucket, Key=key, Body=body)
        return f"s3://{self.bucket}/{key}"

    def put_batch(
        self,
        table: Table,
        rows: Sequence[Row],
        *,
        target: str,
        extracted_at: datetime = FIRST,
        file_format: str = "csv",
        parts: int = 1,
        window: tuple[datetime, datetime] | None = (FIRST, FIRST.replace(day=18)),
        **extract: Any,
    ) -> tuple[str, Manifest]:
        """Write rows as parts and a manifest with true counts; `extract` replaces keys of its own block."""
        manifest_id = str(uuid.uuid4())
        encode = parquet_bytes if file_format == "parquet" else csv_bytes
        entries = []
        for number in range(parts if rows else 0):
            share = rows[number::parts]
            body = encode(table, share)
            url = self.put(f"{manifest_id}/part-{number:05d}", body)
            meta = {"content_length": len(body), "record_count": len(share)}
            entries.append({"url": url, "mandatory": True, "meta": meta})
        block = {
            "schema_version": 1,
            "manifest_id": manifest_id,
            "extracted_at": extracted_at.isoformat(),
            "source": {"database": "prod", "table": table.name, "server": "test"},
            "target": target,
            "mode": "mutable",
            "primary_key": table.key,
            "order_key": table.order_key,
            "deleted_flag": table.deleted_flag,
            "window": window
            and {
                "start": window[0].isoformat(),
                "end": window[1].isoformat(),
                "lookback_minutes": 0,
                "cursor_timezone": "UTC",
            },
            "columns": [
                {"name": name, "source_type": kind, "type": kind, "nullable": True, "pii": None}
                for name, kind in table.columns.items()
            ],
            "dialect": {
                "format": file_format,
                "compression": None if file_format == "parquet" else "gzip",
                "null_as": NULL,
            },
            "counts": count(table, rows),
        }
        text = json.dumps({"entries": entries, "extract": block | extract}, default=str)
        url = self.put(f"{manifest_id}/manifest.json", text.encode())
        return url, Manifest.from_json(text, url)


def plan(*manifests: tuple[str, Manifest], audit: Relation, **options: Any) -> Callable[[Session], LoadPlan]:
    """A plan as `load` takes it."""
    planned = plan_manifests(dict(manifests), audit=audit, **options)
    return lambda _: planned


def count(table: Table, rows: Sequence[Row]) -> dict[str, Any]:
    """The counts that a manifest has."""
    columns = {name: [row[place] for row in rows] for place, name in enumerate(table.columns)}
    present = {name: [value for value in values if value is not None] for name, values in columns.items()}
    summed = [name for name, kind in table.columns.items() if kind in {"SMALLINT", "INTEGER", "BIGINT"}]
    return {
        "rows": len(rows),
        "non_null": {name: len(values) for name, values in present.items()},
        "sums": {name: str(sum(map(Decimal, present[name]))) if present[name] else None for name in summed},
        "zero_dates": {},
    }


def csv_bytes(table: Table, rows: Iterable[Row], *, null: str = NULL) -> bytes:
    """The contract's CSV, gzipped."""
    lines = [
        ",".join(_field(value, kind, null) for value, kind in zip(row, table.columns.values(), strict=True)) + "\n"
        for row in rows
    ]
    return gzip.compress("".join(lines).encode())


def _field(value: Any, kind: str, null: str) -> str:
    if value is None:
        return null
    if isinstance(value, bool):
        return str(value).lower()
    if kind.startswith("VARCHAR"):
        escaped = value.replace('"', '""')
        return f'"{escaped}"'
    return value.isoformat(" ") if isinstance(value, datetime) else str(value)


def parquet_bytes(table: Table, rows: Sequence[Row]) -> bytes:
    """The contract's Parquet."""
    schema = pa.schema([pa.field(name, ARROW.get(kind, pa.string())) for name, kind in table.columns.items()])
    columns = [pa.array([row[place] for row in rows], field.type) for place, field in enumerate(schema)]
    target = io.BytesIO()
    pq.write_table(pa.Table.from_arrays(columns, schema=schema), target)
    return target.getvalue()
