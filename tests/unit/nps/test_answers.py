"""The demo's NPS answers and their changes: deterministic, and with everything a load has to cope with."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pandas as pd
import pytest

from local.nps import answers
from local.nps.type_tables import NUMBERS_AND_TIMES, TEXTS_AND_BYTES, TypeTable

END = datetime(2021, 9, 30)  # noqa: DTZ001 - as MySQL returns it
LATEST = END + timedelta(days=3)
PASSIVE_DAY = date(2021, 8, 22)


def frame(rows: list[answers.Row]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(answers.COLUMNS))


@pytest.fixture(scope="module")
def before() -> pd.DataFrame:
    return frame(answers.answers(7))


@pytest.fixture(scope="module")
def changed() -> pd.DataFrame:
    return frame(answers.changes(7))


def test_the_seed_decides_every_value() -> None:
    assert answers.answers(3) == answers.answers(3) != answers.answers(4)
    assert answers.changes(3) == answers.changes(3) != answers.changes(4)


def test_sixty_days_of_answers(before: pd.DataFrame) -> None:
    assert len(before) >= 150_000
    assert list(before["id"]) == list(range(1, len(before) + 1))
    assert before["created_at"].dt.date.nunique() == 60
    assert before["created_at"].min() >= pd.Timestamp("2021-08-01")
    assert before["updated_at"].max() < END
    assert (before["updated_at"] >= before["created_at"]).all()
    assert before["score"].between(0, 10).all()
    assert 0.1 < (before["updated_at"] > before["created_at"]).mean() < 0.2
    assert 0.01 < before["deleted"].mean() < 0.03
    assert (before.loc[before["deleted"] == 1, "updated_at"] > before.loc[before["deleted"] == 1, "created_at"]).all()
    assert before["comment"].isna().any()
    assert before["comment"].eq("").any()
    assert before["email"].isna().any()


def test_late_rows_have_greater_ids_than_younger_rows(before: pd.DataFrame) -> None:
    late = before["created_at"] < before["created_at"].cummax()
    lateness = (before["created_at"].cummax() - before["created_at"]).max()
    assert late.sum() > 500
    assert timedelta(minutes=60) < lateness < timedelta(minutes=answers.LATEST_COMMIT_MINUTES)


def test_one_day_is_all_passive_before_and_after_the_changes(before: pd.DataFrame, changed: pd.DataFrame) -> None:
    day = before[before["created_at"].dt.date == PASSIVE_DAY]
    assert set(day["score"]) == {7, 8}
    assert not day["deleted"].any()
    assert not changed["created_at"].dt.date.eq(PASSIVE_DAY).any()
    assert all(
        not scores.between(7, 8).all()
        for created, scores in before.groupby(before["created_at"].dt.date)["score"]
        if created != PASSIVE_DAY
    )


def test_changes_bring_new_edited_deleted_and_late_rows(before: pd.DataFrame, changed: pd.DataFrame) -> None:
    assert changed["id"].is_unique
    known = changed["id"].isin(before["id"])
    new, old = changed[~known], changed[known]
    late = new["updated_at"] < END
    assert late.sum() == answers.LATE_ROWS
    assert new.loc[late, "updated_at"].min() >= END - timedelta(minutes=answers.LATEST_COMMIT_MINUTES)
    assert set(new.loc[~late, "updated_at"].dt.date) == {date(2021, 9, 30), date(2021, 10, 1), date(2021, 10, 2)}
    assert old["updated_at"].between(END, LATEST, inclusive="left").all()
    assert old["deleted"].sum() == answers.DELETES_PER_DAY * answers.CHANGE_DAYS
    assert len(old) - old["deleted"].sum() == answers.EDITS_PER_DAY * answers.CHANGE_DAYS
    original = before.set_index("id").loc[old["id"]]
    assert (original["created_at"].to_numpy() == old["created_at"].to_numpy()).all()
    assert not original["deleted"].any()


@pytest.mark.parametrize("table", [NUMBERS_AND_TIMES, TEXTS_AND_BYTES], ids=["numbers_and_times", "texts_and_bytes"])
def test_type_tables_hold_every_edge_and_a_row_of_nulls(table: TypeTable) -> None:
    rows = pd.DataFrame(table.rows(7), columns=list(table.names), dtype=object)
    assert table.rows(7) == table.rows(7) != table.rows(8)
    assert len(rows) == table.row_count
    assert not rows[list(table.keys)].duplicated().any()
    for column in table.columns:
        assert set(column.edges) <= set(rows[column.name]), column.name
    assert rows[[column.name for column in table.columns]].isna().all(axis="columns").any()
    changes = pd.DataFrame(table.changes(7), columns=list(table.names), dtype=object)
    assert not changes[list(table.keys)].duplicated().any()
    cursor = changes["updated_at" if table.mutable else "created_at"]
    assert (cursor < END).sum() == table.late_count
    assert cursor.max() < LATEST
    overlap = changes[list(table.keys)].merge(rows[list(table.keys)])
    assert len(overlap) == (table.edit_count if table.mutable else 0)
