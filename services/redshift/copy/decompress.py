"""GZIP and ZSTD streams, with an error for a file that is cut short."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any, Protocol

import zstandard
from isal import isal_zlib

from services.redshift.errors import internal

CHUNK = 1 << 20
_GZIP_WINDOW = 31


class Readable(Protocol):
    """What boto3 gives for an object's body."""

    def read(self, amt: int) -> bytes: ...


def decompressed(body: Readable, compression: str | None, url: str) -> Iterator[bytes]:
    """Read a stream chunk by chunk.

    :param compression: gzip, zstd or None
    :param url: the file's name, for errors
    :raises SqlError: the file is not compressed in this way, damaged, or ends too early
    """
    if compression is None:
        while chunk := body.read(CHUNK):
            yield chunk
        return
    damaged: tuple[Any, ...] = (isal_zlib.error, zstandard.ZstdError)
    try:
        complete = yield from _members(body, compression)
    except damaged as error:
        raise internal(f"failed to inflate {url}: {error}", detail="code: 9001, context: S3 data") from error
    if not complete:
        raise internal(f"failed to inflate {url}: the file ends before its compressed data does")


def _new(compression: str) -> Any:
    """A decompressor with zlib's interface: decompress(), eof, unused_data."""
    if compression == "gzip":
        return isal_zlib.decompressobj(_GZIP_WINDOW)
    return zstandard.ZstdDecompressor().decompressobj()


def _members(body: Readable, compression: str) -> Generator[bytes, None, bool]:
    """Read members (gzip) or frames (zstd), of which a file may hold several.

    :return: whether the last one came to its end
    """
    current = None
    while data := body.read(CHUNK):
        while data:
            current = current or _new(compression)
            if chunk := current.decompress(data):
                yield chunk
            data = b""
            if current.eof:
                data, current = current.unused_data, None
    return current is None
