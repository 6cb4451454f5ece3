"""Kaggle's files in a directory: which are taken, and how missing and wrong ones are named."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from local.airbnb import schema
from local.airbnb.database import LoadError
from local.airbnb.kaggle_files import open_directory


def header(columns: tuple[str, ...]) -> str:
    return ",".join(columns) + "\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "train_users_2.csv").write_text(header(schema.USERS) + "train\n")
    (tmp_path / "sessions.csv").write_text(header(schema.SESSIONS) + "session\n")
    return tmp_path


def contents(folder: Path) -> tuple[dict[str, str], list[str]]:
    with open_directory(folder) as (streams, remarks):
        return {Path(stream.label).name: b"".join(stream.chunks).decode() for stream in streams}, remarks


def test_required_files_are_enough_and_optional_ones_are_mentioned(folder: Path) -> None:
    files, remarks = contents(folder)
    assert files == {
        "train_users_2.csv": header(schema.USERS) + "train\n",
        "sessions.csv": header(schema.SESSIONS) + "session\n",
    }
    assert [remark.split(";")[0] for remark in remarks] == [
        f"{folder}: no test_users.csv or test_users.csv.zip",
        f"{folder}: no countries.csv or countries.csv.zip",
        f"{folder}: no age_gender_bkts.csv or age_gender_bkts.csv.zip",
    ]


def test_all_five_files_zipped_as_kaggle_zips_them(folder: Path) -> None:
    for path in list(folder.iterdir()):
        with zipfile.ZipFile(f"{path}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(path, path.name)
            archive.writestr(f"__MACOSX/._{path.name}", "not data")
        path.unlink()
    kaggles_header = header(schema.COUNTRIES).replace("destination_language,", "destination_language ,")
    (folder / "countries.csv").write_text(kaggles_header)
    (folder / "age_gender_bkts.csv").write_text(header(schema.AGE_GENDER_BKTS))
    (folder / "test_users.csv").write_text("\ufeff" + header(schema.USERS[:-1]), encoding="utf-8")
    files, remarks = contents(folder)
    assert remarks == []
    assert files == {
        "train_users_2.csv.zip": header(schema.USERS) + "train\n",
        "test_users.csv": header(schema.USERS[:-1]),
        "sessions.csv.zip": header(schema.SESSIONS) + "session\n",
        "countries.csv": kaggles_header,
        "age_gender_bkts.csv": header(schema.AGE_GENDER_BKTS),
    }


def test_the_corrected_train_file_wins_over_the_first_edition(folder: Path) -> None:
    (folder / "train_users.csv").write_text(header(schema.USERS) + "first edition\n")
    assert "train_users.csv" not in contents(folder)[0]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (header(schema.SESSIONS[:-1]), "column 'secs_elapsed' is missing"),
        (header((*schema.SESSIONS, "colour")), "column 'colour' is not known"),
        (header((*schema.SESSIONS, "action")), "column 'action' is there twice"),
        ("", "column 'user_id', 'action', 'action_type', 'action_detail', 'device_type', 'secs_elapsed' is missing"),
    ],
)
def test_a_wrong_header_is_named_with_what_was_expected(folder: Path, line: str, problem: str) -> None:
    path = folder / "sessions.csv"
    path.write_text(line)
    with pytest.raises(LoadError) as caught, open_directory(folder):
        pass
    assert str(caught.value).startswith(f"{path}, line 1: {problem}; found {line.strip()!r}, expected 'user_id,action,")


def test_columns_may_stand_in_another_order(folder: Path) -> None:
    (folder / "sessions.csv").write_text(header(schema.SESSIONS[::-1]))
    with open_directory(folder) as (streams, _):
        assert streams[-1].columns == schema.SESSIONS[::-1]


def test_missing_directories_and_files_are_named(folder: Path) -> None:
    with pytest.raises(LoadError, match="no such directory"), open_directory(folder / "nowhere"):
        pass
    (folder / "sessions.csv").unlink()
    with (
        pytest.raises(LoadError, match=r"sessions\.csv or sessions\.csv\.zip is missing; download"),
        open_directory(folder),
    ):
        pass


def test_broken_archives_are_named(folder: Path) -> None:
    (folder / "sessions.csv").unlink()
    archive = folder / "sessions.csv.zip"
    archive.write_bytes(b"PK\x03\x04 cut short")
    with pytest.raises(LoadError, match=r"sessions\.csv\.zip: not a zip archive or cut short"), open_directory(folder):
        pass
    with zipfile.ZipFile(archive, "w") as two:
        two.writestr("a.csv", "")
        two.writestr("b.csv", "")
    with pytest.raises(LoadError, match=r"found a\.csv, b\.csv; expected exactly one CSV file"), open_directory(folder):
        pass
    with zipfile.ZipFile(archive, "w") as stored:
        stored.writestr("sessions.csv", header(schema.SESSIONS) + "session\n" * 1000)
    damaged = archive.read_bytes().replace(b"session\nsession\n", b"session\nsassion\n", 1)
    archive.write_bytes(damaged)
    with pytest.raises(LoadError, match=r"sessions\.csv\.zip: the archive is damaged .*download it again"):
        contents(folder)
