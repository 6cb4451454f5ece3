"""MySQL → S3: the rows of one table and window, as parts and a manifest that is written last."""

from __future__ import annotations

import logging
import re
import secrets
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

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
from warehouse.pseudonyms import Pseudonyms
from warehouse.snapshot import Snapshot, open_snapshot
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
    zone, lookback = config.cursor_timezone, timedelta(minutes=config.lookback_minutes)
    scope = Scope(config, bounds=window.bounds(lookback, zone) if window else None, key_range=key_range)
    manifest_id = str(uuid.uuid4())
    prefix = _prefix(destination, config, window, manifest_id)
    url = f"s3://{destination.bucket}/{prefix}manifest.json"
    # Opened first, so that a missing bucket is found before MySQL works; it appears on S3 as this block ends.
    with writing_s3_object(destination.client, destination.bucket, f"{prefix}manifest.json") as target:
        with open_snapshot(connect, config, source_name) as snapshot:
            columns = describe_columns(snapshot, config)
            counts = measure(snapshot, columns, scope)
            dialect = _dialect(config)
            entries = _copy_rows(snapshot, columns, scope, dialect, destination, prefix, pseudonyms)
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
                dialect=dialect,
                counts=counts,
                hash_key_id=pseudonyms.key_id if pseudonyms and config.hashes else None,
            ),
        )
        target.write(manifest.to_json().encode())
    return Written(url, manifest)


def _copy_rows(  # noqa: PLR0917
    snapshot: Snapshot,
    columns: Sequence[Column],
    scope: Scope,
    dialect: Dialect,
    destination: Destination,
    prefix: str,
    pseudonyms: Pseudonyms | None,
) -> list[Entry]:
    null_as = dialect.null_as or ""
    statement = render_rows(columns, scope, null_as)
    log.info("reading %s with\n%s", scope.config.source, statement)
    writer = PartsWriter(
        destination.client,
        destination.bucket,
        prefix,
        encoders.suffix(dialect),
        size=scope.config.part_size_mb * 1024**2,
        make_encoder=encoders.encoder(dialect, columns),
    )
    batches = snapshot.stream(statement, fetch_size(columns))
    chunks = gather(batches, columns, scope.config, null_as, pseudonyms if scope.config.hashes else None)
    with writer, _in_background(writer.write) as write:
        for chunk in chunks:
            write(chunk)
    return writer.entries


@contextmanager
def _in_background(write: Callable[[Chunk], None]) -> Iterator[Callable[[Chunk], None]]:
    """Compress and send in a second thread, a few chunks behind; its errors come up here."""
    pending: deque[Future[None]] = deque()
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="s3-writer") as pool:

        def submit(chunk: Chunk) -> None:
            pending.append(pool.submit(write, chunk))
            if len(pending) > AHEAD:
                pending.popleft().result()

        try:
            yield submit
            while pending:
                pending.popleft().result()
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _prefix(destination: Destination, config: TableConfig, window: Window | None, manifest_id: str) -> str:
    """A folder that belongs to this table, window and try alone."""
    table = re.sub(r"[^A-Za-z0-9_.-]", "_", config.source)
    root = destination.prefix.strip("/")
    return f"{root + '/' if root else ''}{table}/{window.slug if window else 'full'}/{manifest_id}/"


def _dialect(config: TableConfig) -> Dialect:
    """How the parts are written. The NULL marker is drawn now, after the snapshot, so no value in it can be equal."""
    marker = f"NULL_{secrets.token_hex(8)}"
    return Dialect(
        format=config.format, compression=config.compression if config.format == "csv" else None, null_as=marker
    )


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
