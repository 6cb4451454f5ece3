"""Feature queries: SQL files whose front matter says who a row is about and what about them is delicate.

No Airflow and no database in here: DAG files read feature queries while they are parsed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

import yaml

from sql_files.front_matter import FrontMatterError, read_sql_file

KEYS = ("description", "entity_key", "quasi_identifiers", "sensitive")
# Where a semicolon or a word is not code: comments and Jinja's statements, then strings, quoted names, Jinja's values.
NOT_CODE = re.compile(
    r"""(?P<blank> --[^\n]* | /\*.*?\*/ | \{%.*?%\} | \{\#.*?\#\} )
      | [eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*' | "(?:[^"]|"")*" | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$ | \{\{.*?\}\}""",
    re.DOTALL | re.VERBOSE,
)


class FeatureQueryError(ValueError):
    """A feature query's file is wrong; the message names file, line and key, what was found and what was expected."""


@dataclass(frozen=True)
class FeatureQuery:
    """One query whose rows are about one entity each.

    :param name: the file's name without .sql.
    :param sql: one SELECT, without a closing semicolon; a Jinja template until :meth:`render`.
    :param entity_key: the column that names the person (or other entity) a row is about. It is unique, and it is
        dropped before anything leaves the database.
    :param quasi_identifiers: columns that together could single someone out.
    :param sensitive: columns nobody may learn about a person.
    :param description: for people.
    :param path: the file.
    :param first_line: the line of the file on which `sql` begins.
    """

    name: str
    sql: str
    entity_key: str
    quasi_identifiers: tuple[str, ...]
    sensitive: tuple[str, ...]
    description: str
    path: Path
    first_line: int

    @property
    def sha256(self) -> str:
        """Fingerprint of the query's text, as rendered as it is now."""
        return hashlib.sha256(self.sql.encode()).hexdigest()

    def render(self, context: Mapping[str, Any]) -> FeatureQuery:
        """Fill in the template.

        :param context: what the template may name, such as `{"params": {"row_limit": 5000}}` or Airflow's own context.
        :returns: the same query with plain SQL.
        :raises FeatureQueryError: the template is wrong, or names what the context does not have.
        """
        from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError
        from jinja2.sandbox import SandboxedEnvironment

        try:
            sql = (
                SandboxedEnvironment(undefined=StrictUndefined, autoescape=False).from_string(self.sql).render(context)
            )
        except TemplateSyntaxError as error:
            _fail(self.path, self.first_line + error.lineno - 1, f"the template is wrong: {error.message}")
        except TemplateError as error:
            _fail(self.path, self.first_line, f"cannot fill in the template: {error.message}; pass it as a parameter")
        return replace(self, sql=_single_select(self.path, self.first_line, sql))


def read_feature_query(path: Path) -> FeatureQuery:
    """Read one .sql file with front matter, as docs/feature-sql.md describes it.

    :raises FeatureQueryError: the file is missing, its front matter is wrong, or it is not one SELECT.
    """
    try:
        file = read_sql_file(path, f"the keys {_list(KEYS)}")
    except FrontMatterError as error:
        raise FeatureQueryError(f"{error}. See docs/feature-sql.md.") from error
    fields = _read_front_matter(path, file.yaml, file.yaml_line)
    sql = _single_select(path, file.sql_line, file.sql)
    return FeatureQuery(name=path.stem, sql=sql, path=path, first_line=file.sql_line, **fields)


def _read_front_matter(path: Path, text: str, first_line: int) -> dict[str, Any]:
    """Read the YAML node by node rather than as values: nodes know their lines, and a column called `no` stays one."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line if error.problem_mark else 0
        _fail(path, first_line + line, f"the front matter is not YAML: {error.problem}")
    if not isinstance(root, yaml.MappingNode):
        _fail(path, first_line, f"the front matter holds no keys; expected {_list(KEYS)}")
    found: dict[str, tuple[int, yaml.Node]] = {}
    for key, value in root.value:
        line = first_line + key.start_mark.line
        if key.value not in KEYS:
            _fail(path, line, f"found the key {key.value!r}; expected only {_list(KEYS)}")
        if key.value in found:
            _fail(path, line, f"found the key {key.value!r} a second time; expected it once")
        found[key.value] = (line, value)
    for key in KEYS:
        if key not in found:
            _fail(path, first_line, f"the key {key!r} is missing; expected {_list(KEYS)}")
    fields = {key: _text(path, key, *found[key]) for key in ("description", "entity_key")}
    lists = {key: _names(path, key, *found[key]) for key in ("quasi_identifiers", "sensitive")}
    for key, names in lists.items():
        if fields["entity_key"] in names:
            _fail(path, found[key][0], f"{key} names the entity key {fields['entity_key']!r}, which is never released")
    return fields | lists


def _text(path: Path, key: str, line: int, node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode) or not node.value.strip():
        _fail(path, line, f"found {key}: {_shown(node)}; expected one {'column' if key == 'entity_key' else 'text'}")
    return str(node.value).strip()


def _names(path: Path, key: str, line: int, node: yaml.Node) -> tuple[str, ...]:
    items = node.value if isinstance(node, yaml.SequenceNode) else [node]
    if items == [node] or not all(isinstance(item, yaml.ScalarNode) and item.value for item in items):
        _fail(
            path, line, f"found {key}: {_shown(node)}; expected a list of columns such as [age, gender], or [] for none"
        )
    names = tuple(str(item.value) for item in items)
    if len(set(names)) < len(names):
        _fail(path, line, f"found {key}: {_list(names)}; expected each column once")
    return names


def _single_select(path: Path, first_line: int, sql: str) -> str:
    """Check that `sql` is one SELECT (or WITH … SELECT), and take a closing semicolon off."""
    # Every position in `code` is the same position in `sql`.
    code = NOT_CODE.sub(lambda match: re.sub(r"\S", " " if match["blank"] else "x", match[0]), sql)
    first_word = next(iter(code.split(None, 1)), "nothing")
    if first_word.upper() not in {"SELECT", "WITH"}:
        _fail(path, first_line, f"found {first_word!r}; expected one SELECT or WITH … SELECT")
    statement, semicolon, rest = code.partition(";")
    if rest.strip():
        line = first_line + sql.count("\n", 0, len(statement))
        _fail(path, line, "found a second statement after ';'; expected one SELECT or WITH … SELECT")
    return (sql[: len(statement)] if semicolon else sql).rstrip()


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(names)


def _shown(node: yaml.Node) -> str:
    if isinstance(node, yaml.ScalarNode):
        return repr(node.value)
    return "a list" if isinstance(node, yaml.SequenceNode) else "a mapping"


def _fail(path: Path, line: int, problem: str) -> NoReturn:
    raise FeatureQueryError(f"{path}:{line}: {problem}. See docs/feature-sql.md.")
