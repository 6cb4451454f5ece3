"""Rewrites what can stand in any statement: names, strings, casts, function calls, QUALIFY."""

from __future__ import annotations

from collections.abc import Sequence

from services.redshift.dialect import functions, qualify
from services.redshift.dialect.context import Context
from services.redshift.dialect.cursor import Cursor, stored_name
from services.redshift.dialect.tokens import Group, Node, Token, identifier, literal, string_value
from services.redshift.dialect.types import cast_type

# A name behind one of these is a table's, even with parentheses behind it: INSERT INTO len (a, b).
_BEFORE_TABLE = ("into", "table", "update", "view")


def rewrite(nodes: Sequence[Node], context: Context) -> list[Node]:
    """Rewrite a list of nodes and everything inside its parentheses.

    :param nodes: an expression, a query, or the tail of a statement
    :return: the same for PostgreSQL
    :raises SqlError: what Redshift refuses, or what is not provided
    """
    leaves = [
        Group(rewrite(node.items, context), node.space, node.end_space)
        if isinstance(node, Group)
        else _leaf(node, context)
        for node in nodes
    ]
    return qualify.rewrite(_calls(leaves))


def _leaf(token: Token, context: Context) -> Token:
    if token.kind == "string" and "\\" in token.text:
        return Token("string", literal(string_value(token)), token.space)
    if token.kind == "quoted" or (token.kind == "word" and token.text.startswith("#")):
        return Token("quoted", identifier(stored_name(token, fold=context.fold)), token.space)
    return token


def _calls(nodes: list[Node]) -> list[Node]:
    out: list[Node] = []
    index = 0
    while index < len(nodes):
        node = nodes[index]
        previous = out[-1] if out else Token("op", "")
        taken = 1
        if node.is_op("::"):
            replaced, taken = _cast_operator(nodes, index)
            out += replaced
        elif node.is_word("sysdate") and not previous.is_op("."):
            out.append(Token("word", "pg_redshift.sysdate()", node.space))
        elif node.is_word("minus") and _starts_query(nodes, index + 1):
            out.append(Token("word", "EXCEPT", node.space))
        elif _is_call(nodes, index, previous):
            replaced, taken = _call(nodes, index)
            out += replaced
        else:
            out.append(node)
        index += taken
    return out


def _starts_query(nodes: list[Node], index: int) -> bool:
    return index < len(nodes) and (nodes[index].is_word("select", "all") or isinstance(nodes[index], Group))


def _is_call(nodes: list[Node], index: int, previous: Node) -> bool:
    return (
        nodes[index].kind == "word"
        and index + 1 < len(nodes)
        and isinstance(nodes[index + 1], Group)
        and not previous.is_op(".")
        and not previous.is_word(*_BEFORE_TABLE)
        and not _names_columns(nodes, index)
    )


def _names_columns(nodes: list[Node], index: int) -> bool:
    """WITH len (a, b) AS (SELECT …) calls nothing."""
    return Cursor(nodes[index + 2 :]).at("as") and isinstance(Cursor(nodes[index + 3 :]).peek(), Group)


def _call(nodes: list[Node], index: int) -> tuple[list[Node], int]:
    name, group = nodes[index], nodes[index + 1]
    assert isinstance(name, Token)
    assert isinstance(group, Group)
    replaced = functions.call(name, group, nodes[index + 2 :])
    if replaced is None:
        return [name], 1
    return replaced[0], 2 + replaced[1]


def _cast_operator(nodes: list[Node], index: int) -> tuple[list[Node], int]:
    cursor = Cursor(nodes)
    cursor.position = index + 1
    kind = cast_type(cursor)
    if kind is None:
        return [nodes[index]], 1
    return [Token("raw", f"::{kind}")], cursor.position - index
