"""The SQL that Redshift gets, whole, load by load, and read by a parser of its dialect.

Set UPDATE_RENDERED=1 to write the files in rendered/redshift/ anew, and read the difference.
"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import sqlfluff

from warehouse import stage, target_sql
from warehouse.errors import LoadError
from warehouse.load_plan import Files, LoadColumn, LoadPlan, Method, Relation, match_names, unquote
from warehouse.manifest import Counts, KeyRange
from warehouse.redshift_sql import SQL_DIR, literal, quote
from warehouse.render import render_load

RENDERED = Path(__file__).parent / "rendered" / "redshift"
DAY = datetime(2021, 9, 17, 0, 5, 2, 123456, tzinfo=UTC)
ROLE = "IAM_ROLE 'arn:aws:iam::000000000000:role/redshift-copy'"
AUDIT = Relation("audit", "loads")
OPTIONS = ("MANIFEST", "FORMAT AS CSV", "NULL AS 'NULL_0123456789abcdef'", "DATEFORMAT 'auto'", "GZIP")


def manifest_files(number: int = 0, **facts: object) -> Files:
    files = Files(
        url=f"s3://lake/mysql/prod.nps/{number}/manifest.json",
        options=OPTIONS,
        load_id=f"0f9c4f0e-3c0c-4f1d-9d55-2f1f8a2f7c1{number}",
        parts=(f"s3://lake/mysql/prod.nps/{number}/part-00000.csv.gz",),
        source="prod.nps",
        extracted_at=DAY + timedelta(minutes=number),
        counts=Counts(rows=2, non_null={"id": 2, "amount": 1}, sums={"id": Decimal(3), "amount": None}),
        window=(DAY - timedelta(days=1), DAY),
    )
    return replace(files, **facts)  # type: ignore[arg-type]


NPS = LoadPlan(
    target=Relation("analytics", "nps"),
    audit=AUDIT,
    columns=(
        LoadColumn("id", "BIGINT"),
        LoadColumn("amount", "DECIMAL(12,2)"),
        LoadColumn("note", "VARCHAR(40)"),
        LoadColumn("updated_at", "TIMESTAMP"),
        LoadColumn("deleted", "SMALLINT"),
    ),
    written=("id", "amount", "note", "updated_at", "deleted"),
    files=(manifest_files(),),
    method=Method.UPSERT,
    key=("id",),
    order_key="updated_at",
    deleted_flag="deleted",
    stamped=True,
)
ODD = replace(
    NPS,
    target=Relation("My Schema", 'the "order"'),
    columns=(
        LoadColumn("Select", "INTEGER"),
        LoadColumn('a "b"', "VARCHAR(8)"),
        LoadColumn("100%", "SUPER"),
        LoadColumn("changed at", "TIMESTAMP"),
        LoadColumn("gone", "BOOLEAN"),
    ),
    written=("Select", 'a "b"', "100%", "changed at", "gone"),
    files=(manifest_files(counts=None, options=("MANIFEST", "FORMAT AS PARQUET"), url="s3://lake/it's/manifest.json"),),
    key=("Select", 'a "b"'),
    order_key="changed at",
    deleted_flag="gone",
)
WHOLE = [manifest_files(number, window=None) for number in (0, 1)]
RANGES = tuple(
    replace(files, key_range=KeyRange(column="id", lower=lower, upper=upper))
    for files, (lower, upper) in zip(WHOLE, ((None, 5), (5, None)), strict=True)
)
PREFIX = Files(url="s3://lake/nps/", options=("CSV",), load_id="ab" * 32, parts=("s3://lake/nps/1.csv",))
UNSTAMPED = replace(NPS, files=(PREFIX,), stamped=False)
BULK = replace(UNSTAMPED, key=(), order_key=None, deleted_flag=None)
READABLE = replace(
    NPS,
    columns=tuple(replace(column, personal=column.name == "note") for column in NPS.columns),
    grants=("role analysts", "group bi", 'user Jane "J"', "public"),
)
LOADS = {
    "upsert": render_load(NPS, ROLE, distkey="id", sortkey=("updated_at", "id"), loaded_by="dag run load -1"),
    "upsert_column_list": render_load(replace(NPS, written=("id", "amount", "updated_at")), ROLE),
    "upsert_empty": render_load(replace(NPS, files=(replace(NPS.files[0], parts=()),)), ROLE),
    "upsert_odd_names": render_load(ODD, ROLE),
    "upsert_files": render_load(UNSTAMPED, ROLE),
    "upsert_files_without_order": render_load(replace(UNSTAMPED, order_key=None), ROLE),
    "upsert_only_a_key": render_load(
        replace(UNSTAMPED, columns=NPS.columns[:1], written=("id",), order_key=None, deleted_flag=None), ROLE
    ),
    "refresh": render_load(replace(NPS, method=Method.REPLACE, files=(WHOLE[0],)), ROLE),
    "refresh_key_ranges": render_load(replace(NPS, method=Method.REPLACE, files=RANGES), ROLE),
    "append_files": render_load(replace(BULK, method=Method.APPEND), ROLE),
    "replace_files": render_load(replace(BULK, method=Method.REPLACE), ROLE),
    "refresh_grants": render_load(replace(READABLE, method=Method.REPLACE, files=(WHOLE[0],)), ROLE),
    "growth": [
        *target_sql.render_widen(NPS, [LoadColumn("note", "VARCHAR(80)")]),
        *target_sql.render_drop_live_view(NPS),
        *target_sql.render_add_columns(NPS, [LoadColumn("fresh", "DATE")], ["id", "note", "fresh"]),
    ],
    "renewed_view": target_sql.render_renew_live_view(
        READABLE, READABLE.shown(["id", "note", "deleted", "_manifest_id"])
    ),
    "looks": [
        *target_sql.render_target_columns(NPS.target),
        *target_sql.render_target_columns(Relation(None, "it's")),
        *target_sql.render_view_exists(NPS),
        *target_sql.render_live_columns(NPS),
        *target_sql.render_primary_key(NPS.target),
        *stage.render_null_keys(NPS, 1),
        *[(SQL_DIR / "load_errors.sql").read_text().strip()],
    ],
}


@pytest.mark.parametrize("name", LOADS)
def test_loads_are_what_a_dba_has_reviewed(name: str) -> None:
    path, text = RENDERED / f"{name}.sql", ";\n\n".join(LOADS[name]) + ";\n"
    if os.environ.get("UPDATE_RENDERED"):
        path.write_text(text)

    assert text == path.read_text()


@pytest.mark.parametrize("name", LOADS)
def test_a_parser_of_redshifts_dialect_reads_them(name: str) -> None:
    for statement in LOADS[name]:
        sqlfluff.parse(statement, dialect="redshift")  # raises where it cannot


def test_the_parser_refuses_what_is_no_sql() -> None:
    with pytest.raises(sqlfluff.api.APIParsingError):
        sqlfluff.parse("MERGE INTO a USING b WHEN MATCHED THEN NOTHING AT ALL", dialect="redshift")


def test_no_rendered_file_is_left_over() -> None:
    assert {path.stem for path in RENDERED.glob("*.sql")} == set(LOADS)


def test_every_template_is_rendered_or_read() -> None:
    code = "".join(path.read_text() for path in (SQL_DIR.parents[1] / "plugins" / "warehouse").glob("*.py"))
    assert [path.stem for path in SQL_DIR.glob("*.sql") if f'"{path.stem}"' not in code] == []


@pytest.mark.parametrize("name", ["upsert", "refresh", "append_files"])
def test_the_lock_comes_first_and_the_audit_row_last(name: str) -> None:
    statements = LOADS[name]
    begin = statements.index("BEGIN")
    assert "LOCK TABLE" in statements[begin + 1]
    assert statements[-1] == "COMMIT"
    assert 'INSERT INTO "audit"."loads"' in statements[-3]
    assert not any("TRUNCATE" in statement for statement in statements)  # it would commit


def test_names_and_literals() -> None:
    assert quote('a "b"') == '"a ""b"""'
    assert literal(r"it's C:\x") == r"'it''s C:\\x'"
    assert [unquote(name) for name in ('"a ""b"""', "plain", '"')] == ['a "b"', "plain", '"']
    assert match_names(["ID", '"Note"', "nope"], ["id", "note"]) == ("id", "note", "nope")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"key": ("nope",)}, "primary_key names 'nope', which the files do not have; they have id, amount"),
        ({"order_key": "nope"}, "order_key names 'nope'"),
        ({"deleted_flag": "note"}, r"deleted_flag 'note' is VARCHAR\(40\); a flag is a whole number or a BOOLEAN"),
        ({"written": ("amount", "updated_at")}, "column_list leaves out 'id'; key and order_key must be in it"),
    ],
)
def test_a_plan_that_contradicts_itself_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(LoadError, match=message):
        replace(NPS, **change)  # type: ignore[arg-type]
