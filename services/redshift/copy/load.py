"""Runs a COPY in the session's own transaction.

A text file goes to PostgreSQL untouched wherever its CSV means the same. If PostgreSQL rejects a row of it, the file is
rolled back alone and read again, carefully (records.py), to say which field is wrong, and to skip bad rows within
MAXERROR.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Iterator
from contextlib import aclosing

from services.redshift.backend import Backend, BackendError, Expected
from services.redshift.copy import parquet, report
from services.redshift.copy.direct import NotDirectError, direct_options, guarded, without_header
from services.redshift.copy.records import Checked
from services.redshift.copy.report import FieldError, LoadError, Origin
from services.redshift.copy.source import Source, SourceFile
from services.redshift.copy.statement import CopyStatement
from services.redshift.copy.target import find_target
from services.redshift.copy.threads import Cancellation
from services.redshift.errors import SqlError, internal
from services.redshift.settings import Settings
from services.redshift.wire import fields_message, message

log = logging.getLogger(__name__)

_SAVEPOINT = "pg_redshift_copy"
_FILE_SAVEPOINT = "pg_redshift_copy_file"
_KEEP = f"RELEASE SAVEPOINT {_FILE_SAVEPOINT}"
_UNDO = f"ROLLBACK TO SAVEPOINT {_FILE_SAVEPOINT}; {_KEEP}"
_CHECKED_FORMAT = "FORMAT csv, NULL '', ENCODING 'UTF8'"
_PLACE = re.compile(r"line (\d+)(?:, column (.+?))?(?:: |$)", re.DOTALL)


class Loader:
    """Runs the COPY statements of one session.

    :param database: the session's
    """

    def __init__(self, settings: Settings, database: str) -> None:
        self.settings = settings
        self.database = database
        self.cancellation = Cancellation()

    async def load(self, backend: Backend, statement: CopyStatement) -> bytes:
        """Load all files or none.

        :return: the notice that says how many rows were loaded
        :raises SqlError: nothing was loaded; the transaction is as it was before
        """
        self.cancellation.clear()
        own = backend.status == b"I"
        if own:
            await backend.execute("BEGIN")
        try:
            await backend.execute(f"SAVEPOINT {_SAVEPOINT}")
            try:
                notice = await _Copy(self, backend, statement).run()
            except SqlError:
                await backend.query(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}")
                raise
            await backend.execute(f"RELEASE SAVEPOINT {_SAVEPOINT}")
        except SqlError:
            if own:
                await backend.query("ROLLBACK")
            raise
        if own:
            await backend.execute("COMMIT")
        return notice


class _Copy:
    """One COPY on its way."""

    def __init__(self, loader: Loader, backend: Backend, statement: CopyStatement) -> None:
        self.loader = loader
        self.backend = backend
        self.statement = statement
        self.limit = max(1, statement.max_error)
        self.errors: list[LoadError] = []

    async def run(self) -> bytes:
        started = time.monotonic()
        self.target = await find_target(self.backend, self.statement)
        origin = await self._begin()
        self.source = await self.loader.cancellation.in_thread(
            Source, self.loader.settings, self.statement, origin.user
        )
        files = await self.loader.cancellation.in_thread(self.source.files)
        rows = 0
        try:
            for file in files:
                rows += await self._file(file)
                if len(self.errors) >= self.limit:
                    raise internal(
                        f"Load into table '{self.target.name}' failed.  "
                        "Check 'stl_load_errors' system table for details."
                    )
        finally:
            if self.errors:
                await asyncio.to_thread(
                    report.record, self.loader.settings.backend_dsn, origin, self.target, self.errors
                )
        await self.backend.execute(f"SELECT pg_catalog.setval('pg_redshift.copy_count', {rows})")
        seconds = time.monotonic() - started
        log.info("COPY %s: %d rows of %d files in %.2f s", self.target.name, rows, len(files), seconds)
        return self._notice(rows)

    async def _begin(self) -> Origin:
        """Take a COPY id; the count of the last COPY is 0 until this one succeeds."""
        answer = await self.backend.execute(
            "SELECT session_user, pg_catalog.nextval('pg_redshift.copy_id'),"
            " pg_catalog.setval('pg_redshift.copy_count', 0)"
        )
        user, copy_id, _ = answer.rows[0]
        return Origin(str(user), self.loader.database, self.backend.pid, int(str(copy_id)))

    def _notice(self, rows: int) -> bytes:
        texts = [f"Load into table '{self.target.name}' completed, {rows} record(s) loaded successfully."]
        if self.errors:
            texts.append(
                f"Load into table '{self.target.name}' completed, {len(self.errors)} record(s) could not be loaded.  "
                "Check 'stl_load_errors' system table for details."
            )
        return b"".join(fields_message(b"N", {"S": "INFO", "V": "INFO", "C": "00000", "M": text}) for text in texts)

    async def _file(self, file: SourceFile) -> int:
        if self.statement.file_format == "parquet":
            return await self._parquet(file)
        if direct_options(self.statement, self.target) is not None:
            rows = await self._direct(file)
            if rows is not None:
                return rows
        return await self._checked(file)

    # --- untouched -----------------------------------------------------------------------------------------------

    async def _direct(self, file: SourceFile) -> int | None:
        """Hand a file over as it is; None if a row is rejected or the file is not what it seemed."""
        await self.backend.execute(f"SAVEPOINT {_FILE_SAVEPOINT}")
        chunks = guarded(without_header(self.source.chunks(file), self.statement.ignore_header), self.statement)
        try:
            rows = await self._send(chunks, str(direct_options(self.statement, self.target)))
        except NotDirectError:
            rows = None
        except BackendError as error:
            if not _is_data_error(error):
                raise
            rows = None
        await self.backend.execute(_KEEP if rows is not None else _UNDO)
        return rows

    async def _send(self, chunks: Iterator[bytes], options: str) -> int:
        """Stream bytes into PostgreSQL's COPY.

        :return: rows loaded
        :raises BackendError: PostgreSQL rejected them
        """
        expected = self.backend.start(f"COPY {self.target.sql} ({self.target.column_list}) FROM STDIN WITH ({options})")
        await expected.copying.wait()
        expected.check()
        try:
            async with aclosing(self.loader.cancellation.read_ahead(chunks)) as stream:
                async for chunk in stream:
                    if expected.error is not None:
                        break
                    self.backend.writer.write(message(b"d", chunk))
                    await self.backend.writer.drain()
        except Exception:  # whatever it is, PostgreSQL waits for the rest of the file until it is told
            await self._stop(expected)
            raise
        self.backend.writer.write(message(b"c"))
        await expected.done.wait()
        expected.check()
        return int(expected.tag.removeprefix("COPY "))

    async def _stop(self, expected: Expected) -> None:
        if not expected.done.is_set():
            self.backend.writer.write(message(b"f", b"stopped\0"))
            await expected.done.wait()

    # --- carefully -----------------------------------------------------------------------------------------------

    async def _checked(self, file: SourceFile) -> int:
        """Read a file record by record; rows that PostgreSQL rejects all the same are named and left out, too."""
        rejected: dict[int, tuple[str, FieldError]] = {}
        while True:
            await self.backend.execute(f"SAVEPOINT {_FILE_SAVEPOINT}")
            limit = self.limit - len(self.errors)
            checked = Checked(file.url, self.statement, self.target.columns, rejected, limit)
            try:
                rows = await self._send(checked.batches(self.source.chunks(file)), _CHECKED_FORMAT)
            except BackendError as error:
                if not _is_data_error(error):
                    raise
                line, column = _place(error)
                rejected[checked.file_line(line)] = (column, _field_error(error))
                await self.backend.execute(_UNDO)
            else:
                await self.backend.execute(_KEEP)
                self.errors += checked.errors
                return rows

    async def _parquet(self, file: SourceFile) -> int:
        try:
            chunks = parquet.csv_chunks(self.source.chunks(file), self.target.columns, file.url)
            return await self._send(chunks, _CHECKED_FORMAT)
        except BackendError as error:
            if not _is_data_error(error):
                raise
            line, name = _place(error)
            column = next((item for item in self.target.columns if item.name == name), None)
            reason = _field_error(error)
            self.errors.append(LoadError(file.url, line, column, "", "", reason.code, reason.reason))
            detail = f"{reason.reason}. Column: {name}, row {line}, File name: {file.url}"
            raise internal("Spectrum Scan Error", detail=detail) from error


def _is_data_error(error: BackendError) -> bool:
    return error.sqlstate.startswith("22") or error.sqlstate in {"23502", "23514"}


def _place(error: BackendError) -> tuple[int, str]:
    """Where in its input PostgreSQL found the error: line and column name."""
    match = _PLACE.search(error.fields.get("W", ""))
    if match is None:
        raise error
    return int(match.group(1)), match.group(2) or error.fields.get("c", "")


def _field_error(error: BackendError) -> FieldError:
    name = error.fields.get("n", "")
    if error.sqlstate == "23502":
        return FieldError(report.MISSING_NOT_NULL, "Missing data for not-null field")
    if error.sqlstate in {"23514", "22001"}:
        return FieldError(report.OUT_OF_RANGE, f"String length exceeds DDL length {name}".rstrip())
    if error.sqlstate in {"22007", "22008"}:
        return FieldError(report.BAD_TIMESTAMP, "Invalid timestamp format or value [YYYY-MM-DD HH24:MI:SS]")
    return FieldError(report.BAD_LINE, error.message.split(': "')[0])  # the value has a column of its own
