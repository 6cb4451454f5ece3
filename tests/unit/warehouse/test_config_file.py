"""The table config: every fault is named with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from warehouse.config import Pii, TableConfig
from warehouse.config_file import load_tables
from warehouse.errors import ConfigError

REPOSITORY = Path(__file__).parents[3]
E2E = REPOSITORY / "tests" / "e2e" / "repository"
GOOD = """\
# two tables
tables:
  nps:
    source: prod.nps
    target: analytics.nps
    primary_key: [id]
    mode: mutable
    cursor: updated_at
    cursor_timezone: Europe/Paris
    deleted_flag: deleted
    pii:
      email: hash
      phone: drop
  events:
    source: prod.events
    target: analytics.events
    primary_key: [day, id]
    mode: append
    cursor: created_at
    lookback_minutes: 5
    types: {payload: varchar}
    format: parquet
    part_size_mb: 16
    key_ranges: 4
    distkey: id
    sortkey: [created_at]
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "tables.yml"
    path.write_text(text)
    return path


def test_the_project_s_own_config_is_good() -> None:
    assert load_tables(REPOSITORY / "dags" / "warehouse" / "tables.yml")


def test_blocks_become_tables_in_the_file_s_order(tmp_path: Path) -> None:
    nps, events = load_tables(write(tmp_path, GOOD))

    assert (nps.name, nps.database, nps.table, nps.target) == ("nps", "prod", "nps", "analytics.nps")
    assert (nps.lookback_minutes, nps.format, nps.compression, nps.part_size_mb, nps.key_ranges) == (
        60,
        "csv",
        "gzip",
        64,
        1,
    )
    assert (nps.pii, nps.hashes, events.hashes) == ({"email": Pii.HASH, "phone": Pii.DROP}, True, False)
    assert (events.primary_key, events.types, events.sortkey) == (
        ("day", "id"),
        {"payload": "varchar"},
        ("created_at",),
    )


def test_a_table_survives_serialization(tmp_path: Path) -> None:
    for table in load_tables(write(tmp_path, GOOD)):
        assert TableConfig(**table.to_dict()) == table


def test_where_names_the_line_of_a_key(tmp_path: Path) -> None:
    nps, events = load_tables(path := write(tmp_path, GOOD))

    assert nps.where("pii.phone") == f"{path}:13"
    assert nps.where("pii.unknown") == f"{path}:11"
    assert nps.where("lookback_minutes") == f"{path}:3"  # left to its default: the block
    assert events.where("cursor") == f"{path}:19"
    assert TableConfig(**GOOD_BLOCK).where("cursor") == "table 'x'"


GOOD_BLOCK = {
    "name": "x",
    "source": "prod.x",
    "target": "analytics.x",
    "primary_key": ["id"],
    "mode": "append",
    "cursor": "created_at",
}
FAULTS = {
    "unknown key": (
        "    mode: mutable",
        "    mode: mutable\n    colour: red",
        8,
        r"nps.colour: unknown key; known are source,",
    ),
    "name in the block": ("    mode: mutable", "    mode: mutable\n    name: x", 8, "nps: unknown key 'name'"),
    "missing": ("    cursor: updated_at\n", "", 3, "nps.cursor: is missing"),
    "mode": ("mode: mutable", "mode: changing", 7, "nps.mode: Input should be 'mutable' or 'append', found 'changing'"),
    "name without database": ("prod.nps", "nps", 4, "nps.source: must be two names .* found 'nps'"),
    "key is no list": ("[id]", "id", 6, "nps.primary_key: .*found 'id'"),
    "no key": ("[id]", "[]", 6, "nps.primary_key: .*at least 1 item"),
    "zone": ("Europe/Paris", "Europe/Pari", 9, "nps.cursor_timezone: is no time zone .*: 'Europe/Pari'"),
    "zone is a folder": ("Europe/Paris", "Europe", 9, "nps.cursor_timezone: is no time zone"),
    "lookback": (
        "lookback_minutes: 5",
        "lookback_minutes: -5",
        20,
        "events.lookback_minutes: .*greater than or equal to 0",
    ),
    "number as text": (
        "part_size_mb: 16",
        "part_size_mb: '16'",
        23,
        "events.part_size_mb: .*valid integer, found '16'",
    ),
    "treatment": ("phone: drop", "phone: encrypt", 13, "nps.pii.phone: .*'drop', 'hash', .*found 'encrypt'"),
    "key dropped": (
        "      phone: drop",
        "      id: drop",
        13,
        "nps.pii.id: a column of the primary key can only be hashed",
    ),
    "cursor hashed": ("      phone: drop", "      updated_at: hash", 13, "nps.pii.updated_at: the cursor must keep"),
    "flag masked": ("      phone: drop", "      deleted: redact", 13, "nps.pii.deleted: the deleted_flag must keep"),
    "append with flag": (
        "    key_ranges: 4",
        "    deleted_flag: gone",
        24,
        "events.deleted_flag: rows of an append table never",
    ),
    "super in parquet": (
        "{payload: varchar}",
        "{payload: super}",
        21,
        "events.types: super cannot be loaded from Parquet",
    ),
    "type of pii": ("    deleted_flag: deleted", "    types: {email: varchar}", 10, "nps.types.email: pii decides"),
    "distkey dropped": (
        "      phone: drop",
        "      phone: drop\n    distkey: phone",
        14,
        "nps.distkey: 'phone' is dropped",
    ),
    "twice": ("    mode: mutable", "    mode: mutable\n    mode: append", 8, "tables.nps.mode is there twice"),
    "block twice": ("  events:", "  nps:", 14, "tables.nps is there twice"),
    "no block": ("  events:", "  broken: 5\n  events:", 14, "broken: must be a block of keys, found 5"),
    "not YAML": ("[id]", "[id", 7, "this is not valid YAML"),
    "other root": ("tables:", "table:", 1, "the file must have one key, `tables`"),
}


@pytest.mark.parametrize(
    ("key", "fitting", "unfit"),
    [
        ("part_size_mb", [1, 1024], [0, 1025]),
        ("key_ranges", [1, 1000], [0, 1001]),
        ("lookback_minutes", [0, 1_000_000], [-1]),
    ],
)
def test_numbers_have_limits_and_are_numbers(key: str, fitting: list[int], unfit: list[int]) -> None:
    assert [getattr(TableConfig(**GOOD_BLOCK, **{key: value}), key) for value in fitting] == fitting
    for value in [*unfit, True, "5", 5.5, None]:
        with pytest.raises(ValueError, match=key):
            TableConfig(**GOOD_BLOCK, **{key: value})


def test_a_column_has_a_name() -> None:
    with pytest.raises(ValueError, match="cursor"):
        TableConfig(**{**GOOD_BLOCK, "cursor": ""})


@pytest.mark.parametrize("what", FAULTS)
def test_a_fault_is_named_with_its_line(what: str, tmp_path: Path) -> None:
    old, new, line, message = FAULTS[what]
    assert GOOD.count(old) >= 1
    path = write(tmp_path, GOOD.replace(old, new, 1))

    with pytest.raises(ConfigError, match=message) as raised:
        load_tables(path)

    assert str(raised.value).startswith(f"{path}:{line}: ")


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD.replace("mutable", "x").replace("append", "y").replace("parquet", "z"))

    with pytest.raises(ConfigError) as raised:
        load_tables(path)

    assert [line.split(": ")[1] for line in str(raised.value).splitlines()] == [
        "nps.mode",
        "events.mode",
        "events.format",
    ]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.yml: cannot read the table config"):
        load_tables(tmp_path / "nowhere.yml")


def test_paths_below_the_working_directory_are_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, GOOD)
    monkeypatch.chdir(tmp_path)
    assert load_tables("tables.yml")[0].where("source") == "tables.yml:4"


def test_the_end_to_end_tests_change_what_they_say_and_nothing_else() -> None:
    nps, *others = (
        (table.model_dump(exclude={"origin"}), tested.model_dump(exclude={"origin"}))
        for table, tested in zip(
            *(load_tables(root / "dags" / "warehouse" / "tables.yml") for root in (REPOSITORY, E2E)), strict=True
        )
    )
    assert [key for key in nps[0] if nps[0][key] != nps[1][key]] == ["pii", "key_ranges"]
    assert all(shipped == tested for shipped, tested in others)


@pytest.mark.parametrize("grantee", ["analysts", "role", "role ", "Role analysts", "everybody"])
def test_a_wrong_grantee_is_named_with_its_line(grantee: str, tmp_path: Path) -> None:
    path = tmp_path / "tables.yml"
    path.write_text(GOOD + f"    grants: ['user jane', '{grantee}']\n")
    line = len(GOOD.splitlines()) + 1
    with pytest.raises(ConfigError, match=rf"tables.yml:{line}: events.grants.1: must be 'role NAME'.*'{grantee}'"):
        load_tables(path)
