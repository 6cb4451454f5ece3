"""Reads the table config from YAML; every complaint names file and line."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from warehouse.config import Origin, TableConfig
from warehouse.errors import ConfigError

Lines = dict[tuple[str, ...], int]


def load_tables(path: str | Path) -> tuple[TableConfig, ...]:
    """Read all tables of a config file.

    :param path: YAML file with one mapping, `tables`: a block per table.
    :returns: the tables in the file's order.
    :raises ConfigError: with every fault that was found, one per line.
    """
    file = _short(Path(path))
    try:
        text = Path(path).read_text(encoding="utf-8")
        document = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: cannot read the table config: {error}") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"{file}:{line}: this is not valid YAML: {error.problem}") from error
    lines: Lines = {}
    faults = [f"{file}:{line}: {name} is there twice; remove one" for name, line in _walk(document, (), lines)]
    if faults:
        raise ConfigError("\n".join(faults))
    if not isinstance(content, dict) or set(content) != {"tables"} or not isinstance(content["tables"], dict):
        raise ConfigError(f"{file}:1: the file must have one key, `tables`, with a block per table under it")
    return _validate(file, content["tables"], lines)


def _validate(file: str, blocks: dict[Any, Any], lines: Lines) -> tuple[TableConfig, ...]:
    tables, faults = [], []
    for name, block in blocks.items():
        place = partial(_line, lines, str(name))
        if not isinstance(block, dict):
            faults.append(f"{file}:{place(())}: {name}: must be a block of keys, found {block!r}")
            continue
        own = {".".join(keys[2:]): line for keys, line in lines.items() if keys[:2] == ("tables", str(name))}
        try:
            if reserved := {"name", "origin"} & set(block):
                raise ConfigError(f"{file}:{place(tuple(reserved))}: {name}: unknown key {min(reserved)!r}")
            tables.append(TableConfig(**block, name=str(name), origin=Origin(file=file, lines=own)))
        except ConfigError as error:
            faults.append(str(error))
        except ValidationError as error:
            faults += [f"{file}:{place(path)}: {'.'.join((str(name), *path))}: {why}" for path, why in _faults(error)]
    if faults:
        raise ConfigError("\n".join(faults))
    return tuple(tables)


def _faults(error: ValidationError) -> Iterator[tuple[tuple[str, ...], str]]:
    """What pydantic found: the path of keys within the block, and why it is wrong."""
    for fault in error.errors(include_url=False):
        path = tuple(str(key) for key in fault["loc"] if key != "[key]")
        why = fault["msg"].removeprefix("Value error, ")
        if fault["type"] == "extra_forbidden":
            known = ", ".join(key for key in TableConfig.model_fields if key not in {"name", "origin"})
            why = f"unknown key; known are {known}"
        elif fault["type"] == "missing":
            why = "is missing"
        elif not path:  # the model's own checks begin with the key
            key, why = why.split(": ", 1)
            path = tuple(key.split(".", 1))
        else:
            why = f"{why}, found {fault['input']!r}" if "found" not in why else why
        yield path, why


def _line(lines: Lines, name: str, path: tuple[str, ...]) -> int:
    """The line of the longest part of a path that is written in the file."""
    keys = ("tables", name, *path)
    while keys not in lines:
        keys = keys[:-1]
    return lines[keys]


def _walk(node: yaml.Node | None, path: tuple[str, ...], lines: Lines) -> Iterator[tuple[str, int]]:
    """Note the line of every key, and yield those that are there twice, which YAML would merge silently."""
    lines.setdefault(path, node.start_mark.line + 1 if node else 1)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            below = (*path, str(key.value))
            line = key.start_mark.line + 1
            if below in lines:
                yield ".".join(below), line
            lines[below] = line
            yield from _walk(value, below, lines)
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            yield from _walk(item, (*path, str(number)), lines)


def _short(path: Path) -> str:
    """Relative to the working directory where it lies below it: this is what an editor or terminal opens at a click."""
    path = path.resolve()
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
