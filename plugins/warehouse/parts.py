"""The parts of an extract on S3: one after the other, each ended when it has reached its size."""

from __future__ import annotations

import io
import logging
from contextlib import ExitStack
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Self, cast

from transfers.s3_object import S3ObjectWriter, writing_s3_object
from warehouse.encoders import Encoder, MakeEncoder
from warehouse.lines import Chunk
from warehouse.manifest import Entry, PartMeta

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

log = logging.getLogger(__name__)


class _Counted(io.RawIOBase):
    """A file for encoders, which knows how much it was given."""

    def __init__(self, target: S3ObjectWriter) -> None:
        self._target = target
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        written = self._target.write(data)
        self.size += written
        return written


class PartsWriter:
    """Writes chunks of lines into as many parts as their size asks for; no rows, no part.

    :param prefix: key up to the parts' names, with a slash at its end.
    :param suffix: end of the parts' names.
    :param size: bytes after which a part is ended.
    """

    def __init__(
        self, client: S3Client, bucket: str, prefix: str, suffix: str, *, size: int, make_encoder: MakeEncoder
    ) -> None:
        self._client, self._bucket = client, bucket
        self._name = prefix + "part-{:05d}" + suffix
        self._size = size
        self._make_encoder = make_encoder
        self._open = ExitStack()  # holds the upload of the part that is being written
        self._target: _Counted | None = None
        self._encoder: Encoder
        self._rows = 0
        self.entries: list[Entry] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._end_part()
        else:
            self._open.__exit__(kind, error, trace)  # aborts the upload

    def write(self, chunk: Chunk) -> None:
        """Write whole lines."""
        if self._target is None:
            self._target = _Counted(self._open.enter_context(writing_s3_object(self._client, self._bucket, self._key)))
            self._encoder = self._make_encoder(cast("IO[bytes]", self._target))
        self._encoder.write(chunk.lines)
        self._rows += chunk.rows
        if self._target.size >= self._size:
            self._end_part()

    @property
    def _key(self) -> str:
        return self._name.format(len(self.entries))

    def _end_part(self) -> None:
        if self._target is None:
            return
        self._encoder.close()
        size, self._target = self._target.size, None
        self._open.close()
        url = f"s3://{self._bucket}/{self._key}"
        self.entries.append(Entry(url=url, meta=PartMeta(content_length=size, record_count=self._rows)))
        log.info("wrote %s: %d rows, %d bytes", url, self._rows, size)
        self._rows = 0
