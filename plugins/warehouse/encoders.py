"""How CSV lines become the bytes of a part: gzip, zstd or Parquet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import IO, Any, Protocol

from warehouse.manifest import Dialect
from warehouse.type_map import Column

ROW_GROUP = 1024**2  # bytes of CSV; small, so that memory stays below 100 MB, of which pyarrow itself takes 40


class Encoder(Protocol):
    """Takes whole CSV lines and writes into the target; leaves the target open."""

    def write(self, lines: bytes, /) -> object:
        """Encode some lines."""

    def close(self) -> object:
        """Write what is left."""


MakeEncoder = Callable[[IO[bytes]], Encoder]


def suffix(dialect: Dialect) -> str:
    """What the names of parts end with."""
    if dialect.format == "parquet":
        return ".parquet"
    return ".csv.gz" if dialect.compression == "gzip" else ".csv.zst"


def encoder(dialect: Dialect, columns: Sequence[Column], null_as: str) -> MakeEncoder:
    """What makes the encoder of one part.

    :param null_as: what NULL is in the lines, which Parquet has other means for.
    """
    if dialect.format == "parquet":
        return lambda target: ParquetEncoder(target, columns, null_as)
    return _gzip if dialect.compression == "gzip" else _zstd


def _gzip(target: IO[bytes]) -> Encoder:
    from isal.igzip import IGzipFile

    # mtime and name left out: the same rows give the same bytes.
    return IGzipFile(filename="", mode="wb", compresslevel=1, fileobj=target, mtime=0)


def _zstd(target: IO[bytes]) -> Encoder:
    import zstandard

    return zstandard.ZstdCompressor(level=3, write_checksum=True).stream_writer(target, closefd=False)


class ParquetEncoder:
    """CSV lines into Parquet, typed as Redshift's COPY wants them."""

    def __init__(self, target: IO[bytes], columns: Sequence[Column], null_as: str) -> None:
        from pyarrow import csv, parquet

        self._schema = _schema(columns)
        self._parse = csv.ParseOptions(newlines_in_values=True)
        self._convert = csv.ConvertOptions(
            column_types={field.name: _parsed_type(field.type) for field in self._schema},
            null_values=[null_as],
            true_values=["true"],
            false_values=["false"],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        )
        self._writer = parquet.ParquetWriter(target, self._schema, compression="snappy")
        self._pending: list[bytes] = []
        self._size = 0

    def write(self, lines: bytes, /) -> None:
        """Encode some lines; they are written by the row group."""
        self._pending.append(lines)
        self._size += len(lines)
        if self._size >= ROW_GROUP:
            self._write_row_group()

    def close(self) -> None:
        """Write the last row group and the footer."""
        if self._pending:
            self._write_row_group()
        self._writer.close()

    def _write_row_group(self) -> None:
        import pyarrow as pa
        from pyarrow import csv

        text = b"".join(self._pending)
        self._pending, self._size = [], 0
        table = csv.read_csv(
            pa.BufferReader(text),
            # One block: pyarrow would look for the blocks' ends between lines, and quoted text has line breaks too.
            read_options=csv.ReadOptions(column_names=self._schema.names, block_size=len(text) + 1, use_threads=False),
            parse_options=self._parse,
            convert_options=self._convert,
        )
        arrays = [
            _from_hex(column, field.type) if pa.types.is_binary(field.type) else column
            for column, field in zip(table.columns, self._schema, strict=True)
        ]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema), row_group_size=table.num_rows)
        del table, arrays
        pa.default_memory_pool().release_unused()


def _schema(columns: Sequence[Column]) -> Any:
    import pyarrow as pa

    types = {
        "SMALLINT": pa.int16(),
        "INTEGER": pa.int32(),
        "BIGINT": pa.int64(),
        "REAL": pa.float32(),
        "DOUBLE PRECISION": pa.float64(),
        "BOOLEAN": pa.bool_(),
        "DATE": pa.date32(),
        "TIMESTAMP": pa.timestamp("us"),
    }

    def arrow(redshift: str) -> pa.DataType:
        if redshift.startswith("DECIMAL"):
            precision, scale = redshift.removeprefix("DECIMAL(").removesuffix(")").split(",")
            return pa.decimal128(int(precision), int(scale))
        if redshift.startswith("VARBYTE"):
            return pa.binary()
        return pa.string() if redshift.startswith("VARCHAR") else types[redshift]

    return pa.schema([pa.field(c.name, arrow(c.target.type), nullable=c.nullable) for c in columns])


def _parsed_type(final: Any) -> Any:
    import pyarrow as pa

    return pa.string() if pa.types.is_binary(final) else final


def _from_hex(column: Any, final: Any) -> Any:
    import pyarrow as pa

    return pa.array([None if text is None else bytes.fromhex(text) for text in column.to_pylist()], final)
