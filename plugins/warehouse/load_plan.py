"""What one load does: which files become which rows of which table. Plain data, from which SQL is rendered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from warehouse.errors import LoadError
from warehouse.manifest import Counts, KeyRange

EXTRACTED_AT, MANIFEST_ID = "_extracted_at", "_manifest_id"
FLAG_TYPES = ("SMALLINT", "INTEGER", "BIGINT", "DECIMAL", "BOOLEAN")


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


AUDIT = Relation("audit", "loads")  # where loads leave their rows, unless told otherwise


@dataclass(frozen=True)
class LoadColumn:
    """A column of the files.

    :param type: of Redshift, such as "DECIMAL(12,2)".
    :param personal: whether it holds personal data, be they hashed or masked.
    """

    name: str
    type: str
    personal: bool = False


@dataclass(frozen=True)
class Files:
    """What one COPY loads into a staging table of its own.

    :param url: of a COPY manifest, or a prefix.
    :param options: COPY's, without what authorizes it.
    :param load_id: the manifest's id, or what stands for it: the audit table has one row for it and the target.
    :param parts: URLs of the files; none where there is nothing to copy, which COPY would refuse.
    :param source: the MySQL table; empty if the files do not say.
    :param extracted_at: UTC; None if the files do not say.
    :param counts: what the files must hold; None if nobody counted.
    :param key_range: which keys they hold; None for all.
    :param window: the interval of time they hold; None for all.
    """

    url: str
    options: tuple[str, ...]
    load_id: str
    parts: tuple[str, ...]
    source: str = ""
    extracted_at: datetime | None = None
    counts: Counts | None = None
    key_range: KeyRange | None = None
    window: tuple[datetime, datetime] | None = None


@dataclass(frozen=True)
class LoadPlan:
    """One load.

    :param columns: of the files, in their order.
    :param written: names of the columns that the target gets; the others keep their values.
    :param key: names of the columns that name a row; none for APPEND, and REPLACE without a manifest.
    :param order_key: of two rows with one key, the greater is newer; None if each key comes once.
    :param deleted_flag: the tombstone column.
    :param stamped: whether the target has `_extracted_at` and `_manifest_id`.
    :param grants: who may read the columns that are not personal; needs `stamped`.
    """

    target: Relation
    audit: Relation
    columns: tuple[LoadColumn, ...]
    written: tuple[str, ...]
    files: tuple[Files, ...]
    method: Method
    key: tuple[str, ...] = ()
    order_key: str | None = None
    deleted_flag: str | None = None
    stamped: bool = False
    grants: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        for role, wanted in (
            ("column_list", self.written),
            ("primary_key", self.key),
            ("order_key", (self.order_key,)),
            ("deleted_flag", (self.deleted_flag,)),
        ):
            for name in wanted:
                if name is not None and name not in names:
                    raise LoadError(
                        f"{self.target}: {role} names {name!r}, which the files do not have; they have "
                        f"{', '.join(names)}"
                    )
        for name in (*self.key, self.order_key):
            if name is not None and name not in self.written:
                raise LoadError(f"{self.target}: column_list leaves out {name!r}; key and order_key must be in it")
        if self.deleted_flag and not self.type_of(self.deleted_flag).startswith(FLAG_TYPES):
            raise LoadError(
                f"{self.target}: deleted_flag {self.deleted_flag!r} is {self.type_of(self.deleted_flag)}; a flag is a "
                "whole number or a BOOLEAN"
            )

    @property
    def order(self) -> tuple[str, ...]:
        """Columns by which the newest row of a key is found, most significant first."""
        return ((self.order_key,) if self.order_key else ()) + ((EXTRACTED_AT,) if self.stamped else ())

    @property
    def stored(self) -> tuple[str, ...]:
        """All columns that are written, the load's own included."""
        return self.written + ((EXTRACTED_AT, MANIFEST_ID) if self.stamped else ())

    @property
    def has_live_view(self) -> bool:
        """Whether there is a view of the target's live rows; it needs the target's schema."""
        return self.target.schema is not None and (self.stamped or self.deleted_flag is not None)

    @property
    def readable(self) -> tuple[str, ...]:
        """The files' columns that are not personal."""
        return tuple(column.name for column in self.columns if not column.personal)

    def shown(self, names: Iterable[str]) -> list[str]:
        """Of the target's columns, those of the view of live rows: all but the load's own.

        With `grants`, which let readers read the whole view, only the readable ones: not the personal ones, and none
        that the source has no more and might have been.
        """
        readable = {name.lower() for name in self.readable}
        return [
            name
            for name in names
            if name not in {EXTRACTED_AT, MANIFEST_ID} and (not self.grants or name.lower() in readable)
        ]

    def type_of(self, name: str) -> str:
        """The type of a column of the files."""
        return next(column.type for column in self.columns if column.name == name)


def unquote(name: str) -> str:
    """A name as it is, where it was given as SQL has it, in quotes."""
    if len(name) > 2 and name[0] == name[-1] == '"':
        return name[1:-1].replace('""', '"')
    return name


def match_names(wanted: Iterable[str], names: Sequence[str]) -> tuple[str, ...]:
    """Find names without regard to capitals, as Redshift does; a name that is not there stays as it is."""
    known = {name.lower(): name for name in names}
    return tuple(known.get(unquote(name).lower(), unquote(name)) for name in wanted)
