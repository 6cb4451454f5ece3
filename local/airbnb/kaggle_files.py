"""Kaggle's own files: finding them in a directory, checking their headers, streaming them out of CSV or zip."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from local.airbnb import schema
from local.airbnb.database import CsvStream, LoadError

BLOCK_BYTES = 1 << 20
LONGEST_HEADER_BYTES = 4096


@dataclass(frozen=True)
class KaggleFile:
    """One of Kaggle's files.

    :param names: the names it goes by, without .csv, best first.
    :param table: where its rows go.
    :param columns: what its header must name, in any order.
    """

    names: tuple[str, ...]
    table: str
    columns: tuple[str, ...]


TRAIN_USERS = KaggleFile(("train_users_2", "train_users", "train_users_sample"), "users", schema.USERS)
TEST_USERS = KaggleFile(("test_users", "test_users_sample"), "users", schema.USERS[:-1])
SESSIONS = KaggleFile(("sessions", "sessions_sample"), "sessions", schema.SESSIONS)
COUNTRIES = KaggleFile(("countries", "countries_sample"), "countries", schema.COUNTRIES)
AGE_GENDER_BKTS = KaggleFile(("age_gender_bkts", "age_gender_bkts_sample"), "age_gender_bkts", schema.AGE_GENDER_BKTS)
REQUIRED = (TRAIN_USERS, SESSIONS)
OPTIONAL = (TEST_USERS, COUNTRIES, AGE_GENDER_BKTS)


@contextmanager
def open_directory(directory: Path) -> Iterator[tuple[list[CsvStream], list[str]]]:
    """Open every known file of `directory`, all headers checked.

    :returns: the streams, and a remark for each optional file that is not there.
    :raises LoadError: no such directory, a required file is missing, an archive or a header is wrong.
    """
    if not directory.is_dir():
        raise LoadError(f"{directory}: no such directory; name the one that holds Kaggle's files")
    with ExitStack() as stack:
        streams, remarks = [], []
        for kind in (TRAIN_USERS, TEST_USERS, SESSIONS, COUNTRIES, AGE_GENDER_BKTS):
            path = _find(directory, kind)
            if path:
                streams.append(_open(path, kind, stack))
            elif kind in REQUIRED:
                raise LoadError(
                    f"{directory}: {_wanted(kind)} is missing; "
                    "download it from https://www.kaggle.com/c/airbnb-recruiting-new-user-bookings/data"
                )
            else:
                remarks.append(f"{directory}: no {_wanted(kind)}; it is optional, {_consequence(kind)}")
        yield streams, remarks


def _wanted(kind: KaggleFile) -> str:
    return f"{kind.names[0]}.csv or {kind.names[0]}.csv.zip"


def _consequence(kind: KaggleFile) -> str:
    return "users come from the train file alone" if kind is TEST_USERS else f"table {kind.table} stays empty"


def _find(directory: Path, kind: KaggleFile) -> Path | None:
    candidates = (directory / f"{name}{ending}" for name in kind.names for ending in (".csv", ".csv.zip", ".zip"))
    return next((path for path in candidates if path.is_file()), None)


def _open(path: Path, kind: KaggleFile, stack: ExitStack) -> CsvStream:
    file = stack.enter_context(_open_archive(path, stack) if path.suffix == ".zip" else path.open("rb"))
    first_line = file.readline(LONGEST_HEADER_BYTES)
    columns = _check_header(path, first_line, kind)
    return CsvStream(kind.table, columns, _blocks(path, first_line, file), str(path))


def _open_archive(path: Path, stack: ExitStack) -> IO[bytes]:
    try:
        archive = stack.enter_context(zipfile.ZipFile(path))
    except zipfile.BadZipFile as error:
        raise LoadError(f"{path}: not a zip archive or cut short ({error}); download it again") from error
    members = [name for name in archive.namelist() if name.endswith(".csv") and not name.startswith("__MACOSX")]
    if len(members) != 1:
        raise LoadError(f"{path}: found {', '.join(members) or 'no CSV file'}; expected exactly one CSV file in it")
    return archive.open(members[0])


def _check_header(path: Path, line: bytes, kind: KaggleFile) -> tuple[str, ...]:
    """Compare the header with the expected columns; Kaggle's own "destination_language " ends in a blank."""
    text = line.decode("utf-8-sig", errors="replace")
    found = tuple(name.strip() for name in next(csv.reader(io.StringIO(text)), []))
    missing = [name for name in kind.columns if name not in found]
    unknown = [name for name in found if name not in kind.columns]
    repeated = sorted({name for name in found if found.count(name) > 1})
    for problem, names in (("is missing", missing), ("is not known", unknown), ("is there twice", repeated)):
        if names:
            raise LoadError(
                f"{path}, line 1: column {', '.join(map(repr, names))} {problem}; found {','.join(found)!r}, "
                f"expected {','.join(kind.columns)!r}. Take the file as Kaggle publishes it, header included."
            )
    return found


def _blocks(path: Path, first_line: bytes, file: IO[bytes]) -> Iterator[bytes]:
    yield first_line.removeprefix(b"\xef\xbb\xbf")
    try:
        while block := file.read(BLOCK_BYTES):
            yield block
    except (zipfile.BadZipFile, EOFError) as error:
        raise LoadError(f"{path}: the archive is damaged ({error}); download it again") from error
