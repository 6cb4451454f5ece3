"""QUALIFY, which PostgreSQL has not.

A set-returning function in ORDER BY is evaluated after the window functions and, when it returns no row, removes the
row it was evaluated for; and a sort key is no output column. So ``SELECT * FROM t QUALIFY c`` becomes
``SELECT * FROM t ORDER BY pg_redshift.qualify(c)``, whatever the select list is.
"""

from __future__ import annotations

from collections.abc import Sequence

from services.redshift.dialect.tokens import Group, Node, Token, split_commas
from services.redshift.errors import not_provided, syntax_error

_SET_OPERATORS = ("union", "intersect", "except", "minus")
_TAIL = ("order", "limit", "offset", "fetch", *_SET_OPERATORS)


def rewrite(nodes: list[Node]) -> list[Node]:
    """Rewrite each QUALIFY at this level of parentheses."""
    while (at := _find(nodes, 0, "qualify")) is not None:
        nodes = _rewrite_one(nodes, at)
    return nodes


def _find(nodes: Sequence[Node], start: int, *words: str) -> int | None:
    return next((index for index in range(start, len(nodes)) if nodes[index].is_word(*words)), None)


def _rewrite_one(nodes: list[Node], at: int) -> list[Node]:
    selects = [index for index in range(at) if nodes[index].is_word("select")]
    if not selects:
        raise syntax_error('syntax error at or near "QUALIFY"')
    start = selects[-1]
    if nodes[start + 1].is_word("distinct"):
        raise not_provided("QUALIFY in a SELECT DISTINCT", hint="Put the DISTINCT around a subquery.")
    _require_alias(nodes[start:at])
    end = _find(nodes, at + 1, *_TAIL) or len(nodes)
    condition = _resolve(nodes[at + 1 : end], _window_aliases(nodes[start + 1 : at]))
    key: list[Node] = [Token("word", "pg_redshift.qualify", " "), Group(condition)]
    query, tail = nodes[start:at], nodes[end:]
    in_set = (tail and tail[0].is_word(*_SET_OPERATORS)) or (start > 0 and _follows_set_operator(nodes, start))
    if in_set:
        return [*nodes[:start], Group([*query, *_order_by(), *key], " "), *tail]
    if tail and tail[0].is_word("order"):
        stop = _find(tail, 1, "limit", "offset", "fetch") or len(tail)
        return [*nodes[:start], *query, *tail[:stop], Token("op", ","), *key, *tail[stop:]]
    return [*nodes[:start], *query, *_order_by(), *key, *tail]


def _order_by() -> list[Node]:
    return [Token("word", "ORDER", " "), Token("word", "BY", " ")]


def _follows_set_operator(nodes: Sequence[Node], start: int) -> bool:
    before = nodes[start - 1]
    return before.is_word(*_SET_OPERATORS) or (before.is_word("all") and nodes[start - 2].is_word(*_SET_OPERATORS))


def _require_alias(query: Sequence[Node]) -> None:
    """Redshift reads QUALIFY right behind a relation's name as that relation's alias."""
    if _find(query, 0, "where", "group", "having") is not None:
        return
    last = len(query) - 1
    while last > 1 and query[last - 1].is_op("."):
        last -= 2
    if query[last].kind in {"word", "quoted", "group"} and (
        query[last - 1].is_word("from", "join") or query[last - 1].is_op(",")
    ):
        raise syntax_error(
            "QUALIFY directly behind FROM needs an alias",
            hint="Redshift takes QUALIFY for the alias there: write FROM table AS t QUALIFY …",
        )


def _window_aliases(select: Sequence[Node]) -> dict[str, list[Node]]:
    """Output names of window functions, which the condition may use and ORDER BY's expressions may not."""
    stop = _find(select, 0, "from")
    aliases: dict[str, list[Node]] = {}
    for item in split_commas(select[:stop]):
        name = item[-1] if item else Token("op", "")
        if len(item) > 2 and name.kind in {"word", "quoted"} and _find(item, 0, "over") is not None:
            aliases[_key(name)] = item[:-2] if item[-2].is_word("as") else item[:-1]
    return aliases


def _resolve(nodes: Sequence[Node], aliases: dict[str, list[Node]]) -> list[Node]:
    out: list[Node] = []
    for index, node in enumerate(nodes):
        qualified = index > 0 and nodes[index - 1].is_op(".")
        if isinstance(node, Group):
            out.append(Group(_resolve(node.items, aliases), node.space, node.end_space))
        elif node.kind in {"word", "quoted"} and not qualified and _key(node) in aliases:
            out.append(Group(list(aliases[_key(node)]), " "))
        else:
            out.append(node)
    return out


def _key(node: Node) -> str:
    return node.text.lower() if node.kind == "word" else node.text.strip('"')
