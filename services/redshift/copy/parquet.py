"""Parquet files as CSV for PostgreSQL: columns by position, types as strict as Redshift's."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
import pyarrow.types as pt

from services.redshift.copy.target import Column
from services.redshift.errors import SqlError, internal, not_provided

BATCH_ROWS = 65_536
SPOOL_BYTES = 64 << 20

# PostgreSQL's type name -> what the file's column must be.
_ACCEPTED: dict[str, Callable[[Any], bool]] = {
    "int2": lambda kind: pt.is_int8(kind) or pt.is_int16(kind),
    "int4": pt.is_int32,
    "int8": pt.is_int64,
    "float4": pt.is_float32,
    "float8": pt.is_float64,
    "bool": pt.is_boolean,
    "date": pt.is_date32,
    "timestamp": pt.is_timestamp,
    "timestamptz": pt.is_timestamp,
    "varchar": lambda kind: pt.is_string(kind) or pt.is_large_string(kind),
    "bpchar": lambda kind: pt.is_string(kind) or pt.is_large_string(kind),
    "jsonb": lambda kind: pt.is_string(kind) or pt.is_large_string(kind),
    "bytea": lambda kind: pt.is_binary(kind) or pt.is_large_binary(kind) or pt.is_fixed_size_binary(kind),
}


def csv_chunks(chunks: Iterator[bytes], columns: Sequence[Column], url: str) -> Iterator[bytes]:
    """Read a Parquet file and write its rows as CSV: NULL empty, everything else quoted.

    :param chunks: the file's bytes
    :param columns: the target's, in order
    :param url: the file's name, for errors
    :raises SqlError: no Parquet file, or its columns do not fit the target's
    """
    with tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES) as spool:
        for chunk in chunks:
            spool.write(chunk)
        spool.seek(0)
        yield from _rows(spool, columns, url)


def _rows(spool: IO[bytes], columns: Sequence[Column], url: str) -> Iterator[bytes]:
    options = pa.csv.WriteOptions(include_header=False, quoting_style="all_valid")
    try:
        file = pq.ParquetFile(spool)
        _check(file.schema_arrow, columns, url)
        for batch in file.iter_batches(batch_size=BATCH_ROWS):
            out = io.BytesIO()
            pa.csv.write_csv(
                pa.record_batch([_plain(array) for array in batch.columns], batch.schema.names), out, options
            )
            yield out.getvalue()
    except (pa.ArrowException, OSError, ValueError) as error:  # pyarrow raises all of these for damaged files
        raise internal(f"Spectrum Scan Error: {url} is no readable Parquet file: {error}") from error


def _check(schema: pa.Schema, columns: Sequence[Column], url: str) -> None:
    if len(schema) != len(columns):
        raise internal(
            "Spectrum Scan Error",
            detail=f"Unmatched number of columns between table and file. Table columns: {len(columns)}, "
            f"Data columns: {len(schema)}, File name: {url}",
        )
    for field, column in zip(schema, columns, strict=True):
        if column.kind in {"time", "timetz"}:
            raise internal(f'Spectrum Scan Error: TIME cannot be loaded from PARQUET: column "{column.name}"')
        if not _fits(field.type, column):
            raise _incompatible(field, column, url)


def _fits(kind: pa.DataType, column: Column) -> bool:
    if column.kind == "numeric":
        return pt.is_decimal(kind) and kind.scale == column.scale and kind.precision <= column.length
    if column.kind not in _ACCEPTED:
        raise not_provided(f"COPY FORMAT PARQUET into a column of type {column.kind}")
    return _ACCEPTED[column.kind](kind)


def _incompatible(field: pa.Field, column: Column, url: str) -> SqlError:
    wanted = f"{column.kind.upper()}({column.shown_length})" if column.shown_length else column.kind.upper()
    return internal(
        "Spectrum Scan Error",
        detail=f"File '{url}' has an incompatible Parquet schema for column '{column.name}'. "
        f"Column type: {wanted}, Parquet schema: {field}",
    )


def _plain(array: pa.Array) -> pa.Array:
    """Give a column a type that CSV can hold."""
    if pt.is_binary(array.type) or pt.is_large_binary(array.type) or pt.is_fixed_size_binary(array.type):
        return pa.array([None if value is None else "\\x" + value.hex() for value in array.to_pylist()], pa.string())
    if pt.is_timestamp(array.type):
        # Whole microseconds, and UTC without saying so: the session's time zone is UTC.
        return pc.cast(array, pa.timestamp("us", array.type.tz), safe=False)
    return array
