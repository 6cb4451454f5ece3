"""A reading position in a list of tokens, for the statements that are parsed as a whole."""

from __future__ import annotations

from collections.abc import Sequence

from services.redshift.dialect.tokens import Group, Node, Token, identifier, string_value
from services.redshift.errors import SqlError, syntax_error


class Cursor:
    """Walks over the nodes of one statement, or of one pair of parentheses.

    :param nodes: what to read
    :param fold: whether quoted identifiers are folded to lower case, as Redshift does by default
    """

    def __init__(self, nodes: Sequence[Node], *, fold: bool = True) -> None:
        self.nodes = nodes
        self.fold = fold
        self.position = 0

    @property
    def done(self) -> bool:
        return self.position >= len(self.nodes)

    def peek(self, offset: int = 0) -> Node:
        """The node at hand, or an empty operator past the end."""
        index = self.position + offset
        return self.nodes[index] if index < len(self.nodes) else Token("op", "")

    def next(self) -> Node:
        node = self.peek()
        self.position += 1
        return node

    def rest(self) -> list[Node]:
        nodes = list(self.nodes[self.position :])
        self.position = len(self.nodes)
        return nodes

    def at(self, *words: str) -> bool:
        """Whether the next words are exactly these, in this order."""
        return all(self.peek(index).is_word(word) for index, word in enumerate(words))

    def accept(self, *words: str) -> bool:
        """Skip these words if they come next."""
        if not self.at(*words):
            return False
        self.position += len(words)
        return True

    def expect(self, *words: str) -> None:
        if not self.accept(*words):
            raise self.error(f"expected {' '.join(words).upper()}")

    def error(self, why: str = "") -> SqlError:
        """Build a syntax error at the next token, which is not repeated if it is a string: it may be a secret."""
        node = self.peek()
        near = "a string" if node.kind in {"string", "dollar"} else f'"{node.text}"'
        message = "syntax error at end of input" if self.done else f"syntax error at or near {near}"
        return syntax_error(f"{message}: {why}" if why else message)

    def group(self) -> Group:
        node = self.peek()
        if not isinstance(node, Group):
            raise self.error('expected "("')
        self.position += 1
        return node

    def string(self) -> str:
        node = self.peek()
        if not isinstance(node, Token) or node.kind not in {"string", "dollar"}:
            raise self.error("expected a string constant")
        self.position += 1
        return string_value(node)

    def integer(self) -> int:
        node = self.peek()
        if node.kind != "number" or not node.text.isdigit():
            raise self.error("expected a whole number")
        self.position += 1
        return int(node.text)

    def name(self) -> str:
        """Read one identifier and return it as Redshift stores it."""
        node = self.peek()
        if not isinstance(node, Token) or node.kind not in {"word", "quoted"}:
            raise self.error("expected a name")
        self.position += 1
        return stored_name(node, fold=self.fold)

    def qualified_name(self) -> list[str]:
        """Read ``table`` or ``schema.table``."""
        names = [self.name()]
        while self.peek().is_op("."):
            self.position += 1
            names.append(self.name())
        return names


def stored_name(token: Token, *, fold: bool) -> str:
    """The name a token stands for: Redshift folds it to lower case, quoted or not, unless told to be case-sensitive."""
    if token.kind == "quoted":
        name = token.text[1:-1].replace('""', '"')
        return name.lower() if fold else name
    return token.text.lower()


def names_of(group: Group, *, fold: bool) -> list[str]:
    """Read the names in ``(a, b)``."""
    cursor = Cursor(group.items, fold=fold)
    names = [cursor.name()]
    while not cursor.done:
        if not cursor.next().is_op(","):
            cursor.position -= 1
            raise cursor.error('expected ","')
        names.append(cursor.name())
    return names


def quoted(names: Sequence[str]) -> str:
    """Write ``schema.table`` with each part quoted."""
    return ".".join(identifier(name) for name in names)
