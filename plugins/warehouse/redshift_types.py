"""Redshift's types as far as the type map uses them: which can hold another's values unchanged."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

DIGITS = {"SMALLINT": 5, "INTEGER": 10, "BIGINT": 19}
SYNONYMS = {
    "CHARACTER VARYING": "VARCHAR",
    "NUMERIC": "DECIMAL",
    "BINARY VARYING": "VARBYTE",
    "VARBINARY": "VARBYTE",
    "TIMESTAMP WITHOUT TIME ZONE": "TIMESTAMP",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMPTZ",
    "CHARACTER": "CHAR",
    "INT": "INTEGER",
    "BOOL": "BOOLEAN",
    "TEXT": "VARCHAR",
}
TYPE = re.compile(r"(?P<name>[A-Za-z ]+?)\s*(?:\(\s*(?P<size>\d+)\s*(?:,\s*(?P<scale>\d+)\s*)?\))?")


@dataclass(frozen=True)
class Kind:
    """A type.

    :param name: in capitals, such as "DECIMAL".
    :param size: bytes of VARCHAR, CHAR and VARBYTE, digits of DECIMAL; None if it has none, or the catalogue does not
        tell.
    :param scale: of DECIMAL.
    """

    name: str
    size: int | None = None
    scale: int | None = None

    @classmethod
    def of(cls, data_type: str, length: Any, precision: Any, scale: Any) -> Kind:
        """Read a row of svv_columns."""
        kind = parse_type(data_type)
        if kind.name == "DECIMAL":
            return cls("DECIMAL", int(precision or 18), int(scale or 0))
        if kind.name in {"VARCHAR", "CHAR", "VARBYTE"}:
            return cls(kind.name, int(length) if length else kind.size)
        return cls(kind.name)

    def holds(self, other: Kind) -> bool:
        """Whether every value of the other type is one of this type's, unchanged."""
        if self == other:
            return True
        if other.name in DIGITS and self.name in DIGITS:
            return DIGITS[self.name] >= DIGITS[other.name]
        if self.name == "DECIMAL":
            digits = DIGITS.get(other.name, (other.size or 0) - (other.scale or 0))
            exact = other.name in DIGITS or other.name == "DECIMAL"
            return exact and (self.size or 0) - (self.scale or 0) >= digits and (self.scale or 0) >= (other.scale or 0)
        if self.name == other.name and self.name in {"VARCHAR", "VARBYTE"}:
            return self.size is None or self.size >= (other.size or 0)
        return (self.name, other.name) == ("DOUBLE PRECISION", "REAL")

    @property
    def ddl(self) -> str:
        """As CREATE TABLE takes it."""
        # A VARBYTE without a length would be one of 64,000 bytes.
        return "VARBYTE(16777216)" if self.name == "VARBYTE" and self.size is None else str(self)

    def __str__(self) -> str:
        sizes = ",".join(str(number) for number in (self.size, self.scale) if number is not None)
        return f"{self.name}({sizes})" if sizes else self.name


def parse_type(text: str) -> Kind:
    """Read a type, as the type map or the catalogue writes it."""
    match = TYPE.fullmatch(text.strip())
    if match is None:
        return Kind(text.upper())
    name = match["name"].upper()
    size, scale = (int(match[part]) if match[part] else None for part in ("size", "scale"))
    return Kind(SYNONYMS.get(name, name), size, scale)
