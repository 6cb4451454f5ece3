"""Two tables that together hold every MySQL type with a counterpart in the warehouse, the ends of each range first.

The Redshift type of each column is in docs/warehouse-contract.md. Geometry has none and is not among them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

Row = tuple[Any, ...]

START = datetime(2021, 8, 1)  # noqa: DTZ001 - MySQL's DATETIME knows no zone; it is UTC here
PERIOD = timedelta(days=60)
CHANGE_PERIOD = timedelta(days=3)
LATE = timedelta(minutes=45)
TEXT = "Größe, 'quoted' \"twice\"\tand\\N\r\nNULL, 🙂 ünïcode 最高"


@dataclass(frozen=True)
class Typed:
    """A column: the values worth having in any case, and how to draw others."""

    name: str
    edges: tuple[Any, ...]
    draw: Callable[[Random], Any]


@dataclass(frozen=True)
class TypeTable:
    """A table of typed columns.

    :param keys: names of the primary key's columns.
    :param key: number of the row → its primary key.
    :param mutable: rows change, and have updated_at and a deleted flag; else they are only added.
    :param row_count: rows at first.
    :param new_count: rows that the changes add.
    :param late_count: rows of the last minutes before the changes that become visible with them.
    :param edit_count: rows that the changes edit or delete.
    """

    keys: tuple[str, ...]
    key: Callable[[int], Row]
    columns: tuple[Typed, ...]
    mutable: bool
    row_count: int = 2_000
    new_count: int = 120
    late_count: int = 10
    edit_count: int = 100

    @property
    def names(self) -> tuple[str, ...]:
        times = ("created_at", "updated_at", "deleted") if self.mutable else ("created_at",)
        return (*self.keys, *(column.name for column in self.columns), *times)

    def rows(self, seed: int) -> list[Row]:
        """The rows at first: the edges of every column, one row of NULLs, and drawn ones."""
        random = Random(f"{seed} rows")
        edges = max(len(column.edges) for column in self.columns)
        values = [tuple(column.edges[n % len(column.edges)] for column in self.columns) for n in range(edges)]
        values.append((None,) * len(self.columns))
        values += [self._drawn(random) for _ in range(self.row_count - len(values))]
        return [self._row(n, row, START + PERIOD * random.random()) for n, row in enumerate(values, start=1)]

    def changes(self, seed: int) -> list[Row]:
        """New rows and late ones; where rows can change, edited and deleted ones as well."""
        random = Random(f"{seed} changes")
        end = START + PERIOD
        moments = [end - LATE * random.random() for _ in range(self.late_count)]
        moments += [end + CHANGE_PERIOD * random.random() for _ in range(self.new_count)]
        rows = [self._row(n, self._drawn(random), at) for n, at in enumerate(moments, start=self.row_count + 1)]
        if self.mutable:
            before = self.rows(seed)
            for number in random.sample(range(1, self.row_count + 1), self.edit_count):
                *_, created, _updated, _deleted = before[number - 1]
                at = end + CHANGE_PERIOD * random.random()
                rows.append((*self.key(number), *self._drawn(random), created, at, random.randrange(2)))
        return rows

    def _drawn(self, random: Random) -> Row:
        return tuple(None if random.random() < 0.1 else column.draw(random) for column in self.columns)

    def _row(self, number: int, values: Row, at: datetime) -> Row:
        return (*self.key(number), *values, at, at, 0) if self.mutable else (*self.key(number), *values, at)


def _integers(name: str, bits: int, *, unsigned: bool = False) -> Typed:
    low, high = (0, 2**bits - 1) if unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return Typed(name, (low, high, 0, 1), lambda random: random.randint(low, high))


def _decimals(name: str, precision: int, scale: int) -> Typed:
    """Values as text: a decimal literal with an exponent would be a double to MySQL."""
    most = 10**precision - 1

    def text(units: int) -> str:
        whole, fraction = divmod(abs(units), 10**scale)
        return f"{'-' if units < 0 else ''}{whole}" + (f".{fraction:0{scale}}" if scale else "")

    return Typed(name, (text(most), text(-most), text(0), text(1)), lambda random: text(random.randint(-most, most)))


def _texts(name: str, length: int) -> Typed:
    def draw(random: Random) -> str:
        return "".join(random.choices(TEXT + " abcdefghij", k=random.randint(1, min(length, 60))))

    return Typed(name, ("", TEXT[:length], "x" * min(length, 12_000), " both ends "[:length], "NULL", "\\N"), draw)


def _bytes(name: str, length: int) -> Typed:
    # Never empty: whether Redshift's COPY tells an empty VARBYTE from NULL is still to be seen.
    edges = (b"\x00\xffA"[:length], bytes(range(256))[:length], b"\x00", b"\xff" * min(length, 20_000))
    return Typed(name, edges, lambda random: random.randbytes(random.randint(1, min(length, 60))))


def _one_of(name: str, *values: Any) -> Typed:
    return Typed(name, values, lambda random: random.choice(values))


def _datetimes(name: str, *edges: str, digits: int) -> Typed:
    def draw(random: Random) -> str:
        moment = (START + PERIOD * random.random()).isoformat(sep=" ", timespec="microseconds")
        return moment[: 19 + (digits and digits + 1)]

    return Typed(name, (*edges, "0000-00-00 00:00:00"), draw)


def _times(name: str, *edges: str) -> Typed:
    def draw(random: Random) -> str:
        return (
            f"{random.choice(['', '-'])}{random.randint(0, 838)}:{random.randint(0, 59):02}:{random.randint(0, 59):02}"
        )

    return Typed(name, edges, draw)


NUMBERS_AND_TIMES = TypeTable(
    keys=("id",),
    key=lambda number: (2**63 + number,),  # a BIGINT UNSIGNED that no signed one can hold
    mutable=True,
    columns=(
        _one_of("c_boolean", 0, 1),
        _integers("c_tinyint", 8),
        _integers("c_tinyint_unsigned", 8, unsigned=True),
        _integers("c_smallint", 16),
        _integers("c_smallint_unsigned", 16, unsigned=True),
        _integers("c_mediumint", 24),
        _integers("c_mediumint_unsigned", 24, unsigned=True),
        _integers("c_int", 32),
        _integers("c_int_unsigned", 32, unsigned=True),
        _integers("c_int_zerofill", 16, unsigned=True),
        _integers("c_bigint", 64),
        _integers("c_bigint_unsigned", 64, unsigned=True),
        _decimals("c_decimal_10_2", 10, 2),
        _decimals("c_decimal_38_0", 38, 0),
        _decimals("c_decimal_38_18", 38, 18),
        _decimals("c_decimal_65_30", 65, 30),
        Typed("c_float", (0.1, 16777215.0, -3.4e38, 1.2e-38), lambda random: random.gauss(0, 1e6)),
        Typed(
            "c_double", (0.1, 1.7976931348623157e308, -2.2250738585072014e-308), lambda random: random.gauss(0, 1e12)
        ),
        _one_of("c_bit_1", b"\x00", b"\x01"),
        Typed(
            "c_bit_12",
            (b"\x00\x00", b"\x0f\xff", b"\x00\x05"),
            lambda random: random.randrange(4096).to_bytes(2, "big"),
        ),
        Typed("c_bit_64", (b"\x00" * 8, b"\xff" * 8), lambda random: random.randbytes(8)),
        Typed(
            "c_date",
            ("1000-01-01", "9999-12-31", "0000-00-00", "2021-00-15", "2024-02-29"),
            lambda random: (START + PERIOD * random.random()).date(),
        ),
        _datetimes("c_datetime", "1000-01-01 00:00:00", "9999-12-31 23:59:59", digits=0),
        _datetimes("c_datetime_6", "1000-01-01 00:00:00.000001", "9999-12-31 23:59:59.999999", digits=6),
        _datetimes("c_timestamp", "1970-01-01 00:00:01", "2038-01-19 03:14:07", digits=0),
        _datetimes("c_timestamp_3", "1970-01-01 00:00:01.001", "2038-01-19 03:14:07.999", digits=3),
        _times("c_time", "00:00:00", "838:59:59", "-838:59:59", "26:10:00"),
        _times("c_time_6", "-00:00:00.000001", "838:59:58.999999", "23:59:59.500000"),
        Typed("c_year", (1901, 2155, 0), lambda random: random.randint(1901, 2155)),
    ),
)
TEXTS_AND_BYTES = TypeTable(
    keys=("tenant", "document_id"),
    key=lambda number: (("acme", "großhandel", "Acme 🙂")[number % 3], number),
    mutable=False,
    columns=(
        _texts("c_char_10", 10),
        _texts("c_varchar_100", 100),
        Typed(
            "c_varchar_latin1", ("", "Größe, café, €5", "ÿ"), lambda random: "".join(random.choices("aé€ßz ,'\"", k=20))
        ),
        _texts("c_tinytext", 60),
        _texts("c_text", 16_000),
        _texts("c_mediumtext", 16_000),
        _texts("c_longtext", 16_000),
        _one_of("c_enum", "small", "medium, or so", "größer", ""),
        _one_of("c_set", "", "a", "a,b", "a,b,with space"),
        _bytes("c_binary_4", 4),
        _bytes("c_varbinary_300", 300),
        _bytes("c_tinyblob", 255),
        _bytes("c_blob", 65_535),
        _bytes("c_mediumblob", 65_535),
        _bytes("c_longblob", 65_535),
        Typed(
            "c_json",
            (
                "{}",
                "[]",
                "null",
                json.dumps({"text": TEXT, "list": [1, 2.5, True, None]}),
                "12345678901234567890",
                '"x"',
            ),
            lambda random: json.dumps({"n": random.randint(0, 2**53), "s": random.choice(TEXT)}),
        ),
    ),
)
