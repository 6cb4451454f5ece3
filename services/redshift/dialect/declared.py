"""Keys and distribution that Redshift keeps as information only.

PostgreSQL has no key that is visible and not enforced. Each becomes a CHECK constraint that is always true: it follows
the table through renames, column renames, DROP COLUMN and DROP CONSTRAINT, needs no statement besides the CREATE TABLE,
and costs nothing, because the planner folds it to TRUE. The catalogue's views read it back (catalogue/views.sql).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.redshift.dialect.tokens import identifier, literal

_SUFFIX = {"PRIMARY KEY": "pkey", "UNIQUE": "key", "FOREIGN KEY": "fkey"}


@dataclass(frozen=True, slots=True)
class Declared:
    """One declaration.

    :param kind: PRIMARY KEY, UNIQUE, FOREIGN KEY, DISTKEY, SORTKEY or DISTSTYLE …
    :param columns: the columns it is about, in order
    :param name: the constraint's name if one was given
    """

    kind: str
    columns: Sequence[str] = ()
    name: str | None = None

    def constraint(self, table: str) -> str:
        """Write it as a table constraint.

        :param table: the table's name, from which Redshift derives the constraint's
        """
        truth = f"pg_redshift.declared({literal(self.kind)})"
        if self.columns:
            truth += f" OR ROW({', '.join(map(identifier, self.columns))}) IS NULL"
        return f"CONSTRAINT {identifier(self.name or self._default_name(table))} CHECK ({truth})"

    def _default_name(self, table: str) -> str:
        if self.kind not in _SUFFIX:
            return self.kind.split()[0].lower()
        parts = [table] if self.kind == "PRIMARY KEY" else [table, *self.columns]
        return "_".join([*parts, _SUFFIX[self.kind]])
