"""Queries and views."""

from __future__ import annotations

from collections.abc import Sequence

from services.redshift.dialect import refuse
from services.redshift.dialect.context import Context
from services.redshift.dialect.cursor import Cursor, names_of, quoted
from services.redshift.dialect.expressions import rewrite
from services.redshift.dialect.tokens import Group, Node, Token, identifier, literal, render
from services.redshift.errors import syntax_error

_UNBOUND = ["with", "no", "schema", "binding"]


def query(nodes: list[Node], context: Context) -> str:
    """Rewrite a statement that is, or holds, a query.

    :raises SqlError: what Redshift refuses, or what is not provided
    """
    words = {token.text.lower() for token in _words(nodes)}
    on_leader = "from" not in words and nodes[0].is_word("select")
    if "pg_catalog" not in words:  # Redshift reads its catalogue on the leader node, with PostgreSQL's own functions
        refuse.check(nodes, reads_catalog_only=on_leader)
    rewritten = rewrite(nodes, context)
    return render(_select_into_temp(rewritten)).strip()


def _words(nodes: list[Node]) -> list[Node]:
    found: list[Node] = []
    for node in nodes:
        found += _words(node.items) if not isinstance(node, Token) else [node] if node.kind == "word" else []
    return found


def _select_into_temp(nodes: list[Node]) -> list[Node]:
    """SELECT … INTO #name makes a temporary table."""
    for index in range(len(nodes) - 1):
        if nodes[index].is_word("into") and nodes[index + 1].text.startswith('"#') and not nodes[0].is_word("insert"):
            return [*nodes[: index + 1], Token("word", "TEMP", " "), *nodes[index + 1 :]]
    return nodes


def create_view(cursor: Cursor, context: Context) -> str:
    """Rewrite a CREATE VIEW.

    :param cursor: stands behind CREATE
    :return: PostgreSQL's CREATE VIEW, or what makes a late-binding view (catalogue/tables.sql)
    """
    if [node.text.lower() for node in cursor.nodes[-4:]] != _UNBOUND:
        return query(list(cursor.nodes), context)
    replacing = cursor.accept("or", "replace")
    cursor.expect("view")
    name = quoted(cursor.qualified_name())
    columns = names_of(cursor.group(), fold=context.fold) if isinstance(cursor.peek(), Group) else []
    cursor.expect("as")
    body = list(cursor.nodes[cursor.position : -4])
    _require_schemas(body, set())
    sql = query(body, context)
    if columns:
        sql = f"SELECT * FROM ({sql}) AS named ({', '.join(map(identifier, columns))})"  # noqa: S608 the client's own
    call = f"pg_redshift.create_late_binding_view({literal(name)}, {literal(sql)}, {replacing})"
    return f"DO {literal(f'BEGIN PERFORM {call}; END')}"


def _require_schemas(nodes: Sequence[Node], known: set[str]) -> None:
    """Refuse a table without its schema, as Redshift does: the view may be queried under any search_path."""
    known = known | {nodes[i].text.lower() for i in range(len(nodes) - 2) if _is_common_table(nodes, i)}
    reads = any(node.is_word("select") for node in nodes)
    for index, node in enumerate(nodes):
        if isinstance(node, Group):
            _require_schemas(node.items, known)
        elif reads and index and nodes[index - 1].is_word("from", "join"):
            qualified = index + 1 < len(nodes) and nodes[index + 1].is_op(".")
            if not qualified and node.text.lower() not in known:
                raise syntax_error(
                    "All the relation names inside should be qualified when creating VIEW WITH NO SCHEMA BINDING.",
                    hint=f"Write the schema before {node.text}.",
                )


def _is_common_table(nodes: Sequence[Node], index: int) -> bool:
    return nodes[index].kind == "word" and nodes[index + 1].is_word("as") and isinstance(nodes[index + 2], Group)
