"""Redshift's lexical rules."""

import pytest

from services.redshift.dialect.tokens import literal, render, split, string_value, tokenize, tree
from services.redshift.errors import SqlError


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 'a; b', \"c;\"\"d\", $$it's; $$, $x$ $$ $x$ FROM t -- ; comment '\n WHERE a /* ; /* nested */ ' */ = 1",
        "SELECT 'l\\'auto', 'back\\\\', '''' || 'a''b'",
        "SELECT 1.5e-3::float8, .5, $1, a[1], x.y, -2, a||b, a<>b, a!=b, a~*'x'",
        "SELECT f(g(1, (2)), ')') FROM \"ü\"",
    ],
)
def test_text_survives_the_way_through_the_tree(sql: str) -> None:
    (statement,) = split(sql)
    assert render(tree(statement)) == sql


def test_semicolons_split_only_outside_strings_identifiers_and_comments() -> None:
    sql = "SELECT ';', \";\" /* ; */ -- ;\n; ; SELECT $$;$$;"
    assert [[token.text for token in statement] for statement in split(sql)] == [
        ["SELECT", "';'", ",", '";"'],
        ["SELECT", "$$;$$"],
    ]


def test_a_hash_before_a_name_makes_a_temporary_table_and_is_an_operator_otherwise() -> None:
    tokens, _ = tokenize("SELECT #stage.id # 3 FROM #stage")
    assert [token.text for token in tokens if "#" in token.text] == ["#stage", "#", "#stage"]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("'a''b'", "a'b"),
        ("'a\\'b'", "a'b"),
        ("'tab\\tnew\\nline'", "tab\tnew\nline"),
        ("'\\001'", "\x01"),
        ("'\\\\N'", "\\N"),
        ("'\\N'", "N"),
        ("$$a'b\\n$$", "a'b\\n"),
        ("$q$a$$b$q$", "a$$b"),
    ],
)
def test_values_of_strings(written: str, value: str) -> None:
    ((token, *_), _) = tokenize(written)
    assert string_value(token) == value


@pytest.mark.parametrize("value", ["plain", "it's", "back\\slash", "\\'", "line\nbreak"])
def test_literals_for_postgresql(value: str) -> None:
    text = literal(value)
    if "\\" in value:
        assert text == "E'" + value.replace("'", "''").replace("\\", "\\\\") + "'"
    else:
        assert text == "'" + value.replace("'", "''") + "'"


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT 'open", "unterminated quoted string"),
        ('SELECT "open', "unterminated quoted identifier"),
        ("SELECT /* /* */", "unterminated /* comment"),
        ("SELECT $$ open", "unterminated dollar-quoted string"),
        ("SELECT e'\\n'", "escape strings"),
        ("SELECT `a`", 'syntax error at or near "`"'),
    ],
)
def test_what_cannot_be_read(sql: str, message: str) -> None:
    with pytest.raises(SqlError, match=message.replace("*", r"\*")):
        tokenize(sql)


@pytest.mark.parametrize("sql", ["SELECT (1", "SELECT 1)", "SELECT ((1)"])
def test_parentheses_must_match(sql: str) -> None:
    with pytest.raises(SqlError, match="syntax error"):
        tree(split(sql)[0])
