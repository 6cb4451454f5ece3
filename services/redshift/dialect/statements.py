"""Reads one statement and says what PostgreSQL shall be sent for it.

Statements are allowed by their first words; whatever is not listed is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from services.redshift.copy.statement import CopyStatement, parse_copy
from services.redshift.dialect import refuse, settings
from services.redshift.dialect.alter_table import alter_table
from services.redshift.dialect.context import Context
from services.redshift.dialect.create_table import create_table
from services.redshift.dialect.cursor import Cursor, quoted
from services.redshift.dialect.expressions import rewrite
from services.redshift.dialect.merge import merge
from services.redshift.dialect.queries import create_view, query
from services.redshift.dialect.tokens import Node, Token, render, tree
from services.redshift.errors import SqlError, not_provided, refused


class Action(Enum):
    """Who runs a statement."""

    FORWARD = "PostgreSQL runs it"
    COPY = "COPY from S3"
    TRUNCATE = "TRUNCATE, then COMMIT"


@dataclass(frozen=True, slots=True)
class Plan:
    """One statement, ready to run.

    :param sql: for PostgreSQL; empty for COPY
    :param action: who runs it
    :param copy: the COPY, if it is one
    :param case_sensitive: what enable_case_sensitive_identifier becomes, or None
    :param controls_transaction: BEGIN, COMMIT and the like
    """

    sql: str
    action: Action = Action.FORWARD
    copy: CopyStatement | None = field(default=None, repr=False)  # holds credentials
    case_sensitive: bool | None = None
    controls_transaction: bool = False


def plan(tokens: list[Token], context: Context) -> Plan:
    """Turn one Redshift statement into a plan.

    :param tokens: the statement, without its semicolon
    :raises SqlError: what Redshift refuses, what is not provided, and what cannot be read
    """
    nodes = tree(tokens)
    cursor = Cursor(nodes, fold=context.fold)
    head = nodes[0].text.lower()
    if head == "copy":
        return Plan("", Action.COPY, parse_copy(cursor))
    if head == "(":
        return Plan(query(nodes, context))
    handler = _HANDLERS.get(head)
    if handler is None:
        raise _unknown(nodes[0])
    return handler(cursor, context)


def _unknown(node: Node) -> SqlError:
    word = node.text.upper()
    if word in {"UNLOAD", "CALL", "REFRESH", "CANCEL", "USE"}:
        return not_provided(word)
    if node.kind != "word":
        return Cursor([node]).error()
    return refused(f"{word} is not supported")


def _forward(cursor: Cursor, context: Context) -> Plan:
    return Plan(query(list(cursor.nodes), context))


def _transaction(cursor: Cursor, _: Context) -> Plan:
    if any(node.is_word("savepoint", "release", "to", "prepared", "chain") for node in cursor.nodes):
        raise refused("savepoints, prepared transactions and AND CHAIN are not supported")
    head = cursor.nodes[0].text.lower()
    if head in {"begin", "start"}:
        return Plan(settings.begin(cursor), controls_transaction=True)
    return Plan("COMMIT" if head in {"commit", "end"} else "ROLLBACK", controls_transaction=True)


def _truncate(cursor: Cursor, _: Context) -> Plan:
    cursor.expect("truncate")
    cursor.accept("table")
    name = cursor.qualified_name()
    if not cursor.done:
        raise refused("TRUNCATE takes one table and nothing else")
    return Plan(f"TRUNCATE {quoted(name)}", Action.TRUNCATE)


def _lock(cursor: Cursor, _: Context) -> Plan:
    cursor.expect("lock")
    cursor.accept("table")
    names = [quoted(cursor.qualified_name())]
    while cursor.peek().is_op(","):
        cursor.next()
        names.append(quoted(cursor.qualified_name()))
    if not cursor.done:
        raise refused("LOCK takes tables only: it is always ACCESS EXCLUSIVE and always waits")
    return Plan(f"LOCK TABLE {', '.join(names)}")


def _merge(cursor: Cursor, context: Context) -> Plan:
    refuse.check(cursor.nodes)
    cursor.expect("merge")
    return Plan(merge(cursor, context))


def _set(cursor: Cursor, _: Context) -> Plan:
    change = settings.set_ if cursor.next().is_word("set") else settings.reset
    sql, case_sensitive = change(cursor)
    return Plan(sql, case_sensitive=case_sensitive)


def _show(cursor: Cursor, _: Context) -> Plan:
    cursor.expect("show")
    return Plan(settings.show(cursor))


def _explain(cursor: Cursor, context: Context) -> Plan:
    cursor.expect("explain")
    verbose = "VERBOSE " if cursor.accept("verbose") else ""
    if not cursor.peek().is_word("select", "with", "insert", "update", "delete", "create", "merge"):
        raise refused(f"EXPLAIN {cursor.peek().text.upper()} is not supported")
    inner = plan(_flat(cursor.rest()), context)
    return Plan(f"EXPLAIN {verbose}{inner.sql}")


def _flat(nodes: list[Node]) -> list[Token]:
    tokens: list[Token] = []
    for node in nodes:
        if isinstance(node, Token):
            tokens.append(node)
        else:
            tokens += [Token("op", "(", node.space), *_flat(node.items), Token("op", ")", node.end_space)]
    return tokens


def _analyze(cursor: Cursor, _: Context) -> Plan:
    cursor.expect("analyze")
    if cursor.at("compression"):
        raise not_provided("ANALYZE COMPRESSION")
    cursor.accept("verbose")
    table = ""
    if not cursor.done and not cursor.at("predicate", "columns") and not cursor.at("all", "columns"):
        table = f" {quoted(cursor.qualified_name())}"
    return Plan(f"ANALYZE{table}")


def _vacuum(cursor: Cursor, _: Context) -> Plan:
    cursor.expect("vacuum")
    for words in (("full",), ("sort", "only"), ("delete", "only"), ("reindex",), ("recluster",)):
        if cursor.accept(*words):
            break
    table = "" if cursor.done or cursor.at("to") or cursor.at("boost") else f" {quoted(cursor.qualified_name())}"
    return Plan(f"VACUUM{table}")


def _grant(cursor: Cursor, context: Context) -> Plan:
    nodes = [
        node
        for index, node in enumerate(cursor.nodes)
        # In PostgreSQL everybody is a role, and none carries the word.
        if not (node.is_word("role") and index and cursor.nodes[index - 1].is_word("to", "from", "grant", "revoke"))
    ]
    return Plan(render(rewrite(nodes, context)).strip())


def _create(cursor: Cursor, context: Context) -> Plan:
    cursor.expect("create")
    if cursor.at("or", "replace", "view") or cursor.at("view"):
        return Plan(create_view(cursor, context))
    if cursor.peek().is_word("table", "temp", "temporary", "local"):
        refuse.check(cursor.nodes, reads_catalog_only=True)
        return Plan(create_table(cursor, context))
    if cursor.peek().is_word("schema", "user", "group", "role", "database"):
        if any(node.is_word("quota") for node in cursor.nodes):
            raise not_provided("CREATE SCHEMA … QUOTA")
        return Plan(render(rewrite(cursor.nodes, context)).strip())
    provided_by_redshift = ("external", "materialized", "model", "datashare", "procedure", "function", "library", "or")
    raise _object_error("CREATE", cursor, provided_by_redshift)


def _object_error(verb: str, cursor: Cursor, in_redshift: tuple[str, ...]) -> SqlError:
    kind = cursor.peek()
    what = f"{verb} {kind.text.upper()}"
    if kind.is_word(*in_redshift):
        return not_provided(what)
    if kind.is_word("index", "unique"):
        return refused(f"{what} is not supported", hint="A SORTKEY takes the place of an index.")
    return refused(f"{what} is not supported")


def _alter(cursor: Cursor, context: Context) -> Plan:
    cursor.expect("alter")
    if cursor.accept("table"):
        return Plan(alter_table(cursor, context))
    if cursor.peek().is_word("schema", "user", "group", "role", "default"):
        return _grant(Cursor(cursor.nodes), context)
    raise _object_error("ALTER", cursor, ("database", "datashare", "external", "materialized", "procedure", "function"))


def _drop(cursor: Cursor, context: Context) -> Plan:
    cursor.expect("drop")
    if cursor.peek().is_word("table", "view", "schema", "user", "group", "role", "database"):
        return Plan(render(rewrite(cursor.nodes, context)).strip())
    raise _object_error("DROP", cursor, ("datashare", "external", "materialized", "model", "procedure", "function"))


_Handler = Callable[[Cursor, Context], Plan]
_HANDLERS: dict[str, _Handler] = {
    **dict.fromkeys(("select", "with", "insert", "update", "delete"), _forward),
    **dict.fromkeys(("declare", "fetch", "close", "prepare", "execute", "deallocate", "comment"), _forward),
    **dict.fromkeys(("begin", "start", "commit", "end", "rollback", "abort", "savepoint", "release"), _transaction),
    **dict.fromkeys(("set", "reset"), _set),
    **dict.fromkeys(("grant", "revoke"), _grant),
    "merge": _merge,
    "truncate": _truncate,
    "lock": _lock,
    "show": _show,
    "explain": _explain,
    "analyze": _analyze,
    "vacuum": _vacuum,
    "create": _create,
    "alter": _alter,
    "drop": _drop,
}
