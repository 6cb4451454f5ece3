"""Files beside the database: uploads in progress, artifacts, and what jobs made.

Nothing becomes visible half-written: everything is written under `staging/` and renamed into place when complete.
Names on disk are ids the service made; no text from a client is ever part of a path.
"""

import errno
import hashlib
import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import anyio.to_thread

from services.gretel.settings import MIB
from services.gretel.store.database import new_id

# A full disk, a full quota, and a file larger than the file system (or `ulimit -f`) takes.
OUT_OF_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class TooLargeError(ValueError):
    """An upload is larger than artifacts may be."""


class TruncatedError(ValueError):
    """An upload ended early."""


class OutOfSpaceError(OSError):
    """The disk has no room."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A complete upload that is not yet in place."""

    path: Path
    size: int
    sha256: str


class Files:
    """The files of one data directory."""

    def __init__(self, root: Path, *, max_upload_mib: int, min_free_mib: int) -> None:
        self._projects = root / "projects"
        self._staging = root / "staging"
        self._max_upload = max_upload_mib * MIB
        self._min_free = min_free_mib * MIB
        self._projects.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self._staging, ignore_errors=True)
        self._staging.mkdir()

    def artifact(self, project_id: str, file_id: str) -> Path:
        return self._projects / project_id / "artifacts" / file_id

    def job(self, project_id: str, uid: str) -> Path:
        """The directory of what a finished job made."""
        return self._projects / project_id / "jobs" / uid

    def new_staging_directory(self) -> Path:
        directory = self._staging / new_id()
        directory.mkdir()
        return directory

    def check_space(self, needed: int) -> None:
        """:raises OutOfSpaceError: less than the reserve would stay free."""
        free = shutil.disk_usage(self._staging).free
        if free < needed + self._min_free:
            raise OutOfSpaceError(
                errno.ENOSPC,
                f"{free // MIB} MiB free, {needed // MIB} MiB needed, {self._min_free // MIB} MiB reserved",
            )

    async def receive(self, chunks: AsyncIterator[bytes], *, announced: int | None) -> Upload:
        """Write a stream to a staging file, in memory that does not grow with it.

        :param announced: the length in bytes that the client announced.
        :raises TooLargeError: it is larger than artifacts may be.
        :raises OutOfSpaceError: the disk is full.
        :raises TruncatedError: fewer bytes came than were announced.
        """
        if announced is not None and announced > self._max_upload:
            raise TooLargeError(self._max_upload)
        path = self._staging / new_id()
        digest, size = hashlib.sha256(), 0
        try:
            self.check_space(announced or 0)
            with path.open("wb") as file:
                async for chunk in chunks:
                    size += len(chunk)
                    if size > self._max_upload:
                        raise TooLargeError(self._max_upload)
                    digest.update(chunk)
                    await anyio.to_thread.run_sync(file.write, chunk)
                if announced is not None and size != announced:
                    raise TruncatedError(f"{size} of {announced} bytes came")
                await anyio.to_thread.run_sync(_to_disk, file)
        except OSError as error:
            path.unlink(missing_ok=True)
            if error.errno in OUT_OF_SPACE:
                raise OutOfSpaceError(error.errno, error.strerror) from error
            raise
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return Upload(path, size, digest.hexdigest())

    def sweep(self, *, project_ids: set[str], artifact_ids: set[str], job_uids: set[str]) -> int:
        """Delete what the database does not know: the remains of deletions that were interrupted.

        :returns: how many files or directories were deleted.
        """
        known = artifact_ids | job_uids
        strays = [path for path in self._projects.glob("*") if path.name not in project_ids]
        strays += [path for path in self._projects.glob("*/*/*") if path.name not in known]
        for path in strays:
            remove(path)
        return len(strays)

    def remove_project(self, project_id: str) -> None:
        remove(self._projects / project_id)


def put_in_place(source: Path, target: Path) -> None:
    """Rename a staged file or directory to its place, replacing what an interrupted attempt left there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_dir():
        shutil.rmtree(target)
    source.rename(target)


def remove(path: Path) -> None:
    """Delete a file or directory, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _to_disk(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
