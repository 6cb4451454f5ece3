"""One table's configuration, validated. See docs/warehouse-contract.md for what each key means."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Any, Literal, NoReturn, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from warehouse.errors import ConfigError

TWO_PARTS = re.compile(r"[^.]+\.[^.]+")
GRANTEE = re.compile(r"(role|group|user) \S.*|public")


class Pii(StrEnum):
    """What happens to a column with personal data before anything leaves the worker."""

    DROP = "drop"
    HASH = "hash"
    REDACT = "redact"
    LAST4 = "last4"
    DOMAIN = "domain"


class Origin(BaseModel):
    """Where a table's block stands.

    :param file: path of the YAML file.
    :param lines: line number by key; "" is the block itself.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    lines: dict[str, int]


def _qualified(name: str) -> str:
    if not TWO_PARTS.fullmatch(name):
        raise ValueError(f"must be two names with a dot between, such as prod.nps; found {name!r}")
    return name


def _time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:  # a folder of the database, such as "Europe", is an OSError
        raise ValueError(f"is no time zone of the IANA database: {name!r}; write one like Europe/Paris") from error
    return name


def _grantee(text: str) -> str:
    if not GRANTEE.fullmatch(text):
        raise ValueError(f"must be 'role NAME', 'group NAME', 'user NAME' or 'public'; found {text!r}")
    return text


Grantee = Annotated[str, AfterValidator(_grantee)]
QualifiedName = Annotated[str, AfterValidator(_qualified)]
ColumnName = Annotated[str, Field(min_length=1)]


class TableConfig(BaseModel):
    """One block of the table config; the attributes are its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    source: QualifiedName
    target: QualifiedName
    primary_key: tuple[ColumnName, ...] = Field(min_length=1)
    mode: Literal["mutable", "append"]
    cursor: ColumnName
    cursor_timezone: Annotated[str, AfterValidator(_time_zone)] = "UTC"
    lookback_minutes: int = Field(default=60, ge=0, strict=True)
    deleted_flag: ColumnName | None = None
    pii: dict[ColumnName, Pii] = {}
    types: dict[ColumnName, Literal["varchar", "super"]] = {}
    format: Literal["csv", "parquet"] = "csv"
    compression: Literal["gzip", "zstd"] = "gzip"
    part_size_mb: int = Field(default=64, ge=1, le=1024, strict=True)
    key_ranges: int = Field(default=1, ge=1, le=1000, strict=True)
    distkey: ColumnName | None = None
    sortkey: tuple[ColumnName, ...] = ()
    grants: tuple[Grantee, ...] = ()
    origin: Origin | None = None

    @property
    def database(self) -> str:
        """The MySQL database."""
        return self.source.split(".")[0]

    @property
    def table(self) -> str:
        """The MySQL table, without its database."""
        return self.source.split(".")[1]

    @property
    def hashes(self) -> bool:
        """Whether any column is hashed, which takes a key."""
        return Pii.HASH in self.pii.values()

    @model_validator(mode="after")
    def _keys_agree(self) -> Self:
        # Each complaint begins with the key whose line the reader should look at.
        if self.mode == "append" and self.deleted_flag:
            raise ValueError(
                "deleted_flag: rows of an append table never change, so none can become deleted; remove it"
            )
        for key in self.primary_key:
            if self.pii.get(key) not in {None, Pii.HASH}:
                raise ValueError(f"pii.{key}: a column of the primary key can only be hashed, found {self.pii[key]}")
        for role, column in (("cursor", self.cursor), ("deleted_flag", self.deleted_flag)):
            if column in self.pii:
                raise ValueError(f"pii.{column}: the {role} must keep its values; take it out of pii")
        for role, columns in (("distkey", (self.distkey,)), ("sortkey", self.sortkey)):
            for column in columns:
                if column and self.pii.get(column) == Pii.DROP:
                    raise ValueError(f"{role}: {column!r} is dropped by pii")
        for column in self.types:
            if column in self.pii:
                raise ValueError(f"types.{column}: pii decides the type of this column already; remove one of them")
        if self.format == "parquet" and "super" in self.types.values():
            raise ValueError("types: super cannot be loaded from Parquet; use format: csv, or varchar")
        return self

    def where(self, key: str = "") -> str:
        """The place of a key in the YAML file, as `file:line`; of the block if the key is not written there."""
        if not self.origin:
            return f"table {self.name!r}"
        lines = self.origin.lines
        return f"{self.origin.file}:{lines.get(key) or lines.get(key.split('.', maxsplit=1)[0]) or lines['']}"

    def fail(self, key: str, problem: str) -> NoReturn:
        """Refuse the block: `file:line: name.key: problem`."""
        raise ConfigError(f"{self.where(key)}: {self.name}.{key}: {problem}")

    def to_dict(self) -> dict[str, Any]:
        """Plain values, fit for JSON and Airflow's serialization; the constructor takes them back."""
        return self.model_dump(mode="json")
