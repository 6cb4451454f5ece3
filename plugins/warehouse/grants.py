"""Renders the rights of readers: SELECT on all columns but the personal ones, and on nothing else of the table.

Column-level rights: https://docs.aws.amazon.com/redshift/latest/dg/r_GRANT.html. A right on the whole table would
outdo them, so what a grantee has is taken first; in one transaction no reader notices.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from warehouse.load_plan import EXTRACTED_AT, MANIFEST_ID, LoadPlan, Relation
from warehouse.redshift_sql import names, quote, relation, render


def render_grants(
    table: Relation, columns: Sequence[str], grantees: Iterable[str], *, personal: Sequence[str] = ()
) -> list[str]:
    """Let some grantees read some columns of a table or view, and no others.

    :param columns: that they may read; none leaves them without any.
    :param grantees: as :data:`warehouse.config.Grantee`.
    :param personal: that they may not read, even if they could before.
    """
    statements = []
    for grantee in map(_grantee, grantees):
        place = relation(table)
        statements.append(render("revoke", table=place, grantee=grantee))
        # Whether the statement above takes rights on single columns, too, Redshift's documentation does not say.
        if personal:
            statements.append(render("revoke_columns", columns=names(personal), table=place, grantee=grantee))
        if columns:
            statements.append(render("grant", columns=names(columns), table=place, grantee=grantee))
    return statements


def render_grants_of_load(plan: LoadPlan) -> list[str]:
    """Let the plan's grantees read the target and its view of live rows, without the files' personal columns."""
    personal = [column.name for column in plan.columns if column.personal]
    columns = [column.name for column in plan.columns if not column.personal]
    statements = render_grants(plan.target, [*columns, EXTRACTED_AT, MANIFEST_ID], plan.grants, personal=personal)
    if plan.has_live_view:
        statements += render_grants(plan.target.live, columns, plan.grants, personal=personal)
    return statements


def _grantee(text: str) -> str:
    kind, _, name = text.partition(" ")
    if kind == "public":
        return "PUBLIC"
    return quote(name) if kind == "user" else f"{kind.upper()} {quote(name)}"
