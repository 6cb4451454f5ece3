"""What can stand in any statement: names, strings, casts, functions."""

import pytest

from services.redshift.dialect.context import Context
from services.redshift.errors import SqlError
from tests.unit.redshift_service.rewriting import rewritten

UNCHANGED = [
    "SELECT a, b AS c FROM s.t WHERE a IN (1, 2) AND b LIKE 'x%' ORDER BY 1",
    "WITH len (a) AS (SELECT 1) SELECT a FROM len",
    "INSERT INTO len (a, b) VALUES (1, 'x')",
    "UPDATE t SET a = t.a + 1 WHERE s.len = 3",
    "DELETE FROM t USING s WHERE t.a = s.a",
    "SELECT 'dateadd(day, 1, x)', \"sysdate\" FROM t",
    "SELECT a::bigint, b::date, count(*) FROM t GROUP BY 1, 2",
    "SELECT rank() OVER (PARTITION BY a ORDER BY b DESC NULLS LAST) FROM t",
]

REWRITES = [
    ('SELECT "MyCol" FROM "Sch"."T""x"', 'SELECT "mycol" FROM "sch"."t""x"'),
    ("SELECT #a.x FROM #A", 'SELECT "#a".x FROM "#a"'),
    ("SELECT 'a\\001b', 'c'", "SELECT 'a\001b', 'c'"),
    ("SELECT 'a\\\\b'", "SELECT E'a\\\\b'"),
    ("SELECT a::decimal, b::numeric(10, 2), c::varchar", "SELECT a::numeric(18,0), b::numeric(10,2), c::varchar"),
    (
        "SELECT a::varchar(max), b::nvarchar(5), c::double precision",
        "SELECT a::varchar(65535), b::varchar(5), c::double precision",
    ),
    ("SELECT CAST(a AS decimal), CAST(b AS text)", "SELECT CAST(a AS numeric(18,0)), CAST(b AS varchar)"),
    ("SELECT CONVERT(integer, a + 1)", "SELECT CAST((a + 1) AS integer)"),
    ("SELECT SYSDATE, t.sysdate", "SELECT pg_redshift.sysdate(), t.sysdate"),
    ("SELECT GETDATE()", "SELECT pg_redshift.getdate()"),
    ("SELECT DATEADD(mons, -1, d)", "SELECT pg_redshift.date_add('month', -1, d)"),
    ("SELECT dateadd('hours', 1, '2020-01-01')", "SELECT pg_redshift.date_add('hour', 1, '2020-01-01'::timestamp)"),
    ("SELECT DATEDIFF(qtr, a, '2020-01-01')", "SELECT pg_redshift.date_diff('quarter', a, '2020-01-01'::timestamp)"),
    ("SELECT DATE_PART(dow, a)", "SELECT pg_redshift.date_part('dow', a)"),
    ("SELECT EXTRACT(epoch FROM a - b)", "SELECT pg_redshift.extract_part('epoch', a - b)"),
    ("SELECT NVL(a, b, 0)", "SELECT COALESCE(a, b, 0)"),
    ("SELECT NVL2(a, 'x', 'y')", "SELECT CASE WHEN (a) IS NOT NULL THEN ('x') ELSE ('y') END"),
    (
        "SELECT DECODE(a, 1, 'one', NULL, 'none', 'many')",
        "SELECT CASE WHEN (a) IS NOT DISTINCT FROM (1) THEN ('one') "
        "WHEN (a) IS NOT DISTINCT FROM (NULL) THEN ('none') ELSE ('many') END",
    ),
    ("SELECT DECODE(a, 1, 2)", "SELECT CASE WHEN (a) IS NOT DISTINCT FROM (1) THEN (2) ELSE NULL END"),
    ("SELECT MEDIAN(a)", "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY (a))"),
    ("SELECT AVG(a) OVER (PARTITION BY b)", "SELECT pg_redshift.avg(a) OVER (PARTITION BY b)"),
    ("SELECT LISTAGG(a, ',') FROM t", "SELECT pg_redshift.listagg(a, ',') FROM t"),
    (
        "SELECT LISTAGG(DISTINCT a, ',') WITHIN GROUP (ORDER BY a DESC) AS x FROM t",
        "SELECT pg_redshift.listagg(DISTINCT a, ',' ORDER BY a DESC) AS x FROM t",
    ),
    ("SELECT 1 MINUS SELECT 2", "SELECT 1 EXCEPT SELECT 2"),
    ("SELECT a INTO #b FROM c", 'SELECT a INTO TEMP "#b" FROM c'),
]


@pytest.mark.parametrize("sql", UNCHANGED)
def test_what_means_the_same_stays(sql: str) -> None:
    assert rewritten(sql) == sql


@pytest.mark.parametrize(("sql", "expected"), REWRITES)
def test_rewrites(sql: str, expected: str) -> None:
    assert rewritten(sql) == expected


def test_rewrites_reach_into_each_other() -> None:
    assert rewritten("SELECT NVL(LEN(DECODE(a, 1, '\\\\')), 0)") == (
        "SELECT COALESCE(pg_redshift.len(CASE WHEN (a) IS NOT DISTINCT FROM (1) THEN (E'\\\\') ELSE NULL END), 0)"
    )


def test_names_keep_their_case_when_the_session_says_so() -> None:
    assert rewritten('SELECT "MyCol"', Context(fold=False)) == 'SELECT "MyCol"'


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT DATEADD(fortnight, 1, d)", '"fortnight" is not a date part'),
        ("SELECT DATEDIFF(day, a)", "takes 3 arguments: 2 given"),
        ("SELECT NVL2(a, b)", "nvl2 takes other arguments"),
        ("SELECT LISTAGG(a) WITHIN GROUP (ORDER BY a) OVER (PARTITION BY b)", "LISTAGG as a window function"),
        ("SELECT a::super", "a cast to SUPER"),
        ("SELECT CAST(a AS varbyte)", "a cast to VARBYTE"),
        ("SELECT a::json", '"json" does not exist in Redshift'),
        ("SELECT a::decimal(39, 2)", "precision 39 must be between 1 and 38"),
        ("SELECT a::varchar(65536)", "between 1 and 65535"),
    ],
)
def test_errors_name_what_is_wrong(sql: str, message: str) -> None:
    with pytest.raises(SqlError) as raised:
        rewritten(sql)
    assert message in raised.value.message
