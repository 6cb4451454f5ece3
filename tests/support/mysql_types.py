"""Every type that MySQL and MariaDB share, with its hardest values, and what Redshift must get of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Protocol

import numpy as np


class Database(Protocol):
    """Where a table is made."""

    def execute(self, *statements: str) -> list[tuple[Any, ...]]: ...


FORMATS: dict[str, dict[str, str]] = {
    "gzip": {"compression": "gzip"},
    "zstd": {"compression": "zstd"},
    "parquet": {"format": "parquet"},
}


@dataclass(frozen=True)
class Case:
    """A column and its values: as SQL literals, and as Redshift must get them; NULL is added to each."""

    ddl: str
    type: str
    values: dict[str, Any]
    choice: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.ddl + (" as text" if self.choice else "")


def moment(*fields: int) -> datetime:
    return datetime(*fields, tzinfo=UTC).replace(tzinfo=None)


def single(value: float) -> float:
    return float(np.float32(value))


TEXTS = {
    "''": "",
    "'NULL'": "NULL",
    r"'\\N'": "\\N",
    "'null_0123456789abcdef'": "null_0123456789abcdef",
    """'say "hi", twice ""'""": 'say "hi", twice ""',
    r"'a\nb\r\nc\r'": "a\nb\r\nc\r",
    r"'back\\slash \\\\ \\n'": "back\\slash \\\\ \\n",
    "'  spaces\t'": "  spaces\t",
    "'😀 日本語 é'": "😀 日本語 é",
    "'%s %(x)s `q` {{ j }}'": "%s %(x)s `q` {{ j }}",
    r"'\\.'": "\\.",
}
CASES = [
    Case("tinyint", "SMALLINT", {"-128": -128, "127": 127, "0": 0}),
    Case("tinyint(1)", "SMALLINT", {"-1": -1, "0": 0, "1": 1, "2": 2}),
    Case("tinyint unsigned", "SMALLINT", {"255": 255}),
    Case("smallint", "SMALLINT", {"-32768": -32768, "32767": 32767}),
    Case("smallint unsigned", "INTEGER", {"65535": 65535}),
    Case("mediumint", "INTEGER", {"-8388608": -8388608}),
    Case("mediumint unsigned", "INTEGER", {"16777215": 16777215}),
    Case("int", "INTEGER", {"-2147483648": -2147483648, "2147483647": 2147483647}),
    Case("int(8) unsigned zerofill", "BIGINT", {"42": 42, "4294967295": 4294967295}),
    Case("bigint", "BIGINT", {"-9223372036854775808": -(2**63), "9007199254740993": 9007199254740993}),
    Case("bigint unsigned", "DECIMAL(20,0)", {"18446744073709551615": Decimal(2**64 - 1), "0": Decimal(0)}),
    Case(
        "decimal(30,10)",
        "DECIMAL(30,10)",
        {"12345678901234567890.1234567891": Decimal("12345678901234567890.1234567891")},
    ),
    Case("decimal(38,30)", "DECIMAL(38,30)", {f"-9.{'9' * 30}": Decimal(f"-9.{'9' * 30}")}),
    Case("decimal(38,0)", "DECIMAL(38,0)", {"9" * 38: Decimal("9" * 38)}),
    Case("decimal(5,2) zerofill", "DECIMAL(5,2)", {"1.5": Decimal("1.50")}),
    Case("decimal(65,30)", "VARCHAR(68)", {f"-{'1' * 35}.{'2' * 30}": f"-{'1' * 35}.{'2' * 30}"}, {"v": "varchar"}),
    Case(
        "float",
        "REAL",
        {"16777215": 16777215.0, "0.1": single(0.1), "3.4028234663852886e38": single(3.4028235e38)},
    ),
    Case("float(7,4)", "REAL", {"999.00009": single(999.0001)}),
    Case(
        "double",
        "DOUBLE PRECISION",
        {
            "0.1": 0.1,
            "-2.2250738585072014e-308": -2.2250738585072014e-308,
            "1.7976931348623157e308": 1.7976931348623157e308,
            "1e15": 1e15,
        },
    ),
    Case("double(10,2)", "DOUBLE PRECISION", {"0.1": 0.1}),
    Case("bit(1)", "BOOLEAN", {"b'1'": True, "b'0'": False}),
    Case("bit(12)", "VARBYTE(2)", {"b'101'": b"\x00\x05", "b'0'": b"\0\0"}),
    Case("bit(64)", "VARBYTE(8)", {"~0": b"\xff" * 8}),
    Case(
        "date",
        "DATE",
        {
            "'0001-01-01'": date(1, 1, 1),
            "'9999-12-31'": date(9999, 12, 31),
            "'0000-00-00'": None,
            "'2021-02-00'": None,
            "'0000-05-05'": None,
        },
    ),
    Case("datetime", "TIMESTAMP", {"'2021-09-16 23:59:59'": moment(2021, 9, 16, 23, 59, 59), "'0000-00-00'": None}),
    Case(
        "datetime(6)",
        "TIMESTAMP",
        {
            "'2021-09-16 01:02:03.000004'": moment(2021, 9, 16, 1, 2, 3, 4),
            "'9999-12-31 23:59:59.999999'": moment(9999, 12, 31, 23, 59, 59, 999999),
            "'2021-00-15 10:00:00'": None,
        },
    ),
    Case("timestamp null", "TIMESTAMP", {"'1970-01-01 00:00:01'": moment(1970, 1, 1, 0, 0, 1), "'0000-00-00'": None}),
    Case("timestamp(6) null", "TIMESTAMP", {"'2038-01-19 03:14:07.999999'": moment(2038, 1, 19, 3, 14, 7, 999999)}),
    Case("time", "VARCHAR(17)", {"'25:00:00'": "25:00:00", "'-838:59:59'": "-838:59:59"}),
    Case(
        "time(6)", "VARCHAR(17)", {"'838:59:58.999999'": "838:59:58.999999", "'-00:00:00.000001'": "-00:00:00.000001"}
    ),
    Case("year", "SMALLINT", {"2021": 2021, "0": 0, "2155": 2155}),
    Case("char(60)", "VARCHAR(240)", {sql: text.rstrip(" ") for sql, text in TEXTS.items()}),
    Case("varchar(60)", "VARCHAR(240)", TEXTS),
    Case("varchar(60) character set utf8mb3", "VARCHAR(180)", {"'日本 é'": "日本 é"}),
    Case("varchar(60) character set latin1", "VARCHAR(180)", {"""'é€"\\\\ÿ'""": 'é€"\\ÿ'}),
    Case("varchar(60) character set ascii", "VARCHAR(60)", {"'plain'": "plain"}),
    Case("varchar(60) character set ucs2", "VARCHAR(180)", {"""'日本"'""": '日本"'}),
    Case("varchar(60) character set utf16", "VARCHAR(240)", {"'😀'": "😀"}),
    Case("varchar(60) collate utf8mb4_bin", "VARCHAR(240)", {"""'aA"'""": 'aA"'}),
    Case("varchar(0)", "VARCHAR(1)", {"''": ""}),
    Case("tinytext", "VARCHAR(255)", TEXTS),
    Case("text", "VARCHAR(65535)", {"repeat('\"é', 21845)": '"é' * 21845}),
    Case("mediumtext", "VARCHAR(65535)", TEXTS),
    Case("longtext", "VARCHAR(65535)", {"repeat('x', 65535)": "x" * 65535}),
    Case("""enum('a','b"c','é','')""", "VARCHAR(12)", {"""'b"c'""": 'b"c', "'é'": "é", "''": "", "0": ""}),
    Case("set('x','y','z')", "VARCHAR(20)", {"'z,x'": "x,z", "''": ""}),
    Case("binary(4)", "VARBYTE(4)", {"x'00FF'": b"\x00\xff\0\0"}),
    Case("varbinary(10)", "VARBYTE(10)", {"x'00ff410a22'": b'\x00\xffA\n"', "''": b""}),
    Case("tinyblob", "VARBYTE(255)", {"x'5c4e'": b"\\N"}),
    Case("blob", "VARBYTE(65535)", {"repeat(x'00', 65535)": bytes(65535)}),
    Case("mediumblob", "VARBYTE(16777215)", {"repeat(x'fe', 1000000)": b"\xfe" * 1000000}),
    Case("longblob", "VARBYTE(16777216)", {"x'ff'": b"\xff"}),
]
# What MySQL does not have.
MARIADB_CASES = [
    Case("decimal(38,37)", "DECIMAL(38,37)", {f"-9.{'9' * 37}": Decimal(f"-9.{'9' * 37}")}),
    Case("uuid", "VARCHAR(36)", {"'123e4567-e89b-12d3-a456-426655440000'": "123e4567-e89b-12d3-a456-426655440000"}),
    Case("inet6", "VARCHAR(39)", {"'2001:db8::ff00:42:8329'": "2001:db8::ff00:42:8329"}),
    Case("inet4", "VARCHAR(15)", {"'192.0.2.1'": "192.0.2.1"}),
]
JSON = {
    """'{"a": [1, 2.50, "x\\\\n\\\\"q\\\\" é😀"], "n": null}'""": {"a": [1, Decimal("2.50"), 'x\n"q" é😀'], "n": None},
    "'null'": None,
    "'9007199254740993'": 9007199254740993,
    "'\"\"'": "",
}


def fill(source: Database, case: Case) -> dict[int, Any]:
    """Make the table t with the case's values and one NULL; return what must come out."""
    literals = [*case.values, "NULL"]
    values = ", ".join(f"({number}, {literal}, now(6))" for number, literal in enumerate(literals))
    source.execute(
        "DROP TABLE IF EXISTS t",
        f"CREATE TABLE t (id int PRIMARY KEY, v {case.ddl}, updated_at datetime(6) NOT NULL, KEY (updated_at))",
        f"INSERT INTO t VALUES {values}",
    )
    return dict(enumerate([*case.values.values(), None]))
