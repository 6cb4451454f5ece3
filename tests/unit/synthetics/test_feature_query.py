"""Front matter of feature queries: what is accepted, and how what is not is named."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from synthetics.feature_query import FeatureQueryError, read_feature_query

SQL_FEATURES = Path(__file__).resolve().parents[3] / "sql" / "features"
FRONT = """\
/* ---
description: One row per guest
entity_key: guest_id
quasi_identifiers: [age, city]
sensitive: []
--- */
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "guests.sql"
    path.write_text(text, encoding="utf-8")
    return path


def test_reads_every_field(tmp_path: Path) -> None:
    path = written(tmp_path, FRONT + "\n-- guests\nSELECT guest_id, age, city FROM guests\n")
    query = read_feature_query(path)
    assert (query.name, query.path, query.first_line) == ("guests", path, 8)
    assert (query.description, query.entity_key) == ("One row per guest", "guest_id")
    assert (query.quasi_identifiers, query.sensitive) == (("age", "city"), ())
    assert query.sql == "-- guests\nSELECT guest_id, age, city FROM guests"
    assert path.read_text(encoding="utf-8").splitlines()[query.first_line - 1] == query.sql.splitlines()[0]
    assert query.sha256 == hashlib.sha256(query.sql.encode()).hexdigest()


@pytest.mark.parametrize("value", ["no", "on", "1"])
def test_names_that_yaml_would_turn_into_other_types_stay_names(tmp_path: Path, value: str) -> None:
    path = written(tmp_path, FRONT.replace("[age, city]", f"[{value}]") + "SELECT 1 AS guest_id")
    assert read_feature_query(path).quasi_identifiers == (value,)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT 1;", "SELECT 1"),
        ("SELECT 1 ;\n-- the end;\n", "SELECT 1"),
        ("with a as (select 1) select * from a", "with a as (select 1) select * from a"),
        ("SELECT ';' AS a, \"b;c\" FROM t -- d;", "SELECT ';' AS a, \"b;c\" FROM t -- d;"),
        ("SELECT $$a;b$$, $tag$;$tag$, E'it\\'s;'", "SELECT $$a;b$$, $tag$;$tag$, E'it\\'s;'"),
        ("/* a; b */ SELECT 'it''s' WHERE a = 'x'", "/* a; b */ SELECT 'it''s' WHERE a = 'x'"),
        ("{# c; #}{% if params.x %}SELECT 1{% endif %};", "{# c; #}{% if params.x %}SELECT 1{% endif %}"),
    ],
)
def test_one_select_is_accepted_without_its_semicolon(tmp_path: Path, sql: str, expected: str) -> None:
    assert read_feature_query(written(tmp_path, FRONT + sql)).sql == expected


def test_rendering_fills_in_parameters(tmp_path: Path) -> None:
    query = read_feature_query(written(tmp_path, FRONT + "SELECT 1\nLIMIT {{ params.row_limit }};"))
    rendered = query.render({"params": {"row_limit": 12}})
    assert rendered.sql == "SELECT 1\nLIMIT 12"
    assert rendered.sha256 != query.sha256
    assert (rendered.path, rendered.first_line, rendered.entity_key) == (query.path, query.first_line, "guest_id")


@pytest.mark.parametrize(
    ("sql", "context", "line", "problem"),
    [
        ("SELECT 1\nLIMIT {{ params.row_limit }}", {"params": {}}, 7, "'dict object' has no attribute 'row_limit'"),
        ("SELECT 1\nLIMIT {{ limit }}", {}, 7, "'limit' is undefined"),
        ("SELECT 1\nLIMIT {{ }}", {}, 8, "the template is wrong"),
        ("SELECT 1 LIMIT {{ params.n }}", {"params": {"n": "1;\nDROP TABLE guests"}}, 7, "found a second statement"),
    ],
)
def test_rendering_errors_name_file_line_and_problem(
    tmp_path: Path, sql: str, context: dict[str, object], line: int, problem: str
) -> None:
    path = written(tmp_path, FRONT + sql)
    with pytest.raises(FeatureQueryError) as caught:
        read_feature_query(path).render(context)
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("SELECT 1", 1, "found no front matter"),
        (FRONT.replace("--- */", "*/") + "SELECT 1", 1, "found no front matter"),
        ("/* ---\njust words\n--- */ SELECT 1", 2, "the front matter holds no keys"),
        (FRONT.replace("[age, city]", "[age, city") + "SELECT 1", 5, "the front matter is not YAML"),
        (FRONT.replace("sensitive: []\n", "") + "SELECT 1", 2, "the key 'sensitive' is missing"),
        (FRONT.replace("entity_key", "entity_id") + "SELECT 1", 3, "found the key 'entity_id'; expected only"),
        (FRONT.replace("sensitive: []", "entity_key: a") + "SELECT 1", 5, "found the key 'entity_key' a second time"),
        (FRONT.replace("guest_id", "[a, b]") + "SELECT 1", 3, "found entity_key: a list; expected one column"),
        (FRONT.replace("guest_id", "''") + "SELECT 1", 3, "found entity_key: ''; expected one column"),
        (FRONT.replace("[age, city]", "age") + "SELECT 1", 4, "found quasi_identifiers: 'age'; expected a list"),
        (FRONT.replace("[age, city]", "[age, {a: b}]") + "SELECT 1", 4, "expected a list of columns"),
        (FRONT.replace("[age, city]", "[age, age]") + "SELECT 1", 4, "expected each column once"),
        (FRONT.replace("sensitive: []", "sensitive: [guest_id]") + "SELECT 1", 5, "sensitive names the entity key"),
        (FRONT + "DELETE FROM guests", 7, "found 'DELETE'; expected one SELECT"),
        (FRONT + "\n\n-- nothing", 9, "found 'nothing'; expected one SELECT"),
        (FRONT + "SELECT 1;\nDROP TABLE guests", 7, "found a second statement"),
    ],
)
def test_errors_name_file_line_and_problem(tmp_path: Path, text: str, line: int, problem: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(FeatureQueryError) as caught:
        read_feature_query(path)
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert problem in str(caught.value)


def test_unreadable_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(FeatureQueryError, match=r"nowhere\.sql: cannot be read"):
        read_feature_query(tmp_path / "nowhere.sql")
    latin = tmp_path / "latin.sql"
    latin.write_bytes(FRONT.encode() + b"SELECT '\xe9'")
    with pytest.raises(FeatureQueryError, match=r"latin\.sql: cannot be read as UTF-8"):
        read_feature_query(latin)


def test_the_shipped_query_is_about_users() -> None:
    rollups = read_feature_query(SQL_FEATURES / "session_rollups__by_user.sql")
    assert rollups.entity_key == "user_id"
    assert rollups.render({"params": {"row_limit": 5}}).sql.endswith("LIMIT 5")
