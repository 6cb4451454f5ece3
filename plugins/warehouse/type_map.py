"""The declared type map MySQL → Redshift: what each column becomes and how MySQL writes its values as text.

A table of what is carried exactly; whatever it does not list is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from math import ceil

from warehouse.config import Pii

VARCHAR_MAX = 65_535  # bytes, https://docs.aws.amazon.com/redshift/latest/dg/r_Character_types.html
VARBYTE_MAX = 16_777_216  # bytes, https://docs.aws.amazon.com/redshift/latest/dg/r_VARBYTE_type.html
DECIMAL_DIGITS, DECIMAL_SCALE = 38, 37  # https://docs.aws.amazon.com/redshift/latest/dg/r_Numeric_types201.html
ROW_COUNT_DIGITS = 12  # a sum of so many rows' values has at most this many digits more than one value

# Bytes that one character of a MySQL character set takes in UTF-8, where fewer than four are certain. latin1 is
# Windows-1252, whose euro sign takes three.
UTF8_BYTES = {"ascii": 1, "latin1": 3, "utf8": 3, "utf8mb3": 3, "ucs2": 3}


class Form(StrEnum):
    """How MySQL writes a value as text; `warehouse.mysql_sql` has the expressions."""

    PLAIN = "plain"
    ZEROABLE_DATE = "zeroable_date"
    FLOAT = "float"
    BOOLEAN = "boolean"
    BITS = "bits"
    HEX = "hex"
    TEXT = "text"
    REDACT = "redact"
    LAST4 = "last4"
    DOMAIN = "domain"


class UnmappableError(ValueError):
    """A column has no exact counterpart in Redshift; the message says what can be done."""


@dataclass(frozen=True)
class SourceColumn:
    """A column as MySQL's information_schema describes it.

    :param data_type: the bare name, such as "bigint".
    :param column_type: with everything, such as "bigint(20) unsigned".
    :param length: characters, or bytes of binary types.
    :param precision: digits of numbers, bits of BIT.
    :param scale: digits behind the point.
    :param charset: character set of text.
    :param json: whether MariaDB checks it with json_valid.
    """

    name: str
    data_type: str
    column_type: str
    nullable: bool
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    charset: str | None = None
    json: bool = False

    @property
    def unsigned(self) -> bool:
        """Whether it is declared UNSIGNED."""
        return "unsigned" in self.column_type


@dataclass(frozen=True)
class Target:
    """What a column becomes.

    :param type: the Redshift type.
    :param form: how MySQL writes its values.
    :param width: the most bytes that a value takes in the CSV, quotes included.
    :param quoted: whether its values stand in quotes.
    :param limit: bytes that Redshift takes where the source can hold more.
    :param summed: whether the manifest carries its sum.
    """

    type: str
    form: Form
    width: int
    quoted: bool = False
    limit: int | None = None
    summed: bool = False


@dataclass(frozen=True)
class Column:
    """A column of the extract: where it comes from and what it becomes."""

    source: SourceColumn
    target: Target
    pii: Pii | None = None

    @property
    def name(self) -> str:
        """Its name, on both sides."""
        return self.source.name

    @property
    def nullable(self) -> bool:
        """Whether the target must admit NULL: a NOT NULL date of MySQL can be 0000-00-00."""
        return self.source.nullable or self.target.form is Form.ZEROABLE_DATE

    @property
    def hashed(self) -> bool:
        """Whether the worker hashes it."""
        return self.pii is Pii.HASH


def map_column(source: SourceColumn, *, choice: str | None = None, pii: Pii | None = None) -> Column:
    """Map one column.

    :param choice: "varchar" or "super", where the type map leaves a choice.
    :param pii: how personal data is treated; not "drop".
    :raises UnmappableError: there is no exact counterpart, or the choice does not apply.
    """
    if pii in {Pii.REDACT, Pii.LAST4, Pii.DOMAIN}:
        return Column(source, _masked(source, pii), pii)
    if choice:
        return Column(source, _chosen(source, choice))
    try:
        target = MAP[source.data_type](source)
    except KeyError:
        raise UnmappableError(
            f"type {source.column_type} has no counterpart in Redshift; leave it out with pii: {{{source.name}: drop}}"
        ) from None
    if pii is Pii.HASH:
        target = Target("VARCHAR(64)", target.form, width=max(66, target.width), quoted=True, limit=None)
    return Column(source, target, pii)


def _integer(source: SourceColumn) -> Target:
    signed, unsigned = INTEGERS[source.data_type]
    return Target(unsigned if source.unsigned else signed, Form.PLAIN, width=255, summed=True)  # 255: ZEROFILL's most


def _decimal(source: SourceColumn) -> Target:
    precision, scale = source.precision or 0, source.scale or 0
    if precision > DECIMAL_DIGITS or scale > DECIMAL_SCALE:
        raise UnmappableError(
            f"{source.column_type} has more digits than Redshift's DECIMAL({DECIMAL_DIGITS},{DECIMAL_SCALE}); carry it "
            f"as text with types: {{{source.name}: varchar}}, or leave it out with pii: {{{source.name}: drop}}"
        )
    summed = precision + ROW_COUNT_DIGITS <= DECIMAL_DIGITS
    return Target(f"DECIMAL({precision},{scale})", Form.PLAIN, width=precision + 3, summed=summed)


def _double(source: SourceColumn) -> Target:
    """DOUBLE(p,s) is written with s decimals, which may be too many or too few; plain DOUBLE as it is."""
    return Target("DOUBLE PRECISION", Form.PLAIN if source.scale is None else Form.FLOAT, width=24)


def _bit(source: SourceColumn) -> Target:
    if source.precision == 1:
        return Target("BOOLEAN", Form.BOOLEAN, width=5)
    size = ceil((source.precision or 0) / 8)
    return Target(f"VARBYTE({size})", Form.BITS, width=2 * size)


def _text(source: SourceColumn) -> Target:
    """CHAR, VARCHAR, ENUM, SET by characters; the TEXT types by bytes, which may grow in UTF-8."""
    length, per_character = source.length or 0, UTF8_BYTES.get(source.charset or "", 4)
    if source.data_type.endswith("text") and source.charset in {"utf8mb4", "utf8mb3", "utf8"}:
        per_character = 1
    return _varchar(length * per_character)


def _varchar(size: int) -> Target:
    size, longer = max(1, min(size, VARCHAR_MAX)), size > VARCHAR_MAX
    return Target(f"VARCHAR({size})", Form.TEXT, width=2 * size + 2, quoted=True, limit=VARCHAR_MAX if longer else None)


def _binary(source: SourceColumn) -> Target:
    size = max(1, min(source.length or 0, VARBYTE_MAX))  # a longer one would not fit into a row of COPY's either
    return Target(f"VARBYTE({size})", Form.HEX, width=2 * size)


def _json(_: SourceColumn) -> Target:
    return Target("SUPER", Form.TEXT, width=2 * VARBYTE_MAX, quoted=True)


def _long_text(source: SourceColumn) -> Target:
    return _json(source) if source.json else _text(source)


def _constant(*args: object, **kwargs: object) -> Callable[[SourceColumn], Target]:
    target = Target(*args, **kwargs)  # type: ignore[arg-type]
    return lambda _: target


def _chosen(source: SourceColumn, choice: str) -> Target:
    if choice == "super" and source.data_type in TEXTS:
        return _json(source)
    if choice == "varchar" and source.data_type == "decimal":
        size = (source.precision or 0) + 3  # sign, point, and a zero before it
        return Target(f"VARCHAR({size})", Form.PLAIN, width=size + 2, quoted=True)
    if choice == "varchar" and (source.data_type == "json" or source.json):
        return Target(f"VARCHAR({VARCHAR_MAX})", Form.TEXT, width=2 * VARCHAR_MAX + 2, quoted=True, limit=VARCHAR_MAX)
    raise UnmappableError(
        f"types: {{{source.name}: {choice}}} does not apply to {source.column_type}; varchar is for DECIMAL and JSON, "
        "super for text that holds JSON"
    )


def _masked(source: SourceColumn, pii: Pii) -> Target:
    if source.data_type not in TEXTS:
        raise UnmappableError(f"pii {pii!s} is for text, and this is {source.column_type}; use drop or hash")
    if pii is Pii.REDACT:
        return Target("VARCHAR(3)", Form.REDACT, width=5, quoted=True)
    if pii is Pii.LAST4:
        return Target("VARCHAR(20)", Form.LAST4, width=42, quoted=True)
    size = min(_text(source).width // 2 + 4, VARCHAR_MAX)
    return Target(f"VARCHAR({size})", Form.DOMAIN, width=2 * size + 2, quoted=True, limit=_text(source).limit)


INTEGERS = {
    "tinyint": ("SMALLINT", "SMALLINT"),
    "smallint": ("SMALLINT", "INTEGER"),
    "mediumint": ("INTEGER", "INTEGER"),
    "int": ("INTEGER", "BIGINT"),
    "bigint": ("BIGINT", "DECIMAL(20,0)"),
}
TEXTS = ("char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set")
BINARIES = ("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob")
MAP: dict[str, Callable[[SourceColumn], Target]] = {
    **dict.fromkeys(INTEGERS, _integer),
    **dict.fromkeys(TEXTS, _text),
    **dict.fromkeys(BINARIES, _binary),
    "longtext": _long_text,
    "json": _json,
    "decimal": _decimal,
    "bit": _bit,
    "float": _constant("REAL", Form.FLOAT, width=24),
    "double": _double,
    "year": _constant("SMALLINT", Form.PLAIN, width=4),
    "date": _constant("DATE", Form.ZEROABLE_DATE, width=10),
    "datetime": _constant("TIMESTAMP", Form.ZEROABLE_DATE, width=26),
    "timestamp": _constant("TIMESTAMP", Form.ZEROABLE_DATE, width=26),
    # TIME is a span of up to 838 hours of either sign, Redshift's TIME an hour of the day.
    "time": _constant("VARCHAR(17)", Form.PLAIN, width=19, quoted=True),
    "uuid": _constant("VARCHAR(36)", Form.PLAIN, width=38, quoted=True),
    "inet4": _constant("VARCHAR(15)", Form.PLAIN, width=17, quoted=True),
    "inet6": _constant("VARCHAR(39)", Form.PLAIN, width=41, quoted=True),
}
