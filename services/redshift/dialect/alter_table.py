"""ALTER TABLE, one action a statement as in Redshift."""

from __future__ import annotations

from services.redshift.dialect.context import Context
from services.redshift.dialect.create_table import column_definition, table_key
from services.redshift.dialect.cursor import Cursor, quoted
from services.redshift.dialect.declared import Declared
from services.redshift.dialect.tokens import identifier
from services.redshift.dialect.types import column_type
from services.redshift.errors import SqlError, not_provided, refused, syntax_error

_NOT_PROVIDED = ("append", "distkey", "diststyle", "sortkey", "compound", "interleaved", "encode", "location", "row")


def alter_table(cursor: Cursor, context: Context) -> str:
    """Rewrite an ALTER TABLE.

    :param cursor: stands behind ALTER TABLE
    :return: PostgreSQL's ALTER TABLE
    :raises SqlError: what Redshift refuses, or an action that is not provided
    """
    if any(node.is_op(",") for node in cursor.nodes):
        raise refused("ALTER TABLE takes one action a statement: send one statement for each")
    name = cursor.qualified_name()
    action = _action(cursor, context, name[-1])
    if not cursor.done:
        raise cursor.error()
    return f"ALTER TABLE {quoted(name)} {action}"


def _action(cursor: Cursor, context: Context, table: str) -> str:
    if cursor.accept("rename"):
        return _rename(cursor)
    if cursor.accept("owner", "to"):
        return f"OWNER TO {identifier(cursor.name())}"
    if cursor.accept("drop", "constraint"):
        return f"DROP CONSTRAINT {identifier(cursor.name())}{_behaviour(cursor)}"
    if cursor.accept("drop"):
        cursor.accept("column")
        return f"DROP COLUMN {identifier(cursor.name())}{_behaviour(cursor)}"
    if cursor.accept("add"):
        return _add(cursor, context, table)
    if cursor.at("alter", "column"):
        cursor.position += 2
        return _alter_column(cursor, context)
    if cursor.peek().is_word(*_NOT_PROVIDED) or (cursor.at("alter") and cursor.peek(1).is_word(*_NOT_PROVIDED)):
        raise not_provided(f"ALTER TABLE … {cursor.peek().text.upper()} {cursor.peek(1).text.upper()}")
    raise refused(f"ALTER TABLE … {cursor.peek().text.upper()} is not supported")


def _behaviour(cursor: Cursor) -> str:
    if cursor.accept("cascade"):
        return " CASCADE"
    cursor.accept("restrict")
    return ""


def _rename(cursor: Cursor) -> str:
    if cursor.accept("to"):
        return f"RENAME TO {identifier(cursor.name())}"
    cursor.accept("column")
    old = cursor.name()
    cursor.expect("to")
    return f"RENAME COLUMN {identifier(old)} TO {identifier(cursor.name())}"


def _add(cursor: Cursor, context: Context, table: str) -> str:
    key = table_key(cursor)
    if key is not None:
        required = [f"ALTER COLUMN {identifier(name)} SET NOT NULL" for name in _primary(key)]
        return ", ".join([f"ADD {key.constraint(table)}", *required])
    cursor.accept("column")
    if cursor.at("if", "not", "exists"):
        raise refused("ADD COLUMN IF NOT EXISTS is not supported", hint="Look the column up in SVV_COLUMNS first.")
    name, start = cursor.name(), cursor.position
    declared: list[Declared] = []
    definition = column_definition(cursor, name, context, declared)
    if declared:
        raise refused("ALTER TABLE ADD COLUMN takes no key, DISTKEY or SORTKEY")
    if "NOT NULL" in definition and not any(node.is_word("default") for node in cursor.nodes[start:]):
        raise SqlError("42601", "ALTER TABLE ADD COLUMN defined as NOT NULL must have a non-null default expression")
    if "AS IDENTITY" in definition:
        raise refused("an IDENTITY column cannot be added with ALTER TABLE")
    return f"ADD COLUMN {definition}"


def _primary(key: Declared) -> list[str]:
    return list(key.columns) if key.kind == "PRIMARY KEY" else []


def _alter_column(cursor: Cursor, context: Context) -> str:
    column = cursor.name()
    if cursor.at("encode"):
        raise not_provided("ALTER COLUMN … ENCODE")
    if not cursor.accept("type"):
        raise refused(f"ALTER COLUMN … {cursor.peek().text.upper()} is not supported")
    if context.in_transaction:
        raise SqlError("25001", "ALTER TABLE ALTER COLUMN cannot run inside a transaction block")
    kind = column_type(cursor, column)
    if not kind.sql.startswith("varchar"):
        raise refused(f'cannot alter type of column "{column}": only the size of a VARCHAR column can be changed')
    if not cursor.done:
        raise syntax_error("ALTER COLUMN … TYPE takes a type only")
    return f"ALTER COLUMN {identifier(column)} TYPE {kind.sql}"
