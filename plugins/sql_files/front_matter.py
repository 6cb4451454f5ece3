"""Front matter of SQL files: YAML between `/* ---` and `--- */`, in front of the SQL.

No Airflow in here: DAG files read SQL files while they are parsed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

FRONT_MATTER = re.compile(r"\A\s*/\* ---[ \t]*\n(?P<yaml>.*?)\n---[ \t]*\*/\s*", re.DOTALL)


class FrontMatterError(ValueError):
    """A file cannot be read, or has no front matter; the message names it."""


@dataclass(frozen=True)
class SqlFile:
    """A file in its two parts.

    :param yaml: the front matter's text.
    :param yaml_line: the line of the file on which that begins.
    :param sql: the rest, without blanks around it.
    :param sql_line: the line on which that begins.
    """

    yaml: str
    yaml_line: int
    sql: str
    sql_line: int


def read_sql_file(path: Path, expected: str = "YAML") -> SqlFile:
    """Read a file and split it.

    :param expected: what the front matter should hold, for the error.
    :raises FrontMatterError: as `file: …` or `file:line: …`.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FrontMatterError(f"{path}: cannot be read as UTF-8 text: {error}") from error
    front = FRONT_MATTER.match(text)
    if not front:
        raise FrontMatterError(
            f"{path}:1: found no front matter; expected the file to begin with '/* ---', {expected} and '--- */'"
        )
    return SqlFile(
        yaml=front["yaml"],
        yaml_line=_line_of(text, front.start("yaml")),
        sql=text[front.end() :].rstrip(),
        sql_line=_line_of(text, front.end()),
    )


def _line_of(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1
