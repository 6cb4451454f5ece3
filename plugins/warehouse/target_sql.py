"""Renders what makes and alters the target, its view of live rows, and the audit table."""

from __future__ import annotations

from collections.abc import Sequence

from warehouse.load_plan import EXTRACTED_AT, MANIFEST_ID, LoadColumn, LoadPlan, Relation
from warehouse.merge import live_condition, render_begin
from warehouse.redshift_sql import lines, literal, names, quote, relation, render

STAMPS = (LoadColumn(EXTRACTED_AT, "TIMESTAMP"), LoadColumn(MANIFEST_ID, "VARCHAR(36)"))


def render_create_target(plan: LoadPlan, distkey: str | None, sortkey: Sequence[str]) -> list[str]:
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
        f"DISTSTYLE KEY\nDISTKEY ({quote(distkey)})" if distkey else "DISTSTYLE AUTO",
        f"COMPOUND SORTKEY ({names(sortkey)})" if sortkey else "SORTKEY AUTO",
    ]
    table = render(
        "create_table", target=relation(plan.target), definitions=lines(definitions), attributes="\n".join(attributes)
    )
    return [*_render_create_schema(plan.target), table]


def render_create_audit(audit: Relation) -> list[str]:
    """Create the audit table and its schema, unless they are there."""
    return [*_render_create_schema(audit), render("audit_table", audit=relation(audit))]


def render_add_columns(plan: LoadPlan, added: Sequence[LoadColumn], shown: Sequence[str]) -> list[str]:
    """Begin a transaction, and add columns to the target and to its view of live rows, which loses its grants by it.

    :param shown: the view's columns from now on.
    """
    target = relation(plan.target)
    return [
        render("begin"),
        *(render("add_column", target=target, column=quote(column.name), type=column.type) for column in added),
        *render_live_view(plan, shown),
    ]


def render_widen(plan: LoadPlan, widened: Sequence[LoadColumn]) -> list[str]:
    """Make VARCHAR columns longer."""
    target = relation(plan.target)
    return [render("widen_column", target=target, column=quote(column.name), type=column.type) for column in widened]


def render_live_view(plan: LoadPlan, columns: Sequence[str]) -> list[str]:
    """Create or replace the view of live rows.

    :param columns: as :meth:`LoadPlan.shown` gives them.
    """
    view = render(
        "live_view",
        view=relation(plan.target.live),
        columns=lines(map(quote, columns)),
        target=relation(plan.target),
        live=live_condition(plan),
    )
    return [view]


def render_drop_live_view(plan: LoadPlan) -> list[str]:
    """Drop the view of live rows, if it is there."""
    return [render("drop_view", view=relation(plan.target.live))]


def render_renew_live_view(plan: LoadPlan, columns: Sequence[str]) -> list[str]:
    """Begin a transaction, drop the view of live rows, and make it anew.

    :param columns: as :meth:`LoadPlan.shown` gives them.
    """
    return [*render_begin(plan), *render_drop_live_view(plan), *render_live_view(plan, columns)]


def render_live_columns(plan: LoadPlan) -> list[str]:
    """Read no rows of the view of live rows, only its columns' names, which no catalogue table has."""
    return [render("live_columns", view=relation(plan.target.live))]


def render_view_exists(plan: LoadPlan) -> list[str]:
    """Count views of the live view's name; svv_columns leaves out views that are not bound to their table."""
    view = plan.target.live
    return [render("view_exists", schema_name=_schema_name(view), view_name=literal(view.name))]


def render_target_columns(target: Relation) -> list[str]:
    """Ask for a table's columns."""
    return [render("target_columns", schema_name=_schema_name(target), table_name=literal(target.name))]


def render_primary_key(target: Relation) -> list[str]:
    """Ask for the columns of the primary key that a table declares."""
    return [render("primary_key", schema_name=_schema_name(target), table_name=literal(target.name))]


def _schema_name(table: Relation) -> str:
    return literal(table.schema) if table.schema else "CURRENT_SCHEMA()"


def _render_create_schema(table: Relation) -> list[str]:
    return [render("create_schema", schema=quote(table.schema))] if table.schema else []
