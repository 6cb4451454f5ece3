"""The type map's limits; that values arrive exactly is tested against MariaDB."""

from __future__ import annotations

import re
from typing import Any

import pytest

from warehouse.config import Pii
from warehouse.type_map import SourceColumn, UnmappableError, map_column


def source(column_type: str, **about: Any) -> SourceColumn:
    data_type = re.split(r"[( ]", column_type, maxsplit=1)[0]
    return SourceColumn("v", data_type, column_type, True, **about)


@pytest.mark.parametrize(
    ("column", "choice", "expected"),
    [
        (source("json"), None, "SUPER"),  # MySQL's own type, which MariaDB does not have
        (source("json"), "varchar", "VARCHAR(65535)"),
        (source("decimal(38,37)", precision=38, scale=37), None, "DECIMAL(38,37)"),
        (source("decimal(39,0)", precision=39, scale=0), "varchar", "VARCHAR(42)"),
        (source("varchar(16383)", length=16383, charset="utf8mb4"), None, "VARCHAR(65532)"),
        (source("varchar(16384)", length=16384, charset="utf8mb4"), None, "VARCHAR(65535)"),
        (source("text", length=65535, charset="utf8mb4"), None, "VARCHAR(65535)"),
        (source("enum('a')", length=1, charset="gbk"), None, "VARCHAR(4)"),
        (source("bit(9)", precision=9), None, "VARBYTE(2)"),
    ],
)
def test_types(column: SourceColumn, choice: str | None, expected: str) -> None:
    assert map_column(column, choice=choice).target.type == expected


def test_a_limit_is_checked_only_where_the_source_can_exceed_it() -> None:
    fits = map_column(source("text", length=65535, charset="utf8mb4")).target
    grows = map_column(source("text", length=65535, charset="latin1")).target
    hashed = map_column(source("longtext", length=2**32 - 1, charset="utf8mb4"), pii=Pii.HASH).target

    assert (fits.limit, grows.limit, hashed.limit) == (None, 65535, None)


def test_sums_are_left_out_where_they_might_overflow() -> None:
    assert map_column(source("decimal(26,10)", precision=26, scale=10)).target.summed
    assert not map_column(source("decimal(27,10)", precision=27, scale=10)).target.summed
    assert not map_column(source("double")).target.summed


@pytest.mark.parametrize("column_type", ["geometry", "vector(3)", "something new"])
def test_unknown_types_are_refused(column_type: str) -> None:
    with pytest.raises(UnmappableError, match=f"type {re.escape(column_type)} has no"):
        map_column(source(column_type))
