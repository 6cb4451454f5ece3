"""Once all intervals up to the last change are loaded, the warehouse's live rows equal the source's, value for value.

From MySQL through S3 to Redshift, over random histories: EXACTNESS_SEQUENCES says how many (default 1,000). Hypothesis
draws a seed for each history and one for the way it is carried over; when one fails, it finds out which seeds matter.
"""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import S3
from tests.integration.warehouse_load.conftest import AUDIT, Source, Warehouse
from tests.integration.warehouse_load.sabotage import KilledError, Killer
from tests.integration.warehouse_load.schedules import LOOKBACK, TICK, Change, Extract, Load, Step, schedule
from warehouse import merge
from warehouse.config import TableConfig
from warehouse.extract import Destination, Written, extract_table
from warehouse.load import load
from warehouse.load_plan import Method
from warehouse.plan_manifests import plan_manifests
from warehouse.window import Window

pytestmark = pytest.mark.integration

TOGETHER = 25  # sequences that share a schedule
SHARDS = 4  # tests that can run side by side
SCHEDULES = -(-int(os.environ.get("EXACTNESS_SEQUENCES", "1000")) // TOGETHER // SHARDS)  # of a shard
SEEDS = st.integers(0, 2**32 - 1)
SECONDS = timedelta(seconds=TICK)
EPOCH = datetime(2021, 1, 1, tzinfo=UTC)
COLUMNS = "sequence, id, score, note, amount, big, seen, updated_at"


class Bench:
    """A table in MySQL and its counterpart in Redshift; schedules take place on days of their own."""

    def __init__(self, source: Source, warehouse: Warehouse, s3: S3, name: str = "history") -> None:
        self.name = name
        self.source = source
        self.warehouse = warehouse
        self.destination = Destination(s3.client(), s3.fresh_bucket("exactness"), "mysql")
        self.config = TableConfig(
            name=name,
            source=f"{source.database}.{name}",
            target=f"exact.{name}",
            primary_key=("sequence", "id"),
            mode="mutable",
            cursor="updated_at",
            lookback_minutes=LOOKBACK * TICK // 60,
            deleted_flag="deleted",
        )
        source.execute(
            f"CREATE TABLE {name} (sequence int, id smallint, score tinyint, note varchar(20),"
            " amount decimal(12,2), big bigint unsigned, seen datetime(6), updated_at datetime NOT NULL,"
            " deleted tinyint(1) NOT NULL, PRIMARY KEY (sequence, id), KEY (updated_at)) CHARACTER SET utf8mb4"
        )
        self.manifests: set[str] = set()
        self.schedules = 0
        self.since = 1  # the schedule from which on all should be equal

    def run(self, *seeds: Any, histories: Sequence[int]) -> None:
        """Carry out one more schedule.

        :param seeds: of the extracts and loads, and of every history.
        :param histories: a seed for each sequence; 0 is a sequence without changes.
        """
        self.schedules += 1
        day = EPOCH + timedelta(days=self.schedules)
        written: dict[int, Written] = {}
        pending: list[Change] = []
        drawn = [random.Random(f"{seeds} {number} {seed}") if seed else None for number, seed in enumerate(histories)]
        for step in schedule(drawn, random.Random(f"{seeds}")):
            if isinstance(step, Change):
                pending.append(step)
                continue
            self.write(pending, day)
            pending.clear()
            self.carry(step, day, written)
        self.write(pending, day)

    def carry(self, step: Step, day: datetime, written: dict[int, Written]) -> None:
        if isinstance(step, Extract):
            window = None
            if step.start is not None and step.end is not None:
                window = Window(day + step.start * SECONDS, day + step.end * SECONDS)
            written[step.number] = extract_table(self.source.connect, self.destination, self.config, window=window)
        elif isinstance(step, Load) and step.beside is not None:
            self.load_together(written[step.extract], written[step.beside])
        elif isinstance(step, Load):
            if step.killed is not None:
                self.load(written[step.extract], Killer(self.warehouse.connect, step.killed))
            self.load(written[step.extract])

    def write(self, changes: list[Change], day: datetime) -> None:
        if not changes:
            return
        rows = [
            (
                self.schedules * TOGETHER + change.sequence,
                change.row,
                *change.values,
                (day + change.cursor * SECONDS).replace(tzinfo=None),
                change.deleted,
            )
            for change in changes
        ]
        with closing(self.source.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("SET SESSION time_zone = '+00:00'")
            cursor.executemany(f"REPLACE INTO {self.name} VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)", rows)
            connection.commit()

    def load(self, written: Written, connect: Callable[[], Any] | None = None) -> None:
        method = Method.UPSERT if written.manifest.extract.window else Method.REPLACE
        plan = plan_manifests({written.url: written.manifest}, audit=AUDIT, method=method)
        try:
            load(connect or self.warehouse.connect, lambda _: plan, self.warehouse.authorization)
            self.manifests.add(written.manifest.extract.manifest_id)
        except KilledError:
            pass

    def load_together(self, *several: Written) -> None:
        errors: list[BaseException] = []

        def run(written: Written) -> None:
            try:
                self.load(written)
            except BaseException as error:  # noqa: BLE001 - raised below, in the test's thread
                errors.append(error)

        threads = [threading.Thread(target=run, args=(written,)) for written in several]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if errors:
            raise errors[0]

    def differences(self) -> set[tuple[Any, ...]]:
        """Rows that are on one side only, live and dead; not again those of a schedule that has failed already."""
        found = set()
        for deleted, condition in (("live", "= 0"), ("dead", "<> 0")):
            where = f"WHERE sequence >= {self.since * TOGETHER} AND deleted {condition}"
            there = self.source.execute(f"SELECT {COLUMNS} FROM {self.name} {where}")
            here = self.warehouse.execute(f"SELECT {COLUMNS} FROM exact.{self.name} {where}")
            assert len(here) == len(set(here))
            found |= {(deleted, *row) for row in set(there) ^ set(here)}
        if found:
            self.since = self.schedules + 1  # what Hypothesis tries next, to find a simpler one, is judged by itself
        return found


@pytest.fixture(scope="module")
def bench(source: Source, warehouse: Warehouse, s3: S3) -> Bench:
    return Bench(source, warehouse, s3)


@pytest.mark.parametrize("shard", range(SHARDS))
@settings(
    max_examples=SCHEDULES + 2,  # the first is always of zeros, no changes, and so is a history here and there
    derandomize="EXACTNESS_SEQUENCES" not in os.environ,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(histories=st.lists(SEEDS, min_size=TOGETHER, max_size=TOGETHER), transport=SEEDS)
def test_live_rows_are_equal(shard: int, bench: Bench, histories: list[int], transport: int) -> None:
    bench.run(shard, transport, histories=histories)
    assert bench.differences() == set()
    live = bench.source.execute("SELECT sequence, id FROM history WHERE deleted = 0")
    assert set(bench.warehouse.execute("SELECT sequence, id FROM exact.history_live")) == set(live)
    audited = bench.warehouse.execute("SELECT load_id FROM audit.loads WHERE target = 'exact.history'")
    assert len(audited) == len(set(audited))
    assert {load_id for (load_id,) in audited} >= bench.manifests


# Each with the first schedule that it spoils.
WEAKENED: dict[str, tuple[int, Callable[[str, str, Any], str]]] = {
    "nothing is stale": (1, lambda left, right, plan: "FALSE"),
    "only the cursor decides": (7, lambda left, right, plan: f"{left}.updated_at > {right}.updated_at"),
    "the first of one second stays": (2, lambda left, right, plan: f"{left}.updated_at >= {right}.updated_at"),
}


@pytest.mark.parametrize("weakness", WEAKENED)
def test_a_weaker_rule_is_found_out(
    weakness: str, source: Source, warehouse: Warehouse, s3: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The histories are wild enough to break a load that is not quite right."""
    bench = Bench(source, warehouse, s3, f"weak_{list(WEAKENED).index(weakness)}")
    first, rule = WEAKENED[weakness]
    monkeypatch.setattr(merge, "_newer", rule)
    monkeypatch.setattr("warehouse.load._check_target", lambda *_: None)
    for seed in range(first, first + 10):
        bench.run(seed, histories=range(1, TOGETHER + 1))
        if bench.differences():
            return
    raise AssertionError("no history was harmed")
