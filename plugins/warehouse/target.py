"""The target table: made from the files' columns, grown with them, or refused."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from warehouse.errors import LoadError
from warehouse.load_plan import EXTRACTED_AT, MANIFEST_ID, LoadColumn, LoadPlan, Relation
from warehouse.merge import live_condition
from warehouse.redshift_sql import lines, literal, names, quote, relation, render
from warehouse.redshift_types import Kind, parse_type

if TYPE_CHECKING:
    from warehouse.redshift import Session

STAMPS = (LoadColumn(EXTRACTED_AT, "TIMESTAMP"), LoadColumn(MANIFEST_ID, "VARCHAR(36)"))

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TargetColumn:
    """A column of the target, as Redshift's catalogue has it.

    :param required: NOT NULL without a default.
    """

    name: str
    kind: Kind
    required: bool


@dataclass(frozen=True)
class Layout:
    """How a new target is distributed and sorted.

    :param distkey: a column; None leaves it to Redshift.
    :param sortkey: columns; none leaves it to Redshift.
    """

    distkey: str | None = None
    sortkey: tuple[str, ...] = ()


def render_create_target(plan: LoadPlan, layout: Layout) -> list[str]:
    """Create schema and table, unless they are there.

    Only the key and what orders rows is NOT NULL: Redshift cannot take a NOT NULL back, and the source can.
    """
    required = {*plan.key, *plan.order, MANIFEST_ID}
    definitions = [
        f"{quote(column.name)} {column.type}{' NOT NULL' if column.name in required else ''}"
        for column in (*plan.columns, *STAMPS)
    ]
    # Never enforced, but the planner relies on it; the load keeps it true.
    definitions.append(f"PRIMARY KEY ({names(plan.key)})")
    attributes = [
        f"DISTSTYLE KEY\nDISTKEY ({quote(layout.distkey)})" if layout.distkey else "DISTSTYLE AUTO",
        f"COMPOUND SORTKEY ({names(layout.sortkey)})" if layout.sortkey else "SORTKEY AUTO",
    ]
    table = render(
        "create_table", target=relation(plan.target), definitions=lines(definitions), attributes="\n".join(attributes)
    )
    return [*_create_schema(plan.target), table]


def render_create_audit(audit: Relation) -> list[str]:
    """Create the audit table and its schema, unless they are there."""
    return [*_create_schema(audit), render("audit_table", audit=relation(audit))]


def render_growth(plan: LoadPlan, added: Sequence[LoadColumn], widened: Sequence[LoadColumn]) -> list[str]:
    """Add columns, and make VARCHAR columns longer."""
    target = relation(plan.target)
    return [
        *(render("add_column", target=target, column=quote(column.name), type=column.type) for column in added),
        *(render("widen_column", target=target, column=quote(column.name), type=column.type) for column in widened),
    ]


def render_drop_live_view(plan: LoadPlan) -> list[str]:
    """Drop the view of live rows, if it is there."""
    return [render("drop_view", view=relation(plan.target.live))]


def render_live_view(plan: LoadPlan, columns: Sequence[str]) -> list[str]:
    """Create or replace the view of live rows.

    :param columns: of the target, in its order, without the load's own.
    """
    view = render(
        "live_view",
        view=relation(plan.target.live),
        columns=lines(map(quote, columns)),
        target=relation(plan.target),
        live=live_condition(plan),
    )
    return [view]


def render_target_columns(target: Relation) -> list[str]:
    """Ask for a table's columns."""
    schema = literal(target.schema) if target.schema else "CURRENT_SCHEMA()"
    return [render("target_columns", schema_name=schema, table_name=literal(target.name))]


def read_columns(session: Session, target: Relation) -> list[TargetColumn]:
    """The target's columns in their order; none if it does not exist."""
    return [_column(*row) for row in session.run(render_target_columns(target))]


def _column(name: str, data_type: str, *sizes: Any) -> TargetColumn:
    length, precision, scale, nullable, default = sizes
    return TargetColumn(name, Kind.of(data_type, length, precision, scale), nullable == "NO" and default is None)


def _create_schema(table: Relation) -> list[str]:
    return [render("create_schema", schema=quote(table.schema))] if table.schema else []


def compare(plan: LoadPlan, found: Sequence[TargetColumn]) -> tuple[list[LoadColumn], list[LoadColumn]]:
    """Hold the target against the files.

    :returns: columns to add, and VARCHAR columns to widen.
    :raises LoadError: the target cannot take the files' values as they are.
    """
    there = {column.name.lower(): column for column in found}
    wanted = [column for column in plan.columns if column.name in plan.written] + list(STAMPS if plan.stamped else ())
    added, widened = [], []
    for column in wanted:
        target = there.get(column.name.lower())
        kind = parse_type(column.type)
        if target is None:
            added.append(column)
        elif target.kind.holds(kind):
            continue
        elif target.kind.name == kind.name == "VARCHAR":
            widened.append(column)
        else:
            raise LoadError(
                f"{plan.target}: column {column.name!r} is {target.kind} and the source's is now {column.type}, which "
                "it cannot hold. Redshift cannot change such a type in place: rename the table away (ALTER TABLE … "
                "RENAME), let the load make it anew, and run a full refresh"
            )
    if missing := [stamp.name for stamp in STAMPS if stamp in added]:
        raise LoadError(
            f"{plan.target} has no column {missing[0]!r}, so it was not made by this load, which cannot tell which of "
            "its rows are newer; rename the table away and run a full refresh, or load it with UPSERT and upsert_keys"
        )
    names_written = {column.name.lower() for column in wanted}
    for other in found:
        if other.name.lower() not in names_written and other.required:
            raise LoadError(
                f"{plan.target}: column {other.name!r} is NOT NULL without a default, and the files do not have it; "
                "drop the column, or recreate the table without NOT NULL"
            )
    return added, widened


def prepare(session: Session, plan: LoadPlan, layout: Layout) -> None:
    """Make sure that target, its view of live rows and the audit table are there and take the files' columns.

    :raises LoadError: the target cannot take them.
    """
    if not read_columns(session, plan.audit):
        _create(session, render_create_audit(plan.audit), plan.audit)
    if not read_columns(session, plan.target):
        _create(session, render_create_target(plan, layout), plan.target)
    added, widened = compare(plan, read_columns(session, plan.target))
    if added or widened:
        _grow(session, plan, added, widened)
    if plan.stamped and not session.run(render_target_columns(plan.target.live)):
        session.run(render_live_view(plan, _shown(read_columns(session, plan.target))))


def _create(session: Session, statements: list[str], table: Relation) -> None:
    """Create a table, or find that another load has just done so."""
    from warehouse.redshift import StatementError

    try:
        session.run(statements)
    except StatementError:
        if not read_columns(session, table):
            raise


def _grow(session: Session, plan: LoadPlan, added: Sequence[LoadColumn], widened: Sequence[LoadColumn]) -> None:
    log.warning(
        "%s grows: %s; rows loaded earlier have NULL in new columns until they are extracted again",
        plan.target,
        ", ".join(f"{column.name} {column.type}" for column in (*added, *widened)),
    )
    session.run(render_drop_live_view(plan))
    session.run(render_growth(plan, added, widened))


def _shown(found: Sequence[TargetColumn]) -> list[str]:
    return [column.name for column in found if column.name not in {EXTRACTED_AT, MANIFEST_ID}]
