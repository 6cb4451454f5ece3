"""MERGE within Redshift's limits, which are narrower than PostgreSQL's (r_MERGE)."""

from __future__ import annotations

from collections.abc import Sequence

from services.redshift.dialect.context import Context
from services.redshift.dialect.cursor import Cursor, quoted
from services.redshift.dialect.expressions import rewrite
from services.redshift.dialect.tokens import Group, Node, identifier, literal, render, split_commas
from services.redshift.errors import refused, syntax_error


def merge(cursor: Cursor, context: Context) -> str:
    """Rewrite a MERGE.

    :param cursor: stands behind MERGE
    :return: PostgreSQL's MERGE, or DELETE and INSERT in one statement for REMOVE DUPLICATES
    :raises SqlError: what Redshift's MERGE has not
    """
    cursor.expect("into")
    target = cursor.qualified_name()
    if not cursor.accept("using"):
        raise refused("MERGE: the target table takes no alias", hint="Only the source table can have one.")
    source, alias = _source(cursor)
    cursor.expect("on")
    condition = _until(cursor, "when", "remove")
    _require_equality(condition)
    joined = render(rewrite(condition, context))
    # The function is IMMUTABLE and its argument constant, so it runs once, when the statement is planned.
    checked = f"pg_redshift.merge_source({literal(quoted(source))}::regclass) AND ({joined})"
    using = f"{quoted(source)}{f' AS {identifier(alias)}' if alias else ''}"
    if cursor.accept("remove", "duplicates"):
        if not cursor.done:
            raise cursor.error("REMOVE DUPLICATES stands alone, without WHEN")
        delete = f"DELETE FROM {quoted(target)} USING {using} WHERE {checked}"  # noqa: S608 names are quoted
        return f"WITH replaced AS ({delete}) INSERT INTO {quoted(target)} SELECT * FROM {quoted(source)}"  # noqa: S608
    matched = _matched(cursor, context)
    inserted = _not_matched(cursor, context)
    return f"MERGE INTO {quoted(target)} USING {using} ON {checked} {matched} {inserted}"


def _source(cursor: Cursor) -> tuple[list[str], str | None]:
    if isinstance(cursor.peek(), Group):
        raise refused("MERGE: the source is a table, not a subquery", hint="Put the rows into a temporary table first.")
    source = cursor.qualified_name()
    if cursor.at("on"):
        return source, None
    cursor.accept("as")
    return source, cursor.name()


def _until(cursor: Cursor, *words: str) -> list[Node]:
    start, depth = cursor.position, 0
    while not cursor.done and (depth or not cursor.peek().is_word(*words)):
        node = cursor.next()
        depth += node.is_word("case") - node.is_word("end")
    if cursor.position == start:
        raise cursor.error()
    return list(cursor.nodes[start : cursor.position])


def _require_equality(nodes: Sequence[Node]) -> None:
    for node in nodes:
        if isinstance(node, Group):
            _require_equality(node.items)
        elif node.is_op("<", ">", "<=", ">=", "<>", "!=", "~", "~*", "~~") or node.is_word(
            *("or", "not", "like", "ilike", "between", "is", "in", "exists", "similar")
        ):
            raise refused(
                f"MERGE: the ON condition holds {node.text.upper()}, it can only compare columns with = and AND",
                hint="Delete the rows that must not be merged from the source table first.",
            )


def _matched(cursor: Cursor, context: Context) -> str:
    if not cursor.accept("when", "matched"):
        raise refused("MERGE needs WHEN MATCHED THEN … followed by WHEN NOT MATCHED THEN INSERT …")
    _require_then(cursor)
    if cursor.accept("delete"):
        return "WHEN MATCHED THEN DELETE"
    if not cursor.accept("update"):
        raise refused(f"MERGE: WHEN MATCHED THEN {cursor.peek().text.upper()}: only UPDATE or DELETE")
    cursor.expect("set")
    assignments = _until(cursor, "when")
    for assignment in split_commas(assignments):
        _require_plain_column(Cursor(assignment))
    return f"WHEN MATCHED THEN UPDATE SET {render(rewrite(assignments, context))}"


def _require_plain_column(assignment: Cursor) -> None:
    column = assignment.peek()
    if isinstance(column, Group):
        raise refused("MERGE: UPDATE SET (a, b) = … is not supported", hint="Assign each column on its own.")
    if assignment.peek(1).is_op("."):
        raise syntax_error(f'MERGE: UPDATE SET column "{column.text}" must not carry the table\'s name')


def _require_then(cursor: Cursor) -> None:
    if cursor.at("and"):
        raise refused("MERGE: WHEN … AND condition is not supported", hint="Filter the source table first.")
    cursor.expect("then")


def _not_matched(cursor: Cursor, context: Context) -> str:
    if not cursor.accept("when", "not", "matched"):
        raise refused("MERGE needs exactly WHEN MATCHED THEN … followed by WHEN NOT MATCHED THEN INSERT …")
    _require_then(cursor)
    if not cursor.at("insert"):
        raise refused(f"MERGE: WHEN NOT MATCHED THEN {cursor.peek().text.upper()}: only INSERT")
    insert = cursor.rest()
    if any(node.is_word("when") for node in insert):
        raise refused("MERGE takes one WHEN MATCHED and one WHEN NOT MATCHED clause")
    if not any(node.is_word("values") for node in insert):
        raise syntax_error("MERGE: INSERT needs VALUES (…)")
    return f"WHEN NOT MATCHED THEN {render(rewrite(insert, context)).strip()}"
