"""MySQL → S3: the rows of one table and window, as parts and a manifest that is written last."""

from __future__ import annotations

import logging
import re
import secrets
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from transfers.pseudonyms import Pseudonyms
from transfers.s3_object import writing_s3_object
from warehouse import encoders
from warehouse.config import TableConfig
from warehouse.errors import ConfigError, SourceUnavailableError
from warehouse.lines import Chunk, fetch_size, gather
from warehouse.manifest import (
    ColumnBlock,
    Counts,
    Dialect,
    Entry,
    Extract,
    KeyRange,
    Manifest,
    Source,
    WindowBlock,
)
from warehouse.measures import measure
from warehouse.mysql_sql import Scope, render_rows
from warehouse.parts import PartsWriter
from warehouse.snapshot import open_snapshot
from warehouse.source_table import describe_columns
from warehouse.type_map import Column
from warehouse.window import Window

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from MySQLdb.connections import Connection

AHEAD = 2  # chunks that may wait for compression and S3 while MySQL is read

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Destination:
    """Where extracts go.

    :param prefix: key under which every extract makes a folder of its own; may be empty.
    """

    client: S3Client
    bucket: str
    prefix: str


@dataclass(frozen=True)
class Written:
    """A finished extract."""

    url: str
    manifest: Manifest


def extract_table(
    connect: Callable[[], Connection],
    destination: Destination,
    config: TableConfig,
    *,
    window: Window | None = None,
    key_range: KeyRange | None = None,
    pseudonyms: Pseudonyms | None = None,
    source_name: str = "MySQL",
) -> Written:
    """Extract one table: MySQL writes the lines, the worker compresses and sends them, memory stays flat.

    Everything is read in one snapshot. The parts lie under a prefix that no other try has; the manifest comes last, and
    without it nothing is loaded. So a try may be killed at any moment.

    :param connect: opens a connection by mysqlclient, such as a MySqlHook's `get_conn`; it is closed here.
    :param window: which times of the cursor; None for the whole table.
    :param key_range: which part of the primary key; None for all.
    :param pseudonyms: hashes the columns that `config.pii` says.
    :param source_name: what messages call the server.
    :raises WarehouseError, transfers.extract_errors.ExtractError: one of their kinds, for everything foreseen.
    """
    if config.hashes and pseudonyms is None:
        raise ConfigError(f"{config.where('pii')}: {config.name}.pii: hashed columns need a key, and none was given")
    pseudonyms = pseudonyms if config.hashes else None
    zone, lookback = config.cursor_timezone, timedelta(minutes=config.lookback_minutes)
    scope = Scope(config, bounds=window.bounds(lookback, zone) if window else None, key_range=key_range)
    manifest_id = str(uuid.uuid4())
    folder = _folder(destination, config, window, manifest_id)
    # Opened first, so that a missing bucket is found before MySQL works; it appears on S3 as this block ends.
    with writing_s3_object(destination.client, destination.bucket, f"{folder}manifest.json") as target:
        with open_snapshot(connect, config, source_name) as snapshot:
            columns = describe_columns(snapshot, config)
            counts = measure(snapshot, columns, scope)
            # Drawn when the snapshot is fixed: no value in it can be equal.
            null_as = f"NULL_{secrets.token_hex(8)}"
            statement = render_rows(columns, scope, null_as, counts.zero_dates)
            log.info("reading %s with\n%s", config.source, statement)
            rows = snapshot.stream(statement, fetch_size(columns))
            chunks = gather(rows, columns, config, null_as, pseudonyms)
            entries = _write_parts(chunks, columns, config, null_as, destination, folder)
        _check_rows(config, entries, counts)
        manifest = Manifest(
            entries=tuple(entries),
            extract=Extract(
                manifest_id=manifest_id,
                extracted_at=snapshot.extracted_at,
                source=Source(database=config.database, table=config.table, server=snapshot.server),
                target=config.target,
                mode=config.mode,
                primary_key=config.primary_key,
                order_key=config.cursor,
                deleted_flag=config.deleted_flag,
                window=_window_block(config, window),
                key_range=key_range,
                columns=tuple(map(_column_block, columns)),
                dialect=_dialect(config, null_as),
                counts=counts,
                hash_key_id=pseudonyms.key_id if pseudonyms else None,
            ),
        )
        target.write(manifest.to_json().encode())
    return Written(f"s3://{destination.bucket}/{folder}manifest.json", manifest)


def _write_parts(  # noqa: PLR0917
    chunks: Iterable[Chunk],
    columns: Sequence[Column],
    config: TableConfig,
    null_as: str,
    destination: Destination,
    folder: str,
) -> list[Entry]:
    """Write the lines; compressing and sending happen in a second thread, a few chunks behind."""
    dialect = _dialect(config, null_as)
    writer = PartsWriter(
        destination.client,
        destination.bucket,
        folder,
        encoders.suffix(dialect),
        size=config.part_size_mb * 1024**2,
        make_encoder=encoders.encoder(dialect, columns, null_as),
    )
    pending: deque[Future[None]] = deque()
    with writer, ThreadPoolExecutor(max_workers=1, thread_name_prefix="s3-writer") as pool:
        try:
            for chunk in chunks:
                pending.append(pool.submit(writer.write, chunk))
                if len(pending) > AHEAD:
                    pending.popleft().result()
            while pending:
                pending.popleft().result()
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return writer.entries


def _folder(destination: Destination, config: TableConfig, window: Window | None, manifest_id: str) -> str:
    """A folder that belongs to this table, window and try alone."""
    table = re.sub(r"[^A-Za-z0-9_.-]", "_", config.source)
    root = destination.prefix.strip("/")
    return f"{root + '/' if root else ''}{table}/{window.slug if window else 'full'}/{manifest_id}/"


def _dialect(config: TableConfig, null_as: str) -> Dialect:
    if config.format == "parquet":
        return Dialect(format="parquet")
    return Dialect(format="csv", compression=config.compression, null_as=null_as)


def _window_block(config: TableConfig, window: Window | None) -> WindowBlock | None:
    if window is None:
        return None
    return WindowBlock(
        start=window.start,
        end=window.end,
        lookback_minutes=config.lookback_minutes,
        cursor_timezone=config.cursor_timezone,
    )


def _column_block(column: Column) -> ColumnBlock:
    return ColumnBlock(
        name=column.name,
        source_type=column.source.column_type,
        type=column.target.type,
        nullable=column.nullable,
        pii=column.pii,
    )


def _check_rows(config: TableConfig, entries: Sequence[Entry], counts: Counts) -> None:
    sent = sum(entry.meta.record_count for entry in entries)
    if sent != counts.rows:
        raise SourceUnavailableError(
            f"{config.source}: MySQL counted {counts.rows:,} rows and sent {sent:,} in one snapshot; nothing was "
            "released. Retry; should it come back, run CHECK TABLE in MySQL"
        )
