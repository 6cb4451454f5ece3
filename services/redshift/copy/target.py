"""The table and the columns a COPY loads into."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.redshift.backend import Backend
from services.redshift.copy.statement import CopyStatement
from services.redshift.dialect.cursor import quoted
from services.redshift.dialect.tokens import identifier, literal
from services.redshift.errors import SqlError, refused

_COLUMNS = """
SELECT a.attname, t.typname, a.atttypmod, a.attnotnull, a.attidentity, c.oid::integer,
    substring(pg_redshift.type_name(c.oid, a.attnum) FROM '^binary varying\\((\\d+)\\)')
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
WHERE c.oid = pg_catalog.to_regclass({table}) AND c.relkind = 'r'
ORDER BY a.attnum
"""


@dataclass(frozen=True)
class Column:
    """One column to load.

    :param kind: PostgreSQL's type name: int4, numeric, varchar, bpchar, bytea, jsonb, …
    :param length: bytes of a VARCHAR, CHAR or VARBYTE; precision of a DECIMAL; else 0
    :param scale: of a DECIMAL
    """

    name: str
    kind: str
    length: int = 0
    scale: int = 0
    not_null: bool = False

    @property
    def is_text(self) -> bool:
        return self.kind in {"varchar", "bpchar", "text"}

    @property
    def shown_length(self) -> str:
        """The length as stl_load_errors shows it."""
        if self.kind == "numeric":
            return f"{self.length}, {self.scale}"
        return str(self.length) if self.length else ""


@dataclass(frozen=True)
class Target:
    """The table, and the columns in the order of the file's fields."""

    name: str
    oid: int
    sql: str
    columns: Sequence[Column]

    @property
    def column_list(self) -> str:
        return ", ".join(identifier(column.name) for column in self.columns)


async def find_target(backend: Backend, statement: CopyStatement) -> Target:
    """Look the table up in the session's own transaction.

    :raises SqlError: no such table or column, or an IDENTITY column that the file would have to fill
    """
    sql = quoted(statement.table)
    rows = (await backend.execute(_COLUMNS.format(table=literal(sql)))).rows
    name = ".".join(statement.table)
    if not rows:
        raise SqlError("42P01", f"Cannot COPY into nonexistent table {name}")
    table = {str(row[0]): row for row in rows}
    wanted = statement.columns or list(table)
    for column in wanted:
        if column not in table:
            raise SqlError("42703", f'column "{column}" of relation "{name}" does not exist')
        if table[column][4]:
            raise refused(
                f'column "{column}" of {name} is an IDENTITY column, which COPY cannot fill',
                hint="Give a column list without it.",
            )
    if len(set(wanted)) < len(wanted):
        raise SqlError("42701", f"COPY {name}: a column is listed twice")
    return Target(statement.table[-1], int(str(rows[0][5])), sql, [_column(table[column]) for column in wanted])


def _column(row: list[str | None]) -> Column:
    name, kind, modifier, not_null = str(row[0]), str(row[1]), int(str(row[2])), row[3] == "t"
    if kind == "numeric" and modifier > 0:
        return Column(name, kind, (modifier - 4) >> 16, (modifier - 4) & 0x7FF, not_null)
    if kind in {"varchar", "bpchar"} and modifier > 0:
        return Column(name, kind, modifier - 4, 0, not_null)
    return Column(name, kind, int(row[6] or 0), 0, not_null)
