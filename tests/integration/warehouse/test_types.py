"""Every MySQL type from the server's column to the value that Redshift gets, in all formats."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.integration.warehouse.conftest import Lake, Source
from tests.support.mysql_types import CASES, FORMATS, JSON, MARIADB_CASES, Case, fill, moment
from warehouse.config import TableConfig
from warehouse.errors import ConfigError, SourceDataError
from warehouse.extract import Written

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("case", [*CASES, *MARIADB_CASES], ids=lambda case: case.name)
def test_values_arrive_exactly(
    case: Case,
    source: Source,
    lake: Lake,
    configure: Callable[..., TableConfig],
    extract: Callable[..., Written],
) -> None:
    expected = fill(source, case)
    nulls = sum(value is None for value in expected.values())

    for output, keys in FORMATS.items():
        written = extract(configure("t", types=case.choice, **keys))

        about = lake.manifest(written)["extract"]
        found = {row[0]: row[1] for row in lake.rows(written)}
        assert (output, found) == (output, expected)
        assert list(map(repr, found.values())) == list(map(repr, expected.values()))  # types and decimal places too
        assert about["columns"][1]["type"] == case.type
        assert about["counts"]["non_null"]["v"] == len(expected) - nulls
        assert about["counts"]["zero_dates"] == ({"v": nulls - 1} if nulls > 1 else {})


@pytest.mark.parametrize(("ddl", "choice"), [("json", {}), ("longtext", {"v": "super"})])
def test_json_becomes_super(
    ddl: str,
    choice: dict[str, str],
    source: Source,
    lake: Lake,
    configure: Callable[..., TableConfig],
    extract: Callable[..., Written],
) -> None:
    fill(source, Case(ddl, "SUPER", JSON))

    written = extract(configure("t", types=choice))

    assert lake.manifest(written)["extract"]["columns"][1]["type"] == "SUPER"
    assert lake.manifest(written)["extract"]["counts"]["non_null"]["v"] == len(JSON)  # JSON's null is a value
    assert [row[1] for row in sorted(lake.rows(written))] == [*JSON.values(), None]


def test_json_as_text_keeps_every_character(
    source: Source, lake: Lake, configure: Callable[..., TableConfig], extract: Callable[..., Written]
) -> None:
    fill(source, Case("json", "VARCHAR(65535)", {"""'{ "b":1.0,  "a":2 }'""": None}))

    written = extract(configure("t", types={"v": "varchar"}, format="parquet"))

    assert [row[1] for row in sorted(lake.rows(written))] == ['{ "b":1.0,  "a":2 }', None]


REFUSED = {
    "geometry": ("geometry", {}, "column 'v': type geometry has no counterpart"),
    "point": ("point", {}, "type point has no counterpart"),
    "decimal(65,30)": ("decimal(65,30)", {}, r"decimal\(65,30\) has more digits than Redshift's DECIMAL\(38,37\)"),
    "decimal(38,38)": ("decimal(38,38)", {}, "has more digits"),
    "varchar for int": ("int", {"types": {"v": "varchar"}}, r"types: \{v: varchar\} does not apply to int"),
    "super for int": ("int", {"types": {"v": "super"}}, "does not apply"),
    "json in parquet": ("json", {"format": "parquet"}, "JSON cannot be loaded from Parquet"),
    "mask of a number": ("int", {"pii": {"v": "last4"}}, "pii last4 is for text, and this is int"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_mapped_is_refused_by_name(
    what: str, source: Source, lake: Lake, configure: Callable[..., TableConfig], extract: Callable[..., Written]
) -> None:
    ddl, keys, message = REFUSED[what]
    fill(source, Case(ddl, "", {}))

    with pytest.raises(ConfigError, match=message):
        extract(configure("t", **keys))

    assert lake.names() == []


def test_a_dropped_column_may_have_any_type(
    source: Source, lake: Lake, configure: Callable[..., TableConfig], extract: Callable[..., Written]
) -> None:
    fill(source, Case("geometry", "", {}))

    written = extract(configure("t", pii={"v": "drop"}))

    assert [column["name"] for column in lake.manifest(written)["extract"]["columns"]] == ["id", "updated_at"]
    assert [row[0] for row in lake.rows(written)] == [0]


TOO_LONG = {
    "text": (
        "mediumtext",
        "repeat('é', 32768)",
        r"column 'v' \(mediumtext\) holds a value of 65,536 bytes.*takes 65,535",
    ),
    "latin1 that grows": ("text character set latin1", "repeat('é', 40000)", "holds a value of 80,000 bytes"),
    "row": (
        "longblob",
        "repeat(x'00', 2200000)",
        r"a row has 4,400,\d+ bytes as CSV.*takes 4,194,304; leave out one of v",
    ),
    "max_allowed_packet": ("longblob", "repeat(x'00', 9000000)", "exceeds its max_allowed_packet"),
    "NUL in text": ("text", "concat('a', char(0))", "a text holds a NUL character.*one of v:"),
}


@pytest.mark.parametrize("what", TOO_LONG)
def test_a_value_that_redshift_cannot_take_is_refused(
    what: str, source: Source, lake: Lake, configure: Callable[..., TableConfig], extract: Callable[..., Written]
) -> None:
    ddl, literal, message = TOO_LONG[what]
    fill(source, Case(ddl, "", {literal: None}))

    with pytest.raises(SourceDataError, match=message):
        extract(configure("t"))

    assert not [key for key in lake.names() if key.endswith("manifest.json")]


def test_odd_names_generated_and_invisible_columns(
    source: Source, lake: Lake, configure: Callable[..., TableConfig], extract: Callable[..., Written]
) -> None:
    source.execute(
        "CREATE TABLE `odd ``table``` (`order` int PRIMARY KEY, `two words` varchar(9) collate utf8mb4_bin,"
        " `100% {{x}} 'ñ😀'` varchar(9) collate utf8mb4_unicode_ci, `select` int AS (`order` * 2) VIRTUAL,"
        " `stored` int AS (`order` * 3) STORED, hidden int INVISIBLE, `updated at` datetime NOT NULL)".replace("😀", "")
    )
    source.execute(
        "INSERT INTO `odd ``table``` (`order`, `two words`, `100% {{x}} 'ñ'`, hidden, `updated at`)"
        " VALUES (7, 'a', 'b\"', 5, '2021-09-16')"
    )

    written = extract(configure("odd `table`", primary_key=["order"], cursor="updated at"))

    names = [column["name"] for column in lake.manifest(written)["extract"]["columns"]]
    assert names == ["order", "two words", "100% {{x}} 'ñ'", "select", "stored", "hidden", "updated at"]
    assert lake.rows(written) == [(7, "a", 'b"', 14, 21, 5, moment(2021, 9, 16))]
