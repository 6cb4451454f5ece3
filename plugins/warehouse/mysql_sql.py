"""Renders sql/mysql/*.sql: pure functions from a table's columns and a scope to statements."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from warehouse.config import TableConfig
from warehouse.manifest import KeyRange
from warehouse.type_map import Column, Form

SQL_DIR = Path(__file__).resolve().parents[2] / "sql" / "mysql"
YEAR_ONE = "'0001-01-01 00:00:00'"

# The text of a value that is not NULL.
TEXT = {
    Form.PLAIN: "{name}",
    Form.ZEROABLE_DATE: "{name}",
    # FLOAT itself is written with six digits, 16777215 as 16777200, and MySQL writes an expression of type DOUBLE in at
    # most 22 characters, which cuts digits off; in JSON it writes them all.
    Form.FLOAT: "JSON_EXTRACT(JSON_ARRAY(CAST({name} AS DOUBLE)), '$[0]')",
    Form.BOOLEAN: "ELT({name} + 1, 'false', 'true')",
    Form.BITS: "LPAD(HEX({name}), {hex_digits}, '0')",
    Form.HEX: "HEX({name})",
    Form.TEXT: "{utf8}",
    Form.REDACT: "'***'",
    Form.LAST4: "IF(CHAR_LENGTH({name}) < 8, '****', CONCAT('****', RIGHT({utf8}, 4)))",
    Form.DOMAIN: "IF(LOCATE('@', {name}), CONCAT('***@', SUBSTRING_INDEX({utf8}, '@', -1)), '***')",
}
QUOTING = {Form.TEXT, Form.LAST4, Form.DOMAIN}  # forms whose text may hold quotes
# A date with a zero year, month or day is in no calendar.
ZERO_DATE = "YEAR({name}) * MONTH({name}) * DAYOFMONTH({name}) = 0"
MEASURES = {
    "non_null": "COUNT({name})",
    "zero_dates": f"COUNT(IF({ZERO_DATE}, 1, NULL))",
    "sums": "SUM({name})",
    "longest": "MAX(OCTET_LENGTH({text}))",
}


@dataclass(frozen=True)
class Scope:
    """The rows an extract reads.

    :param bounds: naive times, `lower` ≤ cursor < `upper`; None for the whole table.
    :param key_range: a range of the primary key's first column.
    """

    config: TableConfig
    bounds: tuple[datetime, datetime] | None = None
    key_range: KeyRange | None = None


def quote(name: str) -> str:
    """An identifier."""
    return f"`{name.replace('`', '``')}`"


def literal(text: str) -> str:
    """A string literal, backslashes being escapes as in a session with an empty sql_mode."""
    escaped = text.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


def render_about_table(template: str, config: TableConfig) -> str:
    """A statement of sql/mysql/ that asks about the table as such."""
    return _render(
        template,
        table=_table(config),
        database_name=literal(config.database),
        table_name=literal(config.table),
        key=quote(config.primary_key[0]),
    )


def render_session() -> list[str]:
    """The statements that set up the session."""
    return [statement for statement in map(str.strip, _render("session").split(";")) if statement]


def render_cursor_gaps(scope: Scope) -> str:
    """Counts rows that no window would ever cover."""
    cursor = quote(scope.config.cursor)
    gap = f"({cursor} IS NULL OR {cursor} < {YEAR_ONE})"
    return _render("cursor_gaps", table=_table(scope.config), where=_where([gap, *_in_range(scope)]))


def measures_of(columns: Iterable[Column]) -> list[tuple[str, Column]]:
    """What is measured besides the rows' number: a key of MEASURES and the column."""
    wanted = []
    for column in columns:
        target = column.target
        wanted += [("non_null", column)] if column.source.nullable else []
        wanted += [("zero_dates", column)] if target.form is Form.ZEROABLE_DATE else []
        wanted += [("sums", column)] if target.summed and not column.hashed else []
        wanted += [("longest", column)] if target.limit else []
    return wanted


def render_measure(columns: Iterable[Column], scope: Scope) -> str:
    """Measures the rows: their number, then :func:`measures_of` in its order."""
    expressions = ["COUNT(*)"]
    for kind, column in measures_of(columns):
        expressions.append(MEASURES[kind].format(name=quote(column.name), text=text_of(column)))
    measures = ",\n    ".join(expressions)
    return _render("measure", table=_table(scope.config), measures=measures, where=_where(_in_scope(scope)))


def render_rows(columns: Iterable[Column], scope: Scope, null_as: str, zero_dates: Container[str]) -> str:
    """Selects the CSV lines.

    One column per row, the line with its line break. Where columns are hashed by the worker, the line is cut there:
    piece, value to hash, piece, … , piece.

    :param null_as: what NULL is written as.
    :param zero_dates: columns with dates to be written as NULL; the test costs time, and few tables have any.
    """
    pieces: list[list[str]] = [[]]
    results: list[str] = []
    for number, column in enumerate(columns):
        separator = ["','"] if number else []
        pieces[-1] += separator
        if column.hashed:
            results += [_line(pieces[-1]), f"CONCAT({_unless_null(column, text_of(column), 'NULL', zero_dates)})"]
            pieces.append([])
        else:
            pieces[-1].append(_field(column, null_as, zero_dates))
    results.append(_line([*pieces[-1], r"'\n'"]))
    fields = ",\n    ".join(results)
    return _render("rows", table=_table(scope.config), fields=fields, where=_where(_in_scope(scope)))


def _line(fields: list[str]) -> str:
    return "CONCAT(\n        " + ",\n        ".join(fields or ["''"]) + "\n    )"


def _field(column: Column, null_as: str, zero_dates: Container[str]) -> str:
    text = text_of(column)
    if column.target.form in QUOTING:
        text = f"""REPLACE({text} COLLATE utf8mb4_bin, '"', '""')"""  # compares bytes, which takes half the time
    if column.target.quoted:
        text = f"""CONCAT('"', {text}, '"')"""
    return _unless_null(column, text, f"'{null_as}'", zero_dates)


def _unless_null(column: Column, text: str, null: str, zero_dates: Container[str]) -> str:
    name = quote(column.name)
    nulls = [f"{name} IS NULL"] if column.source.nullable else []
    nulls += [ZERO_DATE.format(name=name)] if column.name in zero_dates else []
    return f"IF({' OR '.join(nulls)}, {null}, {text})" if nulls else text


def text_of(column: Column) -> str:
    """A value that is not NULL as MySQL writes it into the files, before quoting."""
    name = quote(column.name)
    utf8 = name if column.source.charset == "utf8mb4" else f"CONVERT({name} USING utf8mb4)"
    hex_digits = ((column.source.precision or 0) + 7) // 8 * 2
    return TEXT[column.target.form].format(name=name, utf8=utf8, hex_digits=hex_digits)


def _table(config: TableConfig) -> str:
    return f"{quote(config.database)}.{quote(config.table)}"


def _in_scope(scope: Scope) -> list[str]:
    cursor = quote(scope.config.cursor)
    window = []
    if scope.bounds:
        lower, upper = (bound.isoformat(" ", "microseconds") for bound in scope.bounds)
        window = [f"{cursor} >= '{lower}'", f"{cursor} < '{upper}'"]
    return window + _in_range(scope)


def _in_range(scope: Scope) -> list[str]:
    if not (key_range := scope.key_range):
        return []
    key = quote(key_range.column)
    lower = [f"{key} >= {key_range.lower}"] if key_range.lower is not None else []
    upper = [f"{key} < {key_range.upper}"] if key_range.upper is not None else []
    return lower + upper


def _where(conditions: list[str]) -> str:
    return "WHERE\n    " + "\n    AND ".join(conditions) if conditions else ""


@cache
def _template(name: str) -> Any:
    from jinja2 import Environment, StrictUndefined

    text = (SQL_DIR / f"{name}.sql").read_text(encoding="utf-8")
    return Environment(undefined=StrictUndefined, autoescape=False).from_string(text)  # noqa: S701 - SQL, not HTML


def _render(template: str, **values: str) -> str:
    return str(_template(template).render(values)).strip()
