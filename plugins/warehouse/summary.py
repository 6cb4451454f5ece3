"""Summary tables: one SELECT in sql/summaries each, built beside the old table, checked, and published at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jinja2
from pydantic import Field

from warehouse.config import Grantee
from warehouse.data_tests import Subject, run_data_tests
from warehouse.described_query import DescribedQuery
from warehouse.errors import CheckError, ConfigError
from warehouse.grants import explained_grants, render_grants
from warehouse.load_plan import Relation
from warehouse.redshift import Session, open_session
from warehouse.target import read_columns

SUMMARIES = Path(__file__).resolve().parents[2] / "sql" / "summaries"

Connect = Callable[[], Any]


class Summary(DescribedQuery):
    """One summary table.

    :param target: `schema.table`.
    :param asset: the asset whose update has it built anew.
    :param inputs: tables whose data tests (sql/checks) must pass first.
    :param key: columns that name a row.
    :param ranges: column → lowest and highest value, either may be null; the column itself may not.
    :param pii: columns with personal data.
    :param grants: who may read the other columns.
    :param query: the SELECT.
    """

    target: str = Field(pattern=r"^\w+\.\w+$")
    asset: str
    inputs: tuple[str, ...] = ()
    key: tuple[str, ...] = Field(min_length=1)
    ranges: dict[str, tuple[float | None, float | None]] = Field(default_factory=dict)
    pii: tuple[str, ...] = ()
    grants: tuple[Grantee, ...] = ()

    @property
    def beside(self) -> str:
        """Where it is built before it is published."""
        return f"{self.target}__new"


def read_summaries(folder: Path = SUMMARIES) -> list[Summary]:
    """Read every summary of a folder.

    :raises ConfigError: naming the file and what is wrong with its front matter.
    """
    return Summary.read_folder(folder)


def check_inputs(summary: Summary, connect: Connect, name: str = "Redshift") -> None:
    """Refuse to summarize input that is wrong.

    :param name: what messages call the server; so in all steps.
    :raises CheckError: with what the inputs' data tests found.
    """
    with open_session(connect, name) as session, _unpublished(summary):
        run_data_tests(session, map(Subject, summary.inputs))


def build(summary: Summary, connect: Connect, name: str = "Redshift") -> None:
    """Build the summary beside the published one, in place of what an earlier try left there."""
    with open_session(connect, name) as session:
        session.run(_render("build", target=summary.target, beside=summary.beside, query=summary.query))


def check_output(summary: Summary, connect: Connect, name: str = "Redshift") -> int:
    """Check what was built; return its number of rows.

    Nothing may become of nothing: before the first load the input is empty, and so is the published summary.

    :raises CheckError: no rows where some are published, a key that is NULL or repeated, a value out of its range, or
        what a data test found.
    :raises ConfigError: the published table has other columns, or `pii` names one that is not there.
    """
    with open_session(connect, name) as session, _unpublished(summary):
        tables = {"target": summary.target, "beside": summary.beside}
        statements = _render("check_output", **tables, key=summary.key, ranges=summary.ranges)
        [(rows, published, repeated, null_keys, *out_of_range)] = session.run(statements)
        faults = [
            *([f"it has no rows, and {published} are published"] if published and not rows else []),
            *([f"{repeated} keys ({', '.join(summary.key)}) are there more than once"] if repeated else []),
            *([f"{null_keys} rows have NULL in their key"] if null_keys else []),
            *(
                f"{count} rows have {column} NULL or outside {lowest} to {highest}"
                for count, (column, (lowest, highest)) in zip(out_of_range, summary.ranges.items(), strict=True)
                if count
            ),
        ]
        if faults:
            raise CheckError(f"{summary.beside}: {'; '.join(faults)}")
        _require_columns(session, summary)
        run_data_tests(session, [Subject(summary.target, summary.key, rows=Relation.parse(summary.beside))])
    return int(rows)


def publish(summary: Summary, connect: Connect, name: str = "Redshift") -> None:
    """Replace the published rows by those built, and give the readers their rights, in one transaction.

    Readers see the old rows or the new ones. The table itself stays, and with it the views on it.
    """
    with open_session(connect, name) as session:
        readable = [column for column in _columns(session, summary.beside) if column not in summary.pii]
        session.run(["BEGIN", *_render("publish", target=summary.target, beside=summary.beside)])
        with explained_grants(summary.target, summary.grants):
            session.run(render_grants(Relation.parse(summary.target), readable, summary.grants))
        session.run(["COMMIT"])


@contextmanager
def _unpublished(summary: Summary) -> Iterator[None]:
    """Say what a failed check means."""
    try:
        yield
    except CheckError as error:
        raise CheckError(f"{summary.name}: {error}. {summary.target} stays as it was") from error


def _require_columns(session: Session, summary: Summary) -> None:
    built, published = _columns(session, summary.beside), _columns(session, summary.target)
    if unknown := [column for column in summary.pii if column not in built]:
        raise ConfigError(f"{summary.name}: pii names {', '.join(unknown)}; the query gives {', '.join(built)}")
    if published and published != built:
        raise ConfigError(
            f"{summary.name}: {summary.target} has the columns {', '.join(published)}, and the query now gives "
            f"{', '.join(built)}; rename the table away, and the next run makes it anew"
        )


def _columns(session: Session, table: str) -> list[str]:
    return [column.name for column in read_columns(session, Relation.parse(table))]


def _render(name: str, **values: Any) -> list[str]:
    """Fill in one of the steps' templates; return its statements."""
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)  # noqa: S701  # SQL, no HTML
    template = environment.from_string((SUMMARIES / "steps" / f"{name}.sql").read_text())
    return [statement.strip() for statement in template.render(values).split(";\n")]
