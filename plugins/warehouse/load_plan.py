"""What one load does: which files become which rows of which table. Plain data, from which SQL is rendered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from warehouse.errors import LoadError
from warehouse.manifest import Counts, Extract, KeyRange, Manifest

EXTRACTED_AT, MANIFEST_ID = "_extracted_at", "_manifest_id"


class Method(StrEnum):
    """What becomes of the rows that are in the target already."""

    APPEND = "APPEND"
    REPLACE = "REPLACE"
    UPSERT = "UPSERT"


@dataclass(frozen=True)
class Relation:
    """A table or view, by its names as they are, without quotes.

    :param schema: None for what the search path finds.
    """

    schema: str | None
    name: str

    @classmethod
    def parse(cls, text: str) -> Relation:
        """Read `schema.table`."""
        schema, _, name = text.rpartition(".")
        return cls(schema or None, name)

    @property
    def live(self) -> Relation:
        """The view of its rows without tombstones."""
        return replace(self, name=f"{self.name}_live")

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name


@dataclass(frozen=True)
class LoadColumn:
    """A column of the files.

    :param type: of Redshift, such as "DECIMAL(12,2)".
    """

    name: str
    type: str


@dataclass(frozen=True)
class Files:
    """What one COPY loads into a staging table of its own.

    :param url: of a COPY manifest, or a prefix.
    :param options: COPY's, without what authorizes it.
    :param load_id: the manifest's id, or what stands for it.
    :param parts: URLs of the files.
    :param empty: there is nothing to copy, which COPY would refuse.
    :param extracted_at: UTC; None if the files do not say.
    :param counts: what the files must hold; None if nobody counted.
    :param key_range: which keys they hold; None for all.
    :param window: the interval of time they hold; None for all.
    """

    url: str
    options: tuple[str, ...]
    load_id: str
    parts: tuple[str, ...] = ()
    empty: bool = False
    extracted_at: datetime | None = None
    counts: Counts | None = None
    key_range: KeyRange | None = None
    window: tuple[datetime, datetime] | None = None
    source: str = ""


@dataclass(frozen=True)
class LoadPlan:
    """One load by key: an upsert, or a full refresh.

    :param columns: of the files, in their order.
    :param written: names of the columns that the target gets; the others keep their values.
    :param key: names of the columns that name a row.
    :param order_key: of two rows with one key, the greater is newer; None if each key comes once.
    :param deleted_flag: the tombstone column.
    :param stamped: whether the target has `_extracted_at` and `_manifest_id`.
    """

    target: Relation
    audit: Relation
    columns: tuple[LoadColumn, ...]
    written: tuple[str, ...]
    key: tuple[str, ...]
    files: tuple[Files, ...]
    method: Method = Method.UPSERT
    order_key: str | None = None
    deleted_flag: str | None = None
    stamped: bool = False

    @property
    def order(self) -> tuple[str, ...]:
        """Columns by which the newest row of a key is found, most significant first."""
        return ((self.order_key,) if self.order_key else ()) + ((EXTRACTED_AT,) if self.stamped else ())

    @property
    def stored(self) -> tuple[str, ...]:
        """All columns that are written, the load's own included."""
        return self.written + ((EXTRACTED_AT, MANIFEST_ID) if self.stamped else ())

    def type_of(self, name: str) -> str:
        """The type of a column of the files."""
        return next(column.type for column in self.columns if column.name == name)


def plan_manifests(
    manifests: Sequence[tuple[str, Manifest]],
    *,
    target: Relation | None = None,
    audit: Relation,
    method: Method = Method.UPSERT,
    column_list: Iterable[str] | None = None,
) -> LoadPlan:
    """Plan the load of manifests that MySQLToS3Operator wrote.

    :param manifests: URL and content of each; several hold ranges of one table's keys.
    :param target: None for the manifests' own.
    :param column_list: None for all columns.
    :raises LoadError: they do not belong together, or do not hold what the method needs.
    """
    urls = [url for url, _ in manifests]
    extracts = [manifest.extract for _, manifest in manifests]
    if not extracts:
        raise LoadError("there is no manifest to load; pass what MySQLToS3Operator returned")
    first = extracts[0]
    for url, extract in zip(urls, extracts, strict=True):
        if differing := _differing(first, extract):
            raise LoadError(f"{url} has another {differing} than {urls[0]}; load only manifests of one table together")
    if method is Method.APPEND:
        raise LoadError(f"{urls[0]}: a manifest is not appended, a retry would double its rows; use UPSERT or REPLACE")
    if method is Method.REPLACE:
        _require_whole_table(urls, extracts)
    names = tuple(column.name for column in first.columns)
    return LoadPlan(
        target=target or Relation.parse(first.target),
        audit=audit,
        columns=tuple(LoadColumn(column.name, column.type) for column in first.columns),
        written=chosen_columns(names, column_list, (*first.primary_key, first.order_key)),
        key=first.primary_key,
        files=tuple(_files(url, manifest) for url, manifest in manifests),
        method=method,
        order_key=first.order_key,
        deleted_flag=first.deleted_flag,
        stamped=True,
    )


def chosen_columns(names: Sequence[str], chosen: Iterable[str] | None, needed: Iterable[str]) -> tuple[str, ...]:
    """The columns to write: all, or those of a column_list, which must exist and hold the key and the order key."""
    if not chosen:
        return tuple(names)
    wanted = tuple(chosen)
    if unknown := [name for name in wanted if name not in names]:
        raise LoadError(f"column_list names {unknown[0]!r}, which the files do not have; they have {', '.join(names)}")
    if missing := [name for name in needed if name not in wanted]:
        raise LoadError(f"column_list leaves out {missing[0]!r}; the key and the order key must be in it")
    return wanted


def _differing(first: Extract, other: Extract) -> str | None:
    for name in ("source", "target", "primary_key", "order_key", "deleted_flag", "columns"):
        if getattr(first, name) != getattr(other, name):
            return name
    return None


def _require_whole_table(urls: Sequence[str], extracts: Sequence[Extract]) -> None:
    """A full refresh deletes what it does not bring, so it must bring all keys."""
    for url, extract in zip(urls, extracts, strict=True):
        if extract.window:
            raise LoadError(f"{url} holds a window of time only; a full refresh needs an extract of the whole table")
    ranges = sorted((extract.key_range or KeyRange(column="") for extract in extracts), key=_lower)
    ends: list[int | None] = [None, *(item.upper for item in ranges)]
    starts: list[int | None] = [*(item.lower for item in ranges), None]
    if ends != starts:
        raise LoadError(
            f"{', '.join(urls)}: these key ranges do not make up the whole table; load all of its manifests"
        )


def _lower(key_range: KeyRange) -> tuple[bool, int]:
    return key_range.lower is not None, key_range.lower or 0


def _files(url: str, manifest: Manifest) -> Files:
    extract, window = manifest.extract, manifest.extract.window
    return Files(
        url=url,
        options=tuple(manifest.copy_options()),
        load_id=extract.manifest_id,
        parts=tuple(entry.url for entry in manifest.entries),
        empty=not manifest.entries,
        extracted_at=extract.extracted_at,
        counts=extract.counts,
        key_range=extract.key_range,
        window=(window.start, window.end) if window else None,
        source=f"{extract.source.database}.{extract.source.table}",
    )
