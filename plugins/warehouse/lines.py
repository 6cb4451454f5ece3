"""CSV lines as MySQL wrote them: gathered, checked, hashed where that is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from transfers.pseudonyms import Pseudonyms
from warehouse.config import TableConfig
from warehouse.errors import SourceDataError
from warehouse.type_map import Column

ROW_MAX = 4 * 1024**2  # bytes, https://docs.aws.amazon.com/redshift/latest/dg/r_COPY.html
CHUNK = 1024**2  # bytes handed on at once
FETCH_BYTES, FETCH_ROWS = 4 * CHUNK, 1000

Row = tuple[bytes | None, ...]


@dataclass(frozen=True)
class Chunk:
    """Some whole lines."""

    lines: bytes
    rows: int


def fetch_size(columns: Sequence[Column]) -> int:
    """How many rows to fetch at once so that even the widest rows stay within a few megabytes."""
    widest = sum(column.target.width + 1 for column in columns)
    return max(1, min(FETCH_ROWS, FETCH_BYTES // widest))


def gather(
    batches: Iterable[Sequence[Row]],
    columns: Sequence[Column],
    config: TableConfig,
    null_as: str,
    pseudonyms: Pseudonyms | None = None,
) -> Iterator[Chunk]:
    """Turn rows as `render_rows` selects them into chunks of about a megabyte.

    :raises SourceDataError: MySQL could not write a line, one is longer than COPY takes, or holds a NUL character.
    """
    to_line = _hashing(null_as, pseudonyms) if pseudonyms else _plain
    wide = sum(column.target.width + 1 for column in columns) > ROW_MAX
    pending: list[bytes] = []
    size = rows = 0
    for batch in batches:
        lines = to_line(batch, config)
        if wide and max(map(len, lines)) > ROW_MAX:
            raise SourceDataError(
                f"{config.source}: a row has {max(map(len, lines)):,} bytes as CSV, Redshift's COPY takes {ROW_MAX:,}; "
                f"leave out one of {_large(columns)} with pii: {{column: drop}}"
            )
        piece = b"".join(lines)
        pending.append(piece)
        size, rows = size + len(piece), rows + len(lines)
        if size >= CHUNK:
            yield _checked(pending, rows, columns, config)
            pending, size, rows = [], 0, 0
    if rows:
        yield _checked(pending, rows, columns, config)


def _plain(batch: Sequence[Row], config: TableConfig) -> list[bytes]:
    lines = [line for (line,) in batch]
    if None in lines:
        _refuse_null_line(config)
    return lines  # type: ignore[return-value]


def _hashing(null_as: str, pseudonyms: Pseudonyms) -> Callable[[Sequence[Row], TableConfig], list[bytes]]:
    null, hashed = null_as.encode(), pseudonyms.hash

    def to_lines(batch: Sequence[Row], config: TableConfig) -> list[bytes]:
        columns: list[Sequence[bytes | None]] = list(zip(*batch, strict=True))
        # Pieces of the line at even places, values to hash at odd ones.
        for place in range(1, len(columns), 2):
            columns[place] = [null if value is None else b'"' + hashed(value) + b'"' for value in columns[place]]
        if any(None in pieces for pieces in columns[::2]):
            _refuse_null_line(config)
        return list(map(b"".join, zip(*columns, strict=True)))

    return to_lines


def _refuse_null_line(config: TableConfig) -> None:
    raise SourceDataError(
        f"{config.source}: MySQL could not write a row: a value or the whole row exceeds its max_allowed_packet; "
        "raise that in MySQL, or leave out the large column with pii: {column: drop}"
    )


def _checked(pieces: list[bytes], rows: int, columns: Sequence[Column], config: TableConfig) -> Chunk:
    lines = b"".join(pieces)
    if b"\0" in lines:
        texts = ", ".join(column.name for column in columns if column.target.quoted and not column.hashed)
        raise SourceDataError(
            f"{config.source}: a text holds a NUL character, which Redshift's VARCHAR cannot; remove it in MySQL "
            f"(one of {texts}: WHERE column LIKE CONCAT('%', CHAR(0), '%')), or leave the column out with "
            "pii: {column: drop}"
        )
    return Chunk(lines, rows)


def _large(columns: Sequence[Column]) -> str:
    return ", ".join(column.name for column in columns if column.target.width > ROW_MAX // 8)
