"""CREATE TABLE: Redshift's column and table attributes, keys that are declared only, and CREATE TABLE AS."""

from __future__ import annotations

from dataclasses import dataclass, field

from services.redshift.dialect.context import Context
from services.redshift.dialect.cursor import Cursor, names_of, quoted
from services.redshift.dialect.declared import Declared
from services.redshift.dialect.expressions import rewrite
from services.redshift.dialect.tokens import Group, Node, identifier, render, split_commas
from services.redshift.dialect.types import column_type
from services.redshift.errors import not_provided, refused, syntax_error

ENCODINGS = {
    *("az64", "bytedict", "delta", "delta32k", "lzo", "mostly8", "mostly16", "mostly32", "raw", "runlength"),
    *("text255", "text32k", "zstd", "auto", "none"),
}
_UNSUPPORTED_CLAUSES = {"check", "exclude", "deferrable", "initially", "storage", "compression"}
_UNSUPPORTED_TAIL = {"inherits", "partition", "with", "tablespace", "using", "on", "of", "without"}


@dataclass
class Table:
    """What a CREATE TABLE says, before it is written for PostgreSQL."""

    name: list[str]
    context: Context
    lines: list[str] = field(default_factory=list)
    declared: list[Declared] = field(default_factory=list)
    not_null: set[str] = field(default_factory=set)

    def body(self) -> str:
        """Write what stands between the parentheses."""
        return ", ".join([*self.lines, *(item.constraint(self.name[-1]) for item in self.declared)])


def create_table(cursor: Cursor, context: Context) -> str:
    """Rewrite a CREATE TABLE.

    :param cursor: stands behind CREATE
    :return: PostgreSQL's CREATE TABLE
    :raises SqlError: what Redshift refuses, or a clause that is not provided
    """
    cursor.accept("local")
    temporary = cursor.accept("temp") or cursor.accept("temporary")
    cursor.expect("table")
    guard = "IF NOT EXISTS " if cursor.accept("if", "not", "exists") else ""
    name = cursor.qualified_name()
    temporary = temporary or name[-1].startswith("#")
    head = f"CREATE {'TEMP ' if temporary else ''}TABLE {guard}{quoted(name)}"
    body = cursor.group() if isinstance(cursor.peek(), Group) else None
    attributes = _table_attributes(cursor)
    if cursor.accept("as"):
        return _create_table_as(head, body, cursor, context)
    if body is None or not cursor.done:
        raise cursor.error()
    return f"{head} ({_table_body(Table(name, context), body, attributes)})"


def _create_table_as(head: str, body: Group | None, cursor: Cursor, context: Context) -> str:
    columns = f" ({quoted_list(names_of(body, fold=context.fold))})" if body else ""
    return f"{head}{columns} AS {render(rewrite(cursor.rest(), context))}"


def quoted_list(names: list[str]) -> str:
    return ", ".join(map(identifier, names))


def _table_body(table: Table, body: Group, attributes: list[Declared]) -> str:
    parts = [Cursor(part, fold=table.context.fold) for part in split_commas(body.items)]
    for part in parts:
        _read_key(part, table)
    primary = [key for key in table.declared if key.kind == "PRIMARY KEY"]
    table.not_null = {column for key in primary for column in key.columns}
    for part in parts:
        if not part.done:
            table.lines.append(_like(part) if part.accept("like") else _column(part, table))
    if missing := table.not_null:
        raise syntax_error(f'column "{min(missing)}" named in key does not exist')
    if len([key for key in table.declared if key.kind == "PRIMARY KEY"]) > 1:
        raise syntax_error(f'multiple primary keys for table "{table.name[-1]}" are not allowed')
    table.declared += attributes
    return table.body()


def _read_key(part: Cursor, table: Table) -> None:
    """Take a table constraint; leave a column or LIKE where it is."""
    key = table_key(part)
    if key:
        table.declared.append(key)


def table_key(part: Cursor) -> Declared | None:
    """Read ``[CONSTRAINT name] PRIMARY KEY | UNIQUE | FOREIGN KEY …``, or nothing."""
    name = part.name() if part.accept("constraint") else None
    if part.accept("primary", "key"):
        key = Declared("PRIMARY KEY", names_of(part.group(), fold=part.fold), name)
    elif part.at("unique") and isinstance(part.peek(1), Group):
        part.next()
        key = Declared("UNIQUE", names_of(part.group(), fold=part.fold), name)
    elif part.accept("foreign", "key"):
        key = Declared("FOREIGN KEY", names_of(part.group(), fold=part.fold), name)
        part.expect("references")
        _reference(part)
    elif part.peek().text.lower() in _UNSUPPORTED_CLAUSES and isinstance(part.peek(1), Group):
        raise refused(f"{part.peek().text.upper()} constraints are not supported")
    elif name is not None:
        raise part.error("expected PRIMARY KEY, UNIQUE or FOREIGN KEY")
    else:
        return None
    if not part.done:
        raise part.error()
    return key


def _reference(part: Cursor) -> None:
    part.qualified_name()
    if isinstance(part.peek(), Group):
        part.next()


def _like(part: Cursor) -> str:
    parent = quoted(part.qualified_name())
    defaults = ""
    if part.at("including") or part.at("excluding"):
        defaults = " INCLUDING DEFAULTS" if part.next().is_word("including") else ""
        part.expect("defaults")
    if not part.done:
        raise part.error("LIKE takes INCLUDING DEFAULTS or EXCLUDING DEFAULTS only")
    return f"LIKE {parent}{defaults}"


def _column(part: Cursor, table: Table) -> str:
    name = part.name()
    definition = column_definition(part, name, table.context, table.declared, not_null=name in table.not_null)
    table.not_null.discard(name)
    return definition


def column_definition(
    part: Cursor, name: str, context: Context, declared: list[Declared], *, not_null: bool = False
) -> str:
    """Rewrite one column.

    :param part: stands at the type
    :param declared: takes the keys the column declares
    :param not_null: part of a primary key, so NOT NULL without saying so
    :return: the column for PostgreSQL's CREATE TABLE or ADD COLUMN
    """
    kind = column_type(part, name)
    options: list[str] = []
    nullable: bool | None = None
    while not part.done:
        if part.accept("not", "null"):
            nullable = False
        elif part.accept("null"):
            nullable = True
        elif part.accept("default"):
            options.append(f"DEFAULT {render(rewrite(_default(part), context)).strip()}")
        elif part.accept("primary", "key"):
            declared.append(Declared("PRIMARY KEY", [name]))
            not_null = True
        elif not (_identity(part, options) or _attribute(part, name, declared)):
            raise _unknown_option(part)
    if not_null and nullable:
        raise syntax_error(f'conflicting NULL/NOT NULL declarations for column "{name}"')
    if not_null or nullable is False:
        options.append("NOT NULL")
    if kind.max_bytes:
        options.append(_byte_limit(name, kind.max_bytes))
    return " ".join([identifier(name), kind.sql, *options])


def _default(part: Cursor) -> list[Node]:
    """The nodes of a default expression: up to the next column attribute."""
    start = part.position
    part.next()
    stops = {"not", "null", "encode", "distkey", "sortkey", "identity", "generated", "primary", "unique", "references"}
    while not part.done and part.peek().text.lower() not in stops | {"collate", "check", "constraint"}:
        part.next()
    return list(part.nodes[start : part.position])


def _identity(part: Cursor, options: list[str]) -> bool:
    if part.accept("generated", "by", "default", "as", "identity"):
        how = "BY DEFAULT"
    elif part.accept("identity"):
        how = "ALWAYS"
    else:
        return False
    seed, step = _seed_and_step(Cursor(part.group().items))
    options.append(f"GENERATED {how} AS IDENTITY (START {seed} MINVALUE {min(seed, 0)} INCREMENT {step})")
    return True


def _seed_and_step(cursor: Cursor) -> tuple[int, int]:
    numbers = [render(part).replace(" ", "") for part in split_commas(cursor.nodes)]
    try:
        seed, step = map(int, numbers)
    except ValueError:
        raise syntax_error("IDENTITY takes two whole numbers: (seed, step)") from None
    return seed, step


def _attribute(part: Cursor, name: str, declared: list[Declared]) -> bool:
    if part.accept("encode"):
        _encoding(part)
    elif part.accept("distkey"):
        declared.append(Declared("DISTKEY", [name]))
    elif part.accept("sortkey"):
        declared.append(Declared("SORTKEY", [name]))
    elif part.accept("unique"):
        declared.append(Declared("UNIQUE", [name]))
    elif part.accept("references"):
        declared.append(Declared("FOREIGN KEY", [name]))
        _reference(part)
    else:
        return part.accept("collate", "case_sensitive")
    return True


def _encoding(part: Cursor) -> None:
    encoding = part.next().text.lower()
    if encoding not in ENCODINGS:
        raise syntax_error(f'unknown compression encoding "{encoding}"; known: {", ".join(sorted(ENCODINGS))}')


def _unknown_option(part: Cursor) -> Exception:
    word = part.peek().text
    if part.at("generated"):
        return refused("generated columns are not supported", hint="Compute the value in the query that inserts it.")
    if word.lower() in _UNSUPPORTED_CLAUSES:
        return refused(f"{word.upper()} is not supported in a column definition")
    if part.at("collate"):
        return not_provided("COLLATE CASE_INSENSITIVE")
    return part.error()


def _byte_limit(name: str, max_bytes: int) -> str:
    constraint = identifier(f"binary varying({max_bytes}) {name}"[:63])
    return f"CONSTRAINT {constraint} CHECK (octet_length({identifier(name)}) <= {max_bytes})"


def _table_attributes(cursor: Cursor) -> list[Declared]:
    declared: list[Declared] = []
    while not cursor.done and not cursor.at("as"):
        if cursor.accept("diststyle"):
            style = cursor.next().text.upper()
            if style not in {"AUTO", "EVEN", "KEY", "ALL"}:
                raise syntax_error(f"DISTSTYLE is AUTO, EVEN, KEY or ALL, not {style}")
            declared += [] if style in {"AUTO", "KEY"} else [Declared(f"DISTSTYLE {style}")]
        elif cursor.accept("distkey"):
            declared.append(Declared("DISTKEY", names_of(cursor.group(), fold=cursor.fold)))
        elif cursor.accept("sortkey", "auto") or cursor.accept("encode", "auto"):
            continue
        elif cursor.at("sortkey") or cursor.at("compound", "sortkey") or cursor.at("interleaved", "sortkey"):
            cursor.position += 1 if cursor.at("sortkey") else 2
            declared.append(Declared("SORTKEY", names_of(cursor.group(), fold=cursor.fold)))
        elif cursor.accept("backup"):
            if not (cursor.accept("yes") or cursor.accept("no")):
                raise cursor.error("expected YES or NO")
        elif cursor.peek().text.lower() in _UNSUPPORTED_TAIL:
            raise refused(f"{cursor.peek().text.upper()} is not supported in CREATE TABLE")
        else:
            raise cursor.error()
    return declared
