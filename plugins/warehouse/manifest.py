"""The manifest between extract and load: a Redshift COPY manifest with a block of our own.

docs/warehouse-contract.md says what each key means. Version 1 is what these models are.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer, ValidationError

from warehouse.config import Pii
from warehouse.errors import ManifestError

SCHEMA_VERSION = 1


def _utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("has no time zone")
    return value.astimezone(UTC)


Moment = Annotated[datetime, AfterValidator(_utc)]
ExactNumber = Annotated[Decimal, PlainSerializer(lambda number: f"{number:f}", return_type=str)]


class _Block(BaseModel):
    # Keys may be added within a version; a reader ignores those it does not know.
    model_config = ConfigDict(frozen=True, extra="ignore")


class PartMeta(_Block):
    """Size of a part: bytes and rows."""

    content_length: int
    record_count: int


class Entry(_Block):
    """One part."""

    url: str
    mandatory: Literal[True] = True
    meta: PartMeta


class Source(_Block):
    """Where the rows come from."""

    database: str
    table: str
    server: str


class WindowBlock(_Block):
    """The window of time: `start` ≤ cursor < `end`, the lookback not subtracted."""

    start: Moment
    end: Moment
    lookback_minutes: int
    cursor_timezone: str


class KeyRange(_Block):
    """A range of an integer key: `lower` ≤ key < `upper`, None being open."""

    column: str
    lower: int | None = None
    upper: int | None = None


class ColumnBlock(_Block):
    """A column of the files."""

    name: str
    source_type: str
    type: str
    nullable: bool
    pii: Pii | None = None


class Dialect(_Block):
    """How the files are written.

    :param compression: of CSV; None for Parquet, which compresses itself.
    :param null_as: the marker of NULL in CSV.
    """

    format: Literal["csv", "parquet"]
    compression: Literal["gzip", "zstd"] | None = None
    null_as: str | None = None


class Counts(_Block):
    """What the files hold, measured in the source."""

    rows: int
    non_null: dict[str, int]
    sums: dict[str, ExactNumber | None]
    zero_dates: dict[str, int] = {}


class Extract(_Block):
    """Our own block."""

    schema_version: Literal[1] = 1
    manifest_id: str
    extracted_at: Moment
    source: Source
    target: str
    mode: Literal["mutable", "append"]
    primary_key: tuple[str, ...]
    order_key: str
    deleted_flag: str | None = None
    window: WindowBlock | None = None
    key_range: KeyRange | None = None
    columns: tuple[ColumnBlock, ...]
    dialect: Dialect
    counts: Counts
    hash_key_id: str | None = None


class Manifest(_Block):
    """The whole file."""

    entries: tuple[Entry, ...] = Field(default=())
    extract: Extract

    def to_json(self) -> str:
        """The file's text."""
        return self.model_dump_json(indent=2)

    @classmethod
    def from_json(cls, text: str | bytes, url: str) -> Manifest:
        """Read a manifest.

        :param url: for messages.
        :raises ManifestError: it is of a version unknown here, damaged, or contradicts itself.
        """
        try:
            manifest = cls.model_validate_json(text)
        except ValidationError as error:
            raise ManifestError(f"{url}: {_explain(error)}") from error
        parts = sum(entry.meta.record_count for entry in manifest.entries)
        if parts != manifest.extract.counts.rows:
            raise ManifestError(
                f"{url}: its parts hold {parts:,} rows, but it counts {manifest.extract.counts.rows:,}; extract again"
            )
        return manifest

    def copy_options(self) -> list[str]:
        """The options that COPY needs to read these files exactly, MANIFEST included; credentials are the caller's."""
        dialect = self.extract.dialect
        if dialect.format == "parquet":
            return ["MANIFEST", "FORMAT AS PARQUET"]
        compression = (dialect.compression or "").upper()
        null_as = f"NULL AS '{dialect.null_as}'"
        return ["MANIFEST", "FORMAT AS CSV", null_as, "DATEFORMAT 'auto'", "TIMEFORMAT 'auto'", compression]


def _explain(error: ValidationError) -> str:
    fault = error.errors(include_url=False)[0]
    place = ".".join(map(str, fault["loc"]))
    if place == "extract.schema_version" and fault["type"] != "missing":
        return (
            f"schema version {fault['input']!r} is not known here, only {SCHEMA_VERSION}; update the code that loads it"
        )
    if place == "extract":
        return (
            "this is no manifest of an extract: it has no `extract` block; load manifests that MySQLToS3Operator wrote"
        )
    return f"this is no valid manifest: {place or 'the file'}: {fault['msg']}; extract again"
