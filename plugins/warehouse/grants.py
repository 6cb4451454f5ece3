"""The rights of readers: SELECT on all columns but the personal ones, and on nothing else of the table.

Redshift gives rights on single columns of tables, but not of late-binding views. Nobody can hold a right on a whole
table and on its columns at once, and taking the former takes the latter, too ("Usage notes for column-level access
control", https://docs.aws.amazon.com/redshift/latest/dg/r_GRANT-usage-notes.html). So what a grantee has on a table is
taken first, in one transaction, in which no reader notices; and the view of live rows is granted whole: it leaves the
personal columns out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from warehouse.errors import LoadError
from warehouse.load_plan import EXTRACTED_AT, MANIFEST_ID, LoadPlan, Relation
from warehouse.redshift import Session, StatementError
from warehouse.redshift_sql import names, quote, relation, render


def render_grants(table: Relation, columns: Sequence[str], grantees: Iterable[str]) -> list[str]:
    """Let some grantees read some columns of a table, and no others, even if they could before.

    :param columns: that they may read; none leaves them without any.
    :param grantees: as :data:`warehouse.config.Grantee`.
    """
    place, statements = relation(table), []
    for grantee in map(_grantee, grantees):
        statements.append(render("revoke", table=place, grantee=grantee))
        if columns:
            statements.append(render("grant", columns=names(columns), table=place, grantee=grantee))
    return statements


def render_grants_of_load(plan: LoadPlan) -> list[str]:
    """Let the plan's grantees read the target without the files' personal columns, and its view of live rows."""
    statements = render_grants(plan.target, [*plan.readable, EXTRACTED_AT, MANIFEST_ID], plan.grants)
    if plan.has_live_view:
        view = relation(plan.target.live)
        statements += [render("grant_view", view=view, grantee=_grantee(grantee)) for grantee in plan.grants]
    return statements


def give_rights(session: Session, plan: LoadPlan) -> None:
    """Give the plan's grantees their rights, in the transaction that is open.

    :raises LoadError: Redshift refused it.
    """
    with explained_grants(plan.target, plan.grants):
        session.run(render_grants_of_load(plan))


@contextmanager
def explained_grants(table: Relation | str, grantees: Sequence[str]) -> Iterator[None]:
    """Say what `grants` asks for, where Redshift refuses it.

    :raises LoadError: it did; unless another transaction was in the way.
    """
    try:
        yield
    except StatementError as error:
        if error.serialization:
            raise
        raise LoadError(
            f"{table}: the rights that grants asks for ({', '.join(grantees)}) cannot be given, and nothing was "
            f"kept: {error}. Have an administrator create who is missing (such as CREATE ROLE analysts), or take the "
            "line grants out"
        ) from error


def _grantee(text: str) -> str:
    kind, _, name = text.partition(" ")
    if kind == "public":
        return "PUBLIC"
    return quote(name) if kind == "user" else f"{kind.upper()} {quote(name)}"
