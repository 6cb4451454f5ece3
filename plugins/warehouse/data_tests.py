"""Data tests: SQL files that count offending rows of a table, with a level of fail or warn.

`python -m warehouse.data_tests [TABLE …]` runs them by hand.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from warehouse.config import TableConfig
from warehouse.config_file import load_tables
from warehouse.described_query import DescribedQuery
from warehouse.errors import CheckError, ConfigError, WarehouseError
from warehouse.load_plan import AUDIT, Relation
from warehouse.redshift import Session, open_session
from warehouse.redshift_sql import literal, names, relation
from warehouse.render import TABLES, find_table

CHECKS = Path(__file__).resolve().parents[2] / "sql" / "checks"

log = logging.getLogger(__name__)


class DataTest(DescribedQuery):
    """One file of sql/checks.

    :param description: what offending rows are, such as "keys are there more than once".
    :param level: whether offending rows fail the run, or are told.
    :param target: the only table it is about; None for every loaded table.
    :param query: a SELECT of one number, the offending rows; a template of `target`, `target_name`, `key`, `audit`.
    """

    level: Literal["fail", "warn"]
    target: str | None = None


@dataclass(frozen=True)
class Subject:
    """A table whose data are tested.

    :param target: its name.
    :param key: columns that name a row; none if no test of this table asks for them.
    :param loaded: whether loads write it, so that the tests of every loaded table are about it, too.
    :param rows: where its rows are; None for the table itself.
    :param audit: the audit table of its loads.
    """

    target: str
    key: tuple[str, ...] = ()
    loaded: bool = False
    rows: Relation | None = None
    audit: Relation = AUDIT

    @classmethod
    def of(cls, table: TableConfig) -> Subject:
        """A table of the table config."""
        return cls(table.target, table.primary_key, loaded=True)

    def concerns(self, test: DataTest) -> bool:
        """Whether a test is about this table."""
        return self.target == test.target or (self.loaded and test.target is None)


@dataclass(frozen=True)
class Result:
    """What a data test found in a table."""

    test: str
    level: str
    target: str
    description: str
    offending: int

    def __str__(self) -> str:
        return f"{self.target}: {self.test}: {self.offending:,} {self.description}"


def render_data_test(test: DataTest, subject: Subject) -> list[str]:
    """Fill in a test for a table.

    :raises ConfigError: the template is wrong, or names what there is not.
    """
    import jinja2

    values = {
        "target": relation(subject.rows or Relation.parse(subject.target)),
        "target_name": literal(subject.target),
        "audit": relation(subject.audit),
    } | ({"key": names(subject.key)} if subject.key else {})
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)  # noqa: S701 - SQL, not HTML
    try:
        return [environment.from_string(test.query).render(values)]
    except jinja2.TemplateError as error:
        raise ConfigError(f"data test {test.name} cannot be filled in for {subject.target}: {error}") from error


def run_data_tests(
    session: Session, subjects: Iterable[Subject], *, tests: Sequence[DataTest] | None = None
) -> list[Result]:
    """Run all data tests of some tables; log what warns.

    :param tests: None for those of sql/checks.
    :returns: what each test found; those with offending rows are of level warn.
    :raises CheckError: a test of level fail found offending rows; with all of them.
    """
    tests = DataTest.read_folder(CHECKS) if tests is None else tests
    results = []
    for subject in subjects:
        for test in filter(subject.concerns, tests):
            [(offending,)] = session.run(render_data_test(test, subject))
            results.append(Result(test.name, test.level, subject.target, test.description, int(offending)))
    for result in results:
        if result.offending and result.level == "warn":
            log.warning("%s", result)
    failed = [str(result) for result in results if result.offending and result.level == "fail"]
    if failed:
        raise CheckError("data tests failed: " + "; ".join(failed))
    return results


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the data tests of some tables, or all."""
    from airflow.providers.amazon.aws.hooks.redshift_sql import RedshiftSQLHook

    parser = argparse.ArgumentParser(prog="python -m warehouse.data_tests", description=__doc__)
    parser.add_argument("tables", nargs="*", help="names in the config; none for all")
    parser.add_argument("--config", default=TABLES, type=Path, help="the table config (default: %(default)s)")
    parser.add_argument("--redshift-conn-id", default="redshift_default", help="(default: %(default)s)")
    options = parser.parse_args(arguments)
    try:
        tables = [find_table(options.config, name) for name in options.tables] or load_tables(options.config)
        hook = RedshiftSQLHook(redshift_conn_id=options.redshift_conn_id)
        with open_session(hook.get_conn, options.redshift_conn_id) as session:
            results = run_data_tests(session, map(Subject.of, tables))
    except WarehouseError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for result in results:
        sys.stdout.write(f"{'ok' if not result.offending else result.level}  {result}\n")
    return 0


if __name__ == "__main__":
    logging.getLogger("warehouse").setLevel(logging.ERROR)  # the results, without the SQL; warnings are among them
    sys.exit(main())
