"""Redshift's lexical rules: text to tokens, tokens to a tree of parentheses, and back to text.

Rewriting works on these tokens only, so that nothing inside a string, a quoted identifier or a comment is ever changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from services.redshift.errors import refused, syntax_error

_SPACE = re.compile(r"(?:\s+|--[^\n]*)+")
_TOKEN = re.compile(
    r"""
      (?P<string>'(?:[^'\\]|\\.|'')*')          # Redshift, like PostgreSQL 8.0, always knows backslash escapes
    | (?P<dollar>\$(?P<tag>[A-Za-z_]\w*|)\$.*?\$(?P=tag)\$)
    | (?P<quoted>"(?:[^"]|"")*")
    | (?P<word>\#?[^\W\d][\w$]*)                # a leading # names a temporary table
    | (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    | (?P<param>\$\d+)
    | (?P<op>::|\|\||<=|>=|<>|!=|!~\*|!~~\*?|!~|~~\*?|~\*|[-+*/%^&|~<>=!@\#?;,.:()\[\]{}])
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(slots=True)
class Token:
    """One lexical unit.

    :param kind: word, quoted, string, dollar, number, param, op, or raw: PostgreSQL that a rewrite made
    :param text: as written
    :param space: the white space and comments before it
    """

    kind: str
    text: str
    space: str = ""

    def is_word(self, *words: str) -> bool:
        return self.kind == "word" and self.text.lower() in words

    def is_op(self, *ops: str) -> bool:
        return self.kind == "op" and self.text in ops


@dataclass(slots=True)
class Group:
    """What stands between two parentheses."""

    items: list[Node] = field(default_factory=list)
    space: str = ""
    end_space: str = ""

    # So that a Node can be asked without asking first what it is.
    kind = "group"
    text = "("

    def is_word(self, *words: str) -> bool:  # noqa: ARG002
        return False

    def is_op(self, *ops: str) -> bool:  # noqa: ARG002
        return False


Node = Token | Group


def tokenize(sql: str) -> tuple[list[Token], str]:
    """Cut SQL text into tokens.

    :param sql: any number of statements
    :return: the tokens, and the white space and comments after the last one
    :raises SqlError: an unterminated string, identifier or comment, an escape string, a character that SQL has not
    """
    tokens: list[Token] = []
    position = 0
    while True:
        space, position = _skip_space(sql, position)
        if position == len(sql):
            return tokens, space
        match = _TOKEN.match(sql, position)
        if match is None:
            raise _unreadable(sql, position)
        kind, text = str(match.lastgroup), match.group()
        if kind == "string" and tokens and not space and tokens[-1].is_word("e"):
            raise refused("escape strings (E'…') are not supported: an ordinary string knows backslash escapes already")
        tokens.append(Token(kind, text, space))
        position = match.end()


def _skip_space(sql: str, start: int) -> tuple[str, int]:
    position = start
    while True:
        match = _SPACE.match(sql, position)
        if match:
            position = match.end()
        elif sql.startswith("/*", position):
            position = _comment_end(sql, position)
        else:
            return sql[start:position], position


def _comment_end(sql: str, start: int) -> int:
    depth = 0
    for match in re.compile(r"/\*|\*/").finditer(sql, start):
        depth += 1 if match.group() == "/*" else -1
        if depth == 0:
            return match.end()
    raise syntax_error("unterminated /* comment")


def _unreadable(sql: str, position: int) -> Exception:
    what = {"'": "quoted string", '"': "quoted identifier", "$": "dollar-quoted string"}.get(sql[position])
    return syntax_error(f"unterminated {what}" if what else f'syntax error at or near "{sql[position]}"')


def split(sql: str) -> list[list[Token]]:
    """Cut SQL text into statements at its semicolons; empty ones are left out."""
    tokens, _ = tokenize(sql)
    statements: list[list[Token]] = [[]]
    for token in tokens:
        if token.is_op(";"):
            statements.append([])
        else:
            statements[-1].append(token)
    return [statement for statement in statements if statement]


def tree(tokens: Iterable[Token]) -> list[Node]:
    """Nest tokens by their parentheses."""
    stack: list[list[Node]] = [[]]
    groups: list[Group] = []
    for token in tokens:
        if token.is_op("("):
            groups.append(Group(space=token.space))
            stack.append(groups[-1].items)
        elif token.is_op(")"):
            if not groups:
                raise syntax_error('syntax error at or near ")"')
            stack.pop()
            group = groups.pop()
            group.end_space = token.space
            stack[-1].append(group)
        else:
            stack[-1].append(token)
    if groups:
        raise syntax_error('syntax error at end of input: a ")" is missing')
    return stack[0]


def render(nodes: Sequence[Node]) -> str:
    """Write a tree as SQL text."""
    parts: list[str] = []
    for node in nodes:
        if isinstance(node, Group):
            parts += [node.space, "(", render(node.items), node.end_space, ")"]
        else:
            parts += [node.space, node.text]
    return "".join(parts)


def raw(sql: str) -> Token:
    """Wrap a piece of finished PostgreSQL that a rewrite puts in."""
    return Token("raw", sql, " ")


def split_commas(nodes: Sequence[Node]) -> list[list[Node]]:
    """Cut a list at its commas: arguments, columns, select items."""
    parts: list[list[Node]] = [[]]
    for node in nodes:
        if node.is_op(","):
            parts.append([])
        else:
            parts[-1].append(node)
    return parts


def string_value(token: Token) -> str:
    """The value of a string constant, its escapes resolved."""
    if token.kind == "dollar":
        return token.text.split("$", 2)[2].rsplit("$", 2)[0]
    return re.sub(r"''|\\([0-7]{1,3}|.)", _unescape, token.text[1:-1], flags=re.DOTALL)


def _unescape(match: re.Match[str]) -> str:
    code = match.group(1) or "'"
    if code[0] in "01234567":
        return chr(int(code, 8) & 0xFF)
    return {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}.get(code, code)


def literal(value: str) -> str:
    """Write a value as a PostgreSQL string constant."""
    quoted = value.replace("'", "''")
    return f"'{quoted}'" if "\\" not in quoted else "E'" + quoted.replace("\\", "\\\\") + "'"


def identifier(name: str) -> str:
    """Write a name as a quoted PostgreSQL identifier."""
    return '"' + name.replace('"', '""') + '"'
