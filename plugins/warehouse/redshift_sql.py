"""What every statement of sql/redshift/*.sql is made of: names, literals, templates."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from warehouse.load_plan import Relation

SQL_DIR = Path(__file__).resolve().parents[2] / "sql" / "redshift"


def quote(name: str) -> str:
    """An identifier. Redshift folds it to lower case all the same, unless the session says otherwise."""
    return '"' + name.replace('"', '""') + '"'


def relation(table: Relation) -> str:
    """A table's or view's name."""
    return f"{quote(table.schema)}.{quote(table.name)}" if table.schema else quote(table.name)


def literal(text: str) -> str:
    """A string; Redshift takes a backslash in it as an escape."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def moment(value: datetime) -> str:
    """A TIMESTAMP in UTC."""
    return f"'{value.replace(tzinfo=None).isoformat(' ', 'microseconds')}'::TIMESTAMP"


def names(columns: Iterable[str], prefix: str = "") -> str:
    """Columns in one line."""
    return ", ".join(prefix + quote(name) for name in columns)


def lines(parts: Iterable[str]) -> str:
    """A list, one part a line."""
    return ",\n    ".join(parts)


def render(template: str, *, folder: Path = SQL_DIR, **values: str) -> str:
    """Fill in <folder>/<template>.sql."""
    return str(_template(folder / f"{template}.sql").render(values)).strip()


@cache
def _template(path: Path) -> Any:
    from jinja2 import Environment, StrictUndefined

    text = path.read_text(encoding="utf-8")
    return Environment(undefined=StrictUndefined, autoescape=False).from_string(text)  # noqa: S701 - SQL, not HTML
