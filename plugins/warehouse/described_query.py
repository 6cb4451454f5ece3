"""Queries that describe themselves: a model of pydantic, read from an SQL file with front matter."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sql_files.front_matter import FrontMatterError, read_sql_file
from warehouse.errors import ConfigError


class DescribedQuery(BaseModel):
    """One file; a subclass adds the keys of its front matter.

    :param name: the file's name without .sql.
    :param description: for people.
    :param query: the SQL.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    description: str = Field(min_length=1)
    query: str = Field(min_length=1)

    @classmethod
    def read_folder(cls, folder: Path) -> list[Self]:
        """Read every .sql file of a folder, in the order of their names.

        :raises ConfigError: naming the file and what is wrong with its front matter.
        """
        return [cls.read(path) for path in sorted(folder.glob("*.sql"))]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read one file; errors as of :meth:`read_folder`."""
        try:
            file = read_sql_file(path)
            return cls(name=path.stem, query=file.sql, **yaml.safe_load(file.yaml))
        except FrontMatterError as error:
            raise ConfigError(str(error)) from error
        except ValidationError as error:
            faults = [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()]
            raise ConfigError(f"{path}: its front matter is wrong: {'; '.join(faults)}") from error
        except (yaml.YAMLError, TypeError) as error:
            raise ConfigError(f"{path}: its front matter is wrong: {error}") from error
