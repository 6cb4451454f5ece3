"""Which statements there are, what PostgreSQL is sent for them, and what is refused by name."""

import pytest

from services.redshift.dialect.statements import Action
from services.redshift.errors import SqlError
from tests.unit.redshift_service.rewriting import planned, rewritten


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("BEGIN", "BEGIN"),
        ("start transaction isolation level serializable read write", "BEGIN"),
        ("BEGIN WORK READ ONLY", "BEGIN READ ONLY"),
        ("END TRANSACTION", "COMMIT"),
        ("ABORT", "ROLLBACK"),
        ("LOCK TABLE a, S.b", 'LOCK TABLE "a", "s"."b"'),
        ("TRUNCATE TABLE s.t", 'TRUNCATE "s"."t"'),
        ("SET search_path TO a, b", "SET search_path TO a, b"),
        ("SET SESSION query_group = 'x'", "SET redshift.query_group TO 'x'"),
        ("SET TIME ZONE 'UTC'", "SET TIME ZONE 'UTC'"),
        ("RESET query_group", "RESET redshift.query_group"),
        (
            "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE",
            "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        ),
        ("SHOW search_path", "SHOW search_path"),
        ("SHOW query_group", "SELECT current_setting('redshift.query_group', true) AS \"query_group\""),
        ("ANALYZE t PREDICATE COLUMNS", 'ANALYZE "t"'),
        ("VACUUM SORT ONLY s.t TO 75 PERCENT BOOST", 'VACUUM "s"."t"'),
        ("VACUUM", "VACUUM"),
        ("GRANT SELECT (a, b) ON t TO ROLE x", "GRANT SELECT (a, b) ON t TO x"),
        ("GRANT ROLE x TO jane", "GRANT x TO jane"),
        ("REVOKE ROLE x FROM ROLE y", "REVOKE x FROM y"),
        ("REVOKE ALL ON SCHEMA s FROM GROUP g", "REVOKE ALL ON SCHEMA s FROM GROUP g"),
        ("EXPLAIN SELECT NVL(1, 2)", "EXPLAIN SELECT COALESCE(1, 2)"),
        (
            "CREATE OR REPLACE VIEW v AS SELECT NVL(a, 1) FROM t",
            "CREATE OR REPLACE VIEW v AS SELECT COALESCE(a, 1) FROM t",
        ),
        (
            "CREATE OR REPLACE VIEW s.v AS WITH x AS (SELECT 1) SELECT NVL(a, 1) FROM s.t JOIN x"
            " WITH NO SCHEMA BINDING",
            "DO 'BEGIN PERFORM pg_redshift.create_late_binding_view(''\"s\".\"v\"'', "
            "''WITH x AS (SELECT 1) SELECT COALESCE(a, 1) FROM s.t JOIN x'', True); END'",
        ),
        ('DROP TABLE IF EXISTS "A", #b CASCADE', 'DROP TABLE IF EXISTS "a", "#b" CASCADE'),
        ('DECLARE "c" CURSOR FOR SELECT GETDATE()', 'DECLARE "c" CURSOR FOR SELECT pg_redshift.getdate()'),
        ("SELECT now()", "SELECT now()"),
        ("SELECT relname[1] FROM pg_catalog.pg_class", "SELECT relname[1] FROM pg_catalog.pg_class"),
    ],
)
def test_rewrites(sql: str, expected: str) -> None:
    assert rewritten(sql) == expected


def test_truncate_is_known_to_commit_and_copy_to_be_run_here() -> None:
    assert planned("TRUNCATE t").action is Action.TRUNCATE
    assert planned("COPY t FROM 's3://b/k' IAM_ROLE DEFAULT").action is Action.COPY
    assert planned("DELETE FROM t").action is Action.FORWARD


@pytest.mark.parametrize(
    ("sql", "case_sensitive"),
    [
        ("SET enable_case_sensitive_identifier TO true", True),
        ("SET enable_case_sensitive_identifier = 'off'", False),
        ("RESET enable_case_sensitive_identifier", False),
        ("RESET ALL", False),
        ("SET query_group TO 'true'", None),
    ],
)
def test_case_sensitivity_is_the_sessions(sql: str, case_sensitive: bool | None) -> None:
    assert planned(sql).case_sensitive is case_sensitive


REFUSED = [
    ("INSERT INTO t VALUES (1) ON CONFLICT (a) DO NOTHING", "ON CONFLICT"),
    ("INSERT INTO t VALUES (1) RETURNING a", "RETURNING"),
    ("DELETE FROM t RETURNING *", "RETURNING"),
    ("SELECT a FROM t FOR UPDATE", "FOR UPDATE"),
    ("SELECT DISTINCT ON (a) a FROM t", "DISTINCT ON"),
    ("SELECT a IS DISTINCT FROM b FROM t", "IS DISTINCT FROM"),
    ("SELECT ARRAY[1, 2]", "arrays and subscripts"),
    ("SELECT (a)[1] FROM t", "arrays and subscripts"),
    ("SELECT array_agg(a) FROM t", "array_agg()"),
    ("SELECT string_agg(a, ',') FROM t", "string_agg()"),
    ("SELECT count(*) FILTER (WHERE a) FROM t", "FILTER"),
    ("SELECT * FROM (VALUES (1)) AS v", "VALUES"),
    ("SELECT * FROM t, LATERAL (SELECT 1) AS x", "LATERAL"),
    ("SELECT * FROM t TABLESAMPLE SYSTEM (1)", "TABLESAMPLE"),
    ("SELECT generate_series FROM generate_series(1, 3)", "GENERATE_SERIES"),
    ("INSERT INTO t SELECT now()", "NOW"),
    ("INSERT INTO t VALUES (CURRENT_TIMESTAMP)", "CURRENT_TIMESTAMP"),
    ("SELECT pg_sleep(1)", "pg_sleep()"),
    ("CREATE INDEX i ON t (a)", "CREATE INDEX"),
    ("CREATE UNIQUE INDEX i ON t (a)", "CREATE UNIQUE"),
    ("CREATE SEQUENCE s", "CREATE SEQUENCE"),
    ("CREATE TRIGGER x", "CREATE TRIGGER"),
    ("CREATE TYPE x AS ENUM ('a')", "CREATE TYPE"),
    ("CREATE EXTENSION hstore", "CREATE EXTENSION"),
    ("SAVEPOINT a", "savepoints"),
    ("ROLLBACK TO SAVEPOINT a", "savepoints"),
    ("RELEASE SAVEPOINT a", "savepoints"),
    ("LOCK TABLE t IN SHARE MODE", "ACCESS EXCLUSIVE"),
    ("LOCK t NOWAIT", "ACCESS EXCLUSIVE"),
    ("TRUNCATE a, b", "one table"),
    ("TRUNCATE a CASCADE", "one table"),
    ("EXPLAIN ANALYZE SELECT 1", "EXPLAIN ANALYZE"),
    ("SET work_mem TO '1GB'", '"work_mem"'),
    ("COPY t FROM STDIN", "COPY FROM STDIN"),
    ("COPY t TO STDOUT", "COPY loads from S3 only"),
    ("LISTEN x", "LISTEN"),
    ("CREATE VIEW v AS SELECT * FROM (SELECT a FROM t) x WITH NO SCHEMA BINDING", "should be qualified"),
    ("DO 'x'", "DO"),
    ("VALUES (1)", "VALUES"),
]

NOT_PROVIDED = [
    ("UNLOAD ('SELECT 1') TO 's3://x'", "UNLOAD"),
    ("CREATE EXTERNAL TABLE s.t (a INT)", "CREATE EXTERNAL"),
    ("CREATE MATERIALIZED VIEW v AS SELECT 1", "CREATE MATERIALIZED"),
    ("CREATE OR REPLACE PROCEDURE p() AS $$ $$ LANGUAGE plpgsql", "CREATE OR"),
    ("CALL p()", "CALL"),
    ("SELECT TOP 3 a FROM t", "SELECT TOP"),
    ("SELECT LAG(a) IGNORE NULLS OVER (ORDER BY b) FROM t", "IGNORE NULLS"),
    ("SELECT APPROXIMATE COUNT(DISTINCT a) FROM t", "APPROXIMATE COUNT"),
    ("SHOW TABLES FROM SCHEMA a.b", "SHOW TABLES"),
    ("ANALYZE COMPRESSION t", "ANALYZE COMPRESSION"),
]


@pytest.mark.parametrize(("sql", "name"), REFUSED)
def test_what_redshift_refuses_is_refused_by_name(sql: str, name: str) -> None:
    with pytest.raises(SqlError) as raised:
        planned(sql)
    assert name in raised.value.message
    assert "stand-in (Redshift has it)" not in raised.value.message


@pytest.mark.parametrize(("sql", "name"), NOT_PROVIDED)
def test_what_only_this_stand_in_lacks_says_so(sql: str, name: str) -> None:
    with pytest.raises(SqlError) as raised:
        planned(sql)
    assert raised.value.message.startswith(name)
    assert "stand-in (Redshift has it)" in raised.value.message


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 'on conflict', \"returning\" FROM t",
        "SELECT t.now, string_agg FROM t",
        "SELECT * FROM t JOIN conflict ON conflict.a = t.a",
        "SELECT substring('abc' FROM 2 FOR 1)",
        "INSERT INTO t (filter) VALUES (1), (2)",
    ],
)
def test_words_are_refused_only_where_they_mean_it(sql: str) -> None:
    assert rewritten(sql) == sql
