"""Summary tables: one SELECT in sql/summaries each, built beside the old table, checked, and published at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import jinja2
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from warehouse.errors import CheckError, ConfigError, SourceDataError

SUMMARIES = Path(__file__).resolve().parents[2] / "sql" / "summaries"
FRONT_MATTER = re.compile(r"\A\s*/\* ---[ \t]*\n(?P<yaml>.*?)\n---[ \t]*\*/", re.DOTALL)

Connect = Callable[[], Any]


class Summary(BaseModel):
    """One summary table.

    :param name: the file's name without .sql.
    :param target: `schema.table`.
    :param asset: the asset whose update has it built anew.
    :param input_check: file with a query of one row: the number of offending input rows, and what is wrong with them.
    :param key: columns that name a row.
    :param ranges: column → lowest and highest value, either may be null; the column itself may not.
    :param query: the SELECT.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    description: str
    target: str = Field(pattern=r"^\w+\.\w+$")
    asset: str
    input_check: str
    key: tuple[str, ...] = Field(min_length=1)
    ranges: dict[str, tuple[float | None, float | None]] = {}
    query: str

    @property
    def beside(self) -> str:
        """Where it is built before it is published."""
        return f"{self.target}__new"


def read_summaries(folder: Path = SUMMARIES) -> list[Summary]:
    """Read every summary of a folder.

    :raises ConfigError: naming the file and what is wrong with its front matter.
    """
    return [_read(path) for path in sorted(folder.glob("*.sql"))]


def check_inputs(summary: Summary, connect: Connect) -> None:
    """Refuse to summarize input that is wrong.

    :raises SourceDataError: with the number of rows and what is wrong with them.
    """
    with _cursor(connect) as cursor:
        cursor.execute((SUMMARIES / summary.input_check).read_text())
        offending, what = cursor.fetchone()
    if offending:
        raise SourceDataError(f"{summary.name}: {offending} rows of the input are {what}; the summary stays as it was")


def build(summary: Summary, connect: Connect) -> None:
    """Build the summary beside the published one, in place of what an earlier try left there."""
    with _cursor(connect) as cursor:
        for statement in _render("build", target=summary.target, beside=summary.beside, query=summary.query):
            cursor.execute(statement)


def check_output(summary: Summary, connect: Connect) -> int:
    """Check what was built; return its number of rows.

    Nothing may become of nothing: before the first load the input is empty, and so is the published summary.

    :raises CheckError: no rows where some are published, a key that is NULL or repeated, a value out of its range.
    """
    with _cursor(connect) as cursor:
        [statement] = _render(
            "check_output", target=summary.target, beside=summary.beside, key=summary.key, ranges=summary.ranges
        )
        cursor.execute(statement)
        rows, published, repeated, null_keys, *out_of_range = cursor.fetchone()
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
        raise CheckError(f"{summary.beside}: {'; '.join(faults)}. {summary.target} stays as it was")
    return int(rows)


def publish(summary: Summary, connect: Connect) -> None:
    """Replace the published rows by those built, in one transaction.

    Readers see the old rows or the new ones. The table itself stays, and with it its grants and the views on it.
    """
    with _cursor(connect) as cursor:
        for statement in _render("publish", target=summary.target, beside=summary.beside):
            cursor.execute(statement)


@contextmanager
def _cursor(connect: Connect) -> Iterator[Any]:
    """One transaction: committed at the end of the block, rolled back if it fails."""
    with closing(connect()) as connection:
        cursor = connection.cursor()
        yield cursor
        connection.commit()


def _read(path: Path) -> Summary:
    text = path.read_text()
    front = FRONT_MATTER.match(text)
    if not front:
        raise ConfigError(f"{path}:1: found no front matter; expected '/* ---', YAML and '--- */'")
    try:
        fields = yaml.safe_load(front["yaml"])
        return Summary(name=path.stem, query=text[front.end() :].strip(), **fields)
    except (yaml.YAMLError, ValidationError, TypeError) as error:
        raise ConfigError(f"{path}: its front matter is wrong: {error}") from error


def _render(name: str, **values: Any) -> list[str]:
    """Fill in one of the steps' templates; return its statements."""
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)  # noqa: S701  # SQL, no HTML
    template = environment.from_string((SUMMARIES / "steps" / f"{name}.sql").read_text())
    return [statement.strip() for statement in template.render(values).split(";\n")]
