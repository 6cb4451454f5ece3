"""MERGE, and each of Redshift's limits."""

import pytest

from services.redshift.errors import SqlError
from tests.unit.redshift_service.rewriting import rewritten

UPDATE = "WHEN MATCHED THEN UPDATE SET a = s.a"
INSERT = "WHEN NOT MATCHED THEN INSERT (id, a) VALUES (s.id, s.a)"


def test_it_is_checked_to_read_a_table() -> None:
    assert rewritten(f"MERGE INTO x.t USING #s AS s ON t.id = s.id AND t.k = s.k {UPDATE} {INSERT}") == (
        'MERGE INTO "x"."t" USING "#s" AS "s" '
        "ON pg_redshift.merge_source('\"#s\"'::regclass) AND (t.id = s.id AND t.k = s.k) "
        f"{UPDATE} {INSERT}"
    )


def test_delete_and_expressions() -> None:
    sql = f"MERGE INTO t USING s ON t.id = s.id WHEN MATCHED THEN DELETE {INSERT}"
    assert rewritten(sql).endswith(f"WHEN MATCHED THEN DELETE {INSERT}")
    case = "WHEN MATCHED THEN UPDATE SET a = CASE WHEN s.a > t.a THEN NVL(s.a, 0) ELSE t.a END, b = s.b"
    assert "COALESCE(s.a, 0)" in rewritten(f"MERGE INTO t USING s ON t.id = s.id {case} {INSERT}")


def test_remove_duplicates_replaces_the_matching_rows() -> None:
    assert rewritten("MERGE INTO t USING s ON t.id = s.id REMOVE DUPLICATES") == (
        'WITH replaced AS (DELETE FROM "t" USING "s" '
        "WHERE pg_redshift.merge_source('\"s\"'::regclass) AND (t.id = s.id)) "
        'INSERT INTO "t" SELECT * FROM "s"'
    )


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        (f"MERGE INTO t AS x USING s ON x.id = s.id {UPDATE} {INSERT}", "the target table takes no alias"),
        (f"MERGE INTO t x USING s ON x.id = s.id {UPDATE} {INSERT}", "the target table takes no alias"),
        (f"MERGE INTO t USING (SELECT 1 AS id) AS s ON t.id = s.id {UPDATE} {INSERT}", "not a subquery"),
        (f"MERGE INTO t USING s ON t.id > s.id {UPDATE} {INSERT}", "only compare columns with = and AND"),
        (f"MERGE INTO t USING s ON (t.id = s.id OR t.a = s.a) {UPDATE} {INSERT}", "holds OR"),
        (f"MERGE INTO t USING s ON t.id = s.id AND s.a IS NULL {UPDATE} {INSERT}", "holds IS"),
        (f"MERGE INTO t USING s ON t.id = s.id {UPDATE}", "WHEN NOT MATCHED"),
        (f"MERGE INTO t USING s ON t.id = s.id {INSERT}", "needs WHEN MATCHED"),
        (f"MERGE INTO t USING s ON t.id = s.id {INSERT} {UPDATE}", "needs WHEN MATCHED"),
        (f"MERGE INTO t USING s ON t.id = s.id {UPDATE} {INSERT} {INSERT}", "one WHEN MATCHED and one"),
        (f"MERGE INTO t USING s ON t.id = s.id WHEN MATCHED AND s.a = 1 THEN DELETE {INSERT}", "AND condition"),
        (f"MERGE INTO t USING s ON t.id = s.id WHEN MATCHED THEN DO NOTHING {INSERT}", "only UPDATE or DELETE"),
        (f"MERGE INTO t USING s ON t.id = s.id {UPDATE} WHEN NOT MATCHED THEN DO NOTHING", "only INSERT"),
        (f"MERGE INTO t USING s ON t.id = s.id WHEN MATCHED THEN UPDATE SET t.a = s.a {INSERT}", "table's name"),
        (f"MERGE INTO t USING s ON t.id = s.id WHEN MATCHED THEN UPDATE SET (a) = (1) {INSERT}", "UPDATE SET (a, b)"),
        (f"MERGE INTO t USING s ON t.id = s.id {UPDATE} {INSERT} RETURNING id", "RETURNING"),
    ],
)
def test_what_redshift_refuses(sql: str, message: str) -> None:
    with pytest.raises(SqlError) as raised:
        rewritten(sql)
    assert message in raised.value.message
