"""Data tests: SQL files that count offending rows of a target, with a level of fail or warn.

`python -m warehouse.data_tests [TABLE …]` runs them by hand.
"""

from __future__ import annotations

import argparse
import logging
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from warehouse.config import TableConfig
from warehouse.config_file import load_tables
from warehouse.errors import CheckError, ConfigError, WarehouseError
from warehouse.load_plan import Relation
from warehouse.redshift import open_session
from warehouse.redshift_sql import literal, names, relation
from warehouse.render import TABLES, find_table

CHECKS = Path(__file__).resolve().parents[2] / "sql" / "checks"
FRONT_MATTER = re.compile(r"\A\s*/\* ---[ \t]*\n(?P<yaml>.*?)\n---[ \t]*\*/", re.DOTALL)

log = logging.getLogger(__name__)


class DataTest(BaseModel):
    """One file of sql/checks.

    :param name: the file's name without .sql.
    :param description: what offending rows are, such as "keys are there more than once".
    :param level: whether offending rows fail the run, or are told.
    :param target: the only table it is about; None for every table.
    :param query: a SELECT of one number, the offending rows; a template of `target`, `target_name`, `key`, `audit`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    description: str = Field(min_length=1)
    level: Literal["fail", "warn"]
    target: str | None = None
    query: str = Field(min_length=1)


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


def read_data_tests(folder: Path = CHECKS) -> list[DataTest]:
    """Read every data test of a folder.

    :raises ConfigError: naming the file and what is wrong with its front matter.
    """
    return [_read(path) for path in sorted(folder.glob("*.sql"))]


def _read(path: Path) -> DataTest:
    text = path.read_text(encoding="utf-8")
    if not (front := FRONT_MATTER.match(text)):
        raise ConfigError(f"{path}:1: found no front matter; expected '/* ---', YAML and '--- */'")
    try:
        return DataTest(name=path.stem, query=text[front.end() :].strip(), **yaml.safe_load(front["yaml"]))
    except (yaml.YAMLError, ValidationError, TypeError) as error:
        raise ConfigError(f"{path}: its front matter is wrong: {error}") from error


def render_data_test(test: DataTest, config: TableConfig, audit: Relation) -> list[str]:
    """Fill in a test for a table."""
    import jinja2

    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)  # noqa: S701 - SQL, not HTML
    return [
        environment.from_string(test.query).render(
            target=relation(Relation.parse(config.target)),
            target_name=literal(config.target),
            key=names(config.primary_key),
            audit=relation(audit),
        )
    ]


def run_data_tests(
    connect: Callable[[], Any],
    tables: Sequence[TableConfig],
    *,
    tests: Sequence[DataTest] | None = None,
    audit: Relation | None = None,
    name: str = "Redshift",
) -> list[Result]:
    """Run all data tests of some tables.

    :param connect: opens a connection by redshift_connector, such as a RedshiftSQLHook's `get_conn`.
    :param tests: None for those of sql/checks.
    :param audit: the audit table of the loads; None for the usual one.
    :param name: what messages call the server.
    :returns: what each test found; those with offending rows are of level warn.
    :raises CheckError: a test of level fail found offending rows; with all of them.
    """
    audit = audit or Relation("audit", "loads")
    results = []
    with open_session(connect, name) as session:
        for config in tables:
            for test in tests if tests is not None else read_data_tests():
                if test.target in {None, config.target}:
                    [(offending,)] = session.run(render_data_test(test, config, audit))
                    results.append(Result(test.name, test.level, config.target, test.description, int(offending)))
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
        results = run_data_tests(hook.get_conn, tables, name=options.redshift_conn_id)
    except WarehouseError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for result in results:
        sys.stdout.write(f"{'ok' if not result.offending else result.level}  {result}\n")
    return 0


if __name__ == "__main__":
    logging.getLogger("warehouse").setLevel(logging.ERROR)  # the results, without the SQL; warnings are among them
    sys.exit(main())
