"""QUALIFY."""

import pytest

from services.redshift.errors import SqlError
from tests.unit.redshift_service.rewriting import rewritten

FIRST = "row_number() OVER (PARTITION BY a ORDER BY b DESC) = 1"


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (
            f"SELECT * FROM t AS x QUALIFY {FIRST}",
            f"SELECT * FROM t AS x ORDER BY pg_redshift.qualify({FIRST})",
        ),
        (
            f"SELECT * FROM t WHERE c QUALIFY {FIRST} ORDER BY b LIMIT 3",
            f"SELECT * FROM t WHERE c ORDER BY b, pg_redshift.qualify({FIRST}) LIMIT 3",
        ),
        (
            f"INSERT INTO u SELECT * FROM t WHERE true QUALIFY {FIRST}",
            f"INSERT INTO u SELECT * FROM t WHERE true ORDER BY pg_redshift.qualify({FIRST})",
        ),
        (
            f"SELECT 1 UNION ALL SELECT b FROM t x QUALIFY {FIRST} UNION SELECT 2",
            f"SELECT 1 UNION ALL (SELECT b FROM t x ORDER BY pg_redshift.qualify({FIRST})) UNION SELECT 2",
        ),
        (
            f"SELECT a FROM (SELECT * FROM t x QUALIFY {FIRST}) AS y WHERE a > 1",
            f"SELECT a FROM (SELECT * FROM t x ORDER BY pg_redshift.qualify({FIRST})) AS y WHERE a > 1",
        ),
        (
            "SELECT a, rank() OVER (ORDER BY b) AS r FROM t x QUALIFY R <= 2 AND x.r > 0",
            "SELECT a, rank() OVER (ORDER BY b) AS r FROM t x "
            "ORDER BY pg_redshift.qualify((rank() OVER (ORDER BY b)) <= 2 AND x.r > 0)",
        ),
        (
            f"WITH n AS (SELECT * FROM t x QUALIFY {FIRST}) SELECT a, count(*) FROM n GROUP BY a "
            "HAVING count(*) > 1 QUALIFY rank() OVER (ORDER BY count(*)) = 1",
            f"WITH n AS (SELECT * FROM t x ORDER BY pg_redshift.qualify({FIRST})) SELECT a, count(*) FROM n GROUP BY a "
            "HAVING count(*) > 1 ORDER BY pg_redshift.qualify(rank() OVER (ORDER BY count(*)) = 1)",
        ),
    ],
)
def test_it_becomes_a_sort_key(sql: str, expected: str) -> None:
    assert rewritten(sql) == expected


@pytest.mark.parametrize("relation", ["t", "s.t", "a JOIN s.t", "a, t"])
def test_redshift_takes_it_for_an_alias_behind_a_bare_relation(relation: str) -> None:
    with pytest.raises(SqlError, match="needs an alias"):
        rewritten(f"SELECT * FROM {relation} QUALIFY {FIRST}")


def test_with_distinct_it_is_not_provided() -> None:
    with pytest.raises(SqlError, match="QUALIFY in a SELECT DISTINCT"):
        rewritten(f"SELECT DISTINCT a FROM t x QUALIFY {FIRST}")
