"""When PostgreSQL reads a file as it is, and what stops that."""

from collections.abc import Iterator

import pytest

from services.redshift.copy.direct import NotDirectError, direct_options, guarded, without_header
from services.redshift.copy.statement import CopyStatement
from services.redshift.copy.target import Column, Target

COLUMNS = [Column("id", "int4"), Column("Na me", "varchar", 5)]


def options(columns: list[Column] = COLUMNS, **changes: object) -> str | None:
    statement = CopyStatement(["t"], None, "b", "k", **({"file_format": "csv"} | changes))  # type: ignore[arg-type]
    return direct_options(statement, Target("t", 1, '"t"', columns))


def test_the_options_map_straight() -> None:
    assert options(null="@N", delimiter=";", quote="%") == (
        "FORMAT csv, ENCODING 'UTF8', DELIMITER ';', QUOTE '%', NULL '@N', FORCE_NULL (\"id\", \"Na me\")"
    )
    assert options(null=None, empty_as_null=True) == options(null="")
    assert "QUOTE '\x01'" in str(options(file_format="text"))


@pytest.mark.parametrize(
    "changes",
    [
        {"null": "x", "empty_as_null": True},
        {"null": 'a"b'},
        {"null": "a,b"},
        {"date_format": "DD.MM.YYYY"},
        {"time_format": "epochsecs"},
        {"columns": COLUMNS[:1]},
        {"columns": [*COLUMNS, Column("b", "bytea", 3)]},
    ],
)
def test_otherwise_it_is_read_here(changes: dict[str, object]) -> None:
    assert options(**changes) is None  # type: ignore[arg-type]


def chunked(data: bytes, size: int) -> Iterator[bytes]:
    return (data[i : i + size] for i in range(0, len(data), size))


@pytest.mark.parametrize("size", [1, 2, 3, 100])
@pytest.mark.parametrize("data", [b"\\.\n", b"1,a\n\\.\n2,b\n"])
def test_a_line_that_would_end_postgresqls_copy_is_found_across_chunks(data: bytes, size: int) -> None:
    with pytest.raises(NotDirectError):
        list(guarded(chunked(data, size), CopyStatement(["t"], None, "b", "k", file_format="csv")))


@pytest.mark.parametrize("size", [1, 3, 100])
def test_other_bytes_pass_untouched(size: int) -> None:
    data = b'1,"a\\.b"\n2,\\.\n3,\\N\n'
    assert b"".join(guarded(chunked(data, size), CopyStatement(["t"], None, "b", "k", file_format="csv"))) == data


@pytest.mark.parametrize("size", [1, 4, 100])
def test_header_lines_are_skipped_across_chunks(size: int) -> None:
    assert b"".join(without_header(chunked(b"a,b\nlonger header\n1,2\n3,4", size), 2)) == b"1,2\n3,4"
    assert b"".join(without_header(chunked(b"only\n", size), 5)) == b""
