"""A table as the service sees it: typed columns, read from CSV and written back as they came in."""

import csv
import gzip
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
import pandas as pd

from services.gretel.csv_file import open_csv, records

CHUNK_ROWS = 50_000


class Kind(StrEnum):
    """What a column holds, with the dtype it has in a table's frame."""

    NUMERIC = "numeric"  # float64
    INTEGER = "integer"  # Int64, nullable
    CATEGORICAL = "categorical"  # str objects, None for null
    BOOLEAN = "boolean"  # boolean, nullable
    DATE = "date"  # datetime64[ns]
    DATETIME = "datetime"  # datetime64[ns]
    TEXT = "text"  # str objects: free text, names and whatever else hardly repeats
    KEY = "key"  # str objects, unique, no nulls: it names the row
    EMPTY = "empty"  # objects, all None
    CONSTANT = "constant"  # str objects, one value, no nulls


@dataclass(frozen=True, slots=True)
class Column:
    """One column and how its values are spelled.

    :param null: the spelling of a null.
    :param decimals: fewest and most digits after the point, of numbers or of seconds.
    :param scientific: numbers come with an exponent.
    :param format: strftime format of dates and times, without fraction and zone.
    :param zone: suffix of every time, such as `Z` or `+00`.
    :param spelling: false and true.
    """

    name: str
    kind: Kind
    null: str = ""
    decimals: tuple[int, int] = (0, 0)
    scientific: bool = False
    format: str = ""
    zone: str = ""
    spelling: tuple[str, str] = ("false", "true")


@dataclass(frozen=True, slots=True)
class Schema:
    """The columns of a table, in order."""

    columns: tuple[Column, ...]

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    def __getitem__(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"no column {name!r}; there are {', '.join(self.names)}")

    def of_kind(self, *kinds: Kind) -> list[str]:
        """Names of the columns of any of these kinds, in order."""
        return [column.name for column in self.columns if column.kind in kinds]

    def to_json(self) -> list[dict[str, Any]]:
        return [asdict(column) for column in self.columns]

    @classmethod
    def from_json(cls, columns: Sequence[dict[str, Any]]) -> "Schema":
        return cls(tuple(_column_from_json(column) for column in columns))


@dataclass(frozen=True, slots=True)
class Table:
    """Rows with their schema.

    :param frame: one column per schema column, in its order, with the dtype of its kind and a 0-based index.
    """

    frame: pd.DataFrame
    schema: Schema

    def __post_init__(self) -> None:
        if list(self.frame.columns) != self.schema.names:
            raise ValueError(f"frame has columns {list(self.frame.columns)}, schema has {self.schema.names}")

    def __len__(self) -> int:
        return len(self.frame)

    def take(self, rows: np.ndarray) -> "Table":
        """The rows at these positions (or where this boolean mask holds), re-numbered from 0."""
        return Table(self.frame.iloc[np.asarray(rows)].reset_index(drop=True), self.schema)

    def select(self, names: Sequence[str]) -> "Table":
        """Only these columns, in this order."""
        return Table(self.frame[list(names)], Schema(tuple(self.schema[name] for name in names)))

    def drop(self, names: Sequence[str]) -> "Table":
        """All columns but these."""
        return self.select([name for name in self.schema.names if name not in names])


def read_table(source: str | Path | BinaryIO, *, name: str | None = None) -> Table:
    """Read a CSV file (UTF-8, comma, header line; gzip or plain) and infer each column's kind.

    An empty field is a null. Blank lines are skipped.

    :param source: a path, or an open binary file.
    :param name: what errors call the file; default its file name.
    :raises TableError: the file is missing, empty, not a CSV, has no rows, a duplicate or missing column name,
        or a row with a wrong number of fields.
    """
    from services.gretel.table_kinds import infer_column

    label = name or (Path(source).name if isinstance(source, str | Path) else "the CSV file")
    header, columns = _read_columns(source, label)
    inferred = [infer_column(column, columns.pop(0)) for column in header]
    frame = pd.DataFrame(dict(zip(header, (series for _, series in inferred), strict=True)))
    return Table(frame, Schema(tuple(column for column, _ in inferred)))


def write_csv(table: Table, path: str | Path) -> None:
    """Write a table the way its columns were spelled when read; gzip if the path ends in `.gz`."""
    from services.gretel.table_kinds import render

    rendered = [render(column, table.frame[column.name]) for column in table.schema.columns]
    path = Path(path)
    with path.open("wb") as raw:
        if path.suffix == ".gz":
            # No name and no time in the header: the same table gives the same bytes.
            with gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0, compresslevel=6) as packed:
                _write_rows(cast("BinaryIO", packed), table.schema.names, rendered)
        else:
            _write_rows(raw, table.schema.names, rendered)


def _write_rows(file: BinaryIO, header: list[str], columns: list[list[str]]) -> None:
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(zip(*columns, strict=True))
    text.flush()
    text.detach()


def _read_columns(source: str | Path | BinaryIO, label: str) -> tuple[list[str], list[np.ndarray]]:
    """Return the header and, per column, an object array of strings."""
    with open_csv(source, label) as file:
        text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
        try:
            rows = records(text, label)
            header = next(rows)
            chunks = []
            while chunk := list(islice(rows, CHUNK_ROWS)):
                chunks.append(_transpose(chunk))
        finally:
            text.detach()  # a file that came in open stays open
    return header, [np.concatenate(parts) for parts in zip(*chunks, strict=True)]


def _transpose(rows: list[list[str]]) -> list[np.ndarray]:
    columns = []
    for values in zip(*rows, strict=True):
        array = np.empty(len(values), dtype=object)
        # One string object per distinct value: long tables repeat themselves.
        seen: dict[str, str] = {}
        array[:] = [seen.setdefault(value, value) for value in values]
        columns.append(array)
    return columns


def _column_from_json(column: dict[str, Any]) -> Column:
    low, high = column["decimals"]
    false, true = column["spelling"]
    return Column(**{**column, "kind": Kind(column["kind"]), "decimals": (low, high), "spelling": (false, true)})
