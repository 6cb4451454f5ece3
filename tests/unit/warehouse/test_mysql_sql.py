"""The SQL that MySQL gets, whole, and read by a parser of its dialect.

Set UPDATE_RENDERED=1 to write the files in rendered/ anew, and read the difference.
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlglot

from warehouse.config import Pii, TableConfig
from warehouse.manifest import KeyRange
from warehouse.mysql_sql import (
    Scope,
    literal,
    quote,
    render_about_table,
    render_cursor_gaps,
    render_measure,
    render_rows,
    render_session,
)
from warehouse.type_map import Column, SourceColumn, map_column

RENDERED = Path(__file__).parent / "rendered"
CONFIG = TableConfig(
    name="nps", source="prod.nps", target="a.nps", primary_key=("id",), mode="mutable", cursor="updated at"
)
DAY = (datetime(2021, 9, 15, 22), datetime(2021, 9, 17))  # noqa: DTZ001 - as MySQL compares it


def column(name: str, column_type: str, *, nullable: bool = True, **about: Any) -> Column:
    pii = about.pop("pii", None)
    charset = about.pop("charset", "utf8mb4")
    source = SourceColumn(name, column_type.split("(", maxsplit=1)[0], column_type, nullable, charset=charset, **about)
    return map_column(source, pii=pii)


COLUMNS = [
    column("id", "bigint(20)", nullable=False),
    column("order", "decimal(10,2)", precision=10, scale=2),
    column("100%", "float"),
    column("flag", "bit(1)", precision=1),
    column("bits", "bit(12)", precision=12, nullable=False),
    column("blob", "blob", length=65535),
    column("name `x`", "varchar(40)", length=40),
    column("latin", "text", length=65535, charset="latin1", nullable=False),
    column("iban", "varchar(34)", length=34, pii=Pii.LAST4),
    column("mail", "varchar(99)", length=99, pii=Pii.DOMAIN),
    column("note", "text", length=65535, pii=Pii.REDACT),
    column("updated at", "datetime(6)", nullable=False),
]
HASHED = [
    column("email", "varchar(99)", length=99, nullable=False, pii=Pii.HASH),
    column("id", "int(11)", nullable=False),
    column("born", "date", pii=Pii.HASH),
]
SCOPES = {
    "window": Scope(CONFIG, bounds=DAY),
    "full": Scope(CONFIG),
    "range": Scope(CONFIG, key_range=KeyRange(column="id", lower=-5, upper=9)),
}
STATEMENTS = {
    "rows": render_rows(COLUMNS, SCOPES["window"], "NULL_0123456789abcdef", ()),
    "rows_zero_dates": render_rows(COLUMNS[-1:], SCOPES["full"], "NULL_0123456789abcdef", {"updated at"}),
    "rows_hashed": render_rows(HASHED, SCOPES["full"], "NULL_0123456789abcdef", {"born"}),
    "measure": render_measure(COLUMNS, SCOPES["window"]),
    "measure_range": render_measure(HASHED, SCOPES["range"]),
    "cursor_gaps": render_cursor_gaps(SCOPES["window"]),
    "cursor_gaps_range": render_cursor_gaps(SCOPES["range"]),
    **{
        name: render_about_table(name, CONFIG)
        for name in ("clock", "pin", "engine", "columns", "indexes", "json_checks_mariadb", "key_bounds")
    },
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_statements_are_what_a_dba_has_reviewed(name: str) -> None:
    path = RENDERED / f"{name}.sql"
    if os.environ.get("UPDATE_RENDERED"):
        path.write_text(STATEMENTS[name] + "\n")

    assert STATEMENTS[name] + "\n" == path.read_text()
    [parsed] = sqlglot.parse(STATEMENTS[name], read="mysql")
    assert isinstance(parsed, sqlglot.exp.Select)


def test_the_session_reads_in_utc_and_repeatably() -> None:
    assert render_session()[1:] == [
        "SET SESSION time_zone = '+00:00'",
        "SET SESSION net_write_timeout = 3600",
        "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    ]
    assert render_about_table("snapshot", CONFIG).startswith("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")


def test_quoting() -> None:
    assert quote("a`b") == "`a``b`"
    assert literal("a'b\\c") == "'a''b\\\\c'"
