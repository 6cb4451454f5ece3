"""Reading a file record by record: what is loaded, and what is said about a bad row."""

from typing import Any

import pytest

from services.redshift.copy.records import Checked
from services.redshift.copy.report import FieldError
from services.redshift.copy.statement import CopyStatement
from services.redshift.copy.target import Column
from services.redshift.copy.values import strptime_format
from services.redshift.errors import SqlError

ID = Column("id", "int4", not_null=True)
NAME = Column("name", "varchar", 5)


def read(
    data: bytes,
    columns: list[Column],
    *,
    limit: int = 100,
    rejected: dict[int, tuple[str, FieldError]] | None = None,
    **options: object,
) -> tuple[str, list[tuple[int, str, str, int, str]]]:
    statement = CopyStatement(["t"], None, "b", "k", **({"file_format": "csv"} | options))  # type: ignore[arg-type]
    checked = Checked("s3://b/k", statement, columns, rejected or {}, limit)
    chunks = [data[i : i + 3] for i in range(0, len(data), 3)]  # chunks end anywhere, also inside a character
    rows = b"".join(checked.batches(iter(chunks))).decode()
    errors = [(e.line, e.column.name if e.column else "", e.raw_value, e.code, e.reason) for e in checked.errors]
    return rows, errors


def one_field(value: str, column: Column, **options: Any) -> str:
    """What PostgreSQL gets for a field, or the reason why not."""
    quoted = '"' + value.replace('"', '""') + '"'
    rows, errors = read(f"{quoted},x\n".encode(), [column, NAME], **options)
    return errors[0][4] if errors else rows.removesuffix(',"x"\n')


@pytest.mark.parametrize(
    ("value", "column", "expected"),
    [
        (" 12 ", ID, '"12"'),
        ("-32768", Column("a", "int2"), '"-32768"'),
        ("32768", Column("a", "int2"), "Overflow, Type: Short"),
        ("12x4", ID, "Invalid digit, Value 'x', Pos 2, Type: Integer"),
        ("1.5", Column("a", "int8"), "Invalid digit, Value '.', Pos 1, Type: Long"),
        ("", ID, "Missing data for not-null field"),
        ("", Column("a", "int4"), ""),
        ("99.994", Column("a", "numeric", 4, 2), '"99.994"'),
        ("99.995", Column("a", "numeric", 4, 2), "Overflow, Type: Decimal(4, 2)"),
        ("9" * 38, Column("a", "numeric", 38, 0), f'"{"9" * 38}"'),
        ("-" + "9" * 38, Column("a", "numeric", 38, 0), f'"-{"9" * 38}"'),
        ("1" + "0" * 38, Column("a", "numeric", 38, 0), "Overflow, Type: Decimal(38, 0)"),
        ("1,5", Column("a", "numeric", 4, 2), "Invalid digit, Value ',', Pos 1, Type: Decimal"),
        ("1e3", Column("a", "float8"), '"1e3"'),
        ("abc", Column("a", "float8"), "Invalid floating point format"),
        ("Yes", Column("a", "bool"), '"Yes"'),
        ("ja", Column("a", "bool"), "Unknown boolean format"),
        ("éé", NAME, '"éé"'),
        ("ééé", NAME, "String length exceeds DDL length"),
        ("abcde   ", NAME, '"abcde"'),
        ('a"b', NAME, '"a""b"'),
        ("\\N", NAME, ""),
        ("", NAME, '""'),
        (
            "é",
            Column("a", "bpchar", 5),
            "Multibyte character not supported for CHAR (Hint: try using VARCHAR). Invalid char: c3 a9",
        ),
        ("abcdef", Column("a", "bpchar", 5), "Char length exceeds DDL length"),
        ("00fF", Column("a", "bytea", 2), '"\\x00ff"'),
        ("00ff00", Column("a", "bytea", 2), "VARBYTE length exceeds DDL length"),
        ("0g", Column("a", "bytea", 2), "Invalid hexadecimal digits for VARBYTE"),
        ("", Column("a", "bytea", 2), ""),
        ('{"a": [1]}', Column("a", "jsonb"), '"{""a"": [1]}"'),
        ("{a: 1}", Column("a", "jsonb"), "Invalid JSON format for SUPER"),
    ],
)
def test_fields(value: str, column: Column, expected: str) -> None:
    assert one_field(value, column) == expected


@pytest.mark.parametrize(
    ("kind", "option", "given", "value", "expected"),
    [
        ("date", "date_format", "DD.MM.YYYY", "03.02.2021", '"2021-02-03 00:00:00"'),
        ("date", "date_format", "MON-DD-YYYY", "Feb-03-2021", '"2021-02-03 00:00:00"'),
        ("date", "date_format", "DD.MM.YYYY", "2021-02-03", "Invalid Date Format [DD.MM.YYYY]"),
        ("timestamp", "time_format", "MM/DD/YY HH24:MI:SS", "02/03/21 23:04:05.25", '"2021-02-03 23:04:05.250000"'),
        ("timestamp", "time_format", "YYYY-MM-DDTHH12:MI:SS AM", "2021-02-03T11:04:05 PM", '"2021-02-03 23:04:05"'),
        ("timestamp", "time_format", "epochsecs", "1600000000.5", '"2020-09-13 12:26:40.500000+00:00"'),
        ("timestamp", "time_format", "epochmillisecs", "1600000000123", '"2020-09-13 12:26:40.123000+00:00"'),
        ("timestamp", "time_format", "epochsecs", "soon", "Invalid timestamp format or value [epoch]"),
        ("timestamp", "time_format", "auto", "2021-02-03T04:05:06", '"2021-02-03T04:05:06"'),
    ],
)
def test_dates_by_format(kind: str, option: str, given: str, value: str, expected: str) -> None:
    assert one_field(value, Column("a", kind), **{option: given}) == expected


def test_an_unknown_format_part_is_named() -> None:
    with pytest.raises(SqlError, match="from 'QQ' on"):
        strptime_format("YYYY-QQ")


def test_records_over_several_lines_count_by_their_first_line() -> None:
    data = b'id,name\r\n1,"a\nb"\r\n2,"c"\r\nx,"d\ne"\r\n4\r\n5,f,g\r\n'
    rows, errors = read(data, [ID, NAME], ignore_header=1)
    assert rows == '"1","a\nb"\n"2","c"\n'
    assert errors == [
        (5, "id", "x", 1207, "Invalid digit, Value 'x', Pos 0, Type: Integer"),
        (7, "name", "", 1201, "Delimiter not found"),
        (8, "", "", 1202, "Extra column(s) found"),
    ]


def test_bad_bytes_and_bad_quotes_are_named() -> None:
    rows, errors = read(b'1,"ok"\n2,"b\xff\xfe"\n3,"a"b\n4,"open\n', [ID, NAME])
    assert rows == '"1","ok"\n'
    assert [(line, code) for line, _, _, code, _ in errors] == [(2, 1220), (3, 1216), (4, 1214)]
    assert "ff fe" in errors[0][4]


def test_it_stops_at_the_limit() -> None:
    _, errors = read(b"x,1\ny,2\nz,3\n", [ID, NAME], limit=2)
    assert [line for line, *_ in errors] == [1, 2]


def test_without_csv_a_quote_is_a_character() -> None:
    rows, errors = read(b'1|a"b\n2|\\N\n', [ID, NAME], file_format="text")
    assert (rows, errors) == ('"1","a""b"\n"2",\n', [])


def test_a_row_that_postgresql_rejected_is_left_out_with_its_reason() -> None:
    rejected = {2: ("name", FieldError(1206, "because"))}
    rows, errors = read(b"1,a\n2,b\n3,c\n", [ID, NAME], rejected=rejected)
    assert rows == '"1","a"\n"3","c"\n'
    assert errors == [(2, "name", "b", 1206, "because")]


def test_lines_of_the_written_csv_lead_back_to_the_files_lines() -> None:
    statement = CopyStatement(["t"], None, "b", "k", file_format="csv", ignore_header=1)
    checked = Checked("s3://b/k", statement, [ID, NAME], {}, 10)
    list(checked.batches(iter([b'id,name\nx,y\n1,"a\nb"\n2,c\n'])))
    assert [checked.file_line(line) for line in (1, 2, 3)] == [3, 3, 5]
