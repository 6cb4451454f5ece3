"""What a worker does and says, without its process."""

from __future__ import annotations

import base64
import errno
import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from services.gretel.engine import load_model
from services.gretel.jobs.errors import JobError
from services.gretel.jobs.generation import generate
from services.gretel.jobs.training import Seeds, split, train
from services.gretel.jobs.worker import describe
from services.gretel.table import Table, read_table
from tests.support.gretel_jobs import bookings


@pytest.fixture
def table(tmp_path: Path) -> Table:
    bookings(rows=100, seed=1).to_csv(tmp_path / "data.csv", index=False)
    return read_table(tmp_path / "data.csv")


def job(tmp_path: Path, **task: Any) -> dict[str, Any]:
    output = tmp_path / "output"
    output.mkdir(exist_ok=True)
    evaluate = {"skip": True, "holdout": 0.2, "quasi_identifiers": [], "sensitive": [], "targets": []}
    return {
        "uid": "u",
        "model_type": "cart",
        "config": {"name": "x"},
        "task": {
            "engine": "cart",
            "params": {},
            "seed": 1,
            "num_records": 10,
            "evaluate": evaluate,
            "unused": [],
            **task,
        },
        "input": str(tmp_path / "data.csv"),
        "filename": "bookings.csv",
        "output": str(output),
    }


def ignore(_stage: str, _msg: str, _ctx: dict[str, Any]) -> None:
    return


@pytest.mark.parametrize(("share", "held"), [(0.2, 20), (0.25, 25), (0.5, 50)])
def test_a_split_parts_the_rows_and_loses_none(table: Table, share: float, held: int) -> None:
    rows, holdout = split(table, share, seed=3)

    assert (len(rows), len(holdout)) == (100 - held, held)
    together = pd.concat([rows.frame, holdout.frame]).astype(str).value_counts().sort_index()
    pd.testing.assert_series_equal(together, table.frame.astype(str).value_counts().sort_index())


def test_a_split_is_the_seeds(table: Table) -> None:
    pd.testing.assert_frame_equal(split(table, 0.2, seed=3)[1].frame, split(table, 0.2, seed=3)[1].frame)
    assert not split(table, 0.2, seed=3)[1].frame.equals(split(table, 0.2, seed=4)[1].frame)


def test_a_split_leaves_a_row_on_both_sides(table: Table) -> None:
    rows, holdout = split(table.take(np.arange(2)), 0.05, seed=0)

    assert (len(rows), len(holdout)) == (1, 1)
    with pytest.raises(JobError, match="has 1 row"):
        split(table.take(np.arange(1)), 0.2, seed=0)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "bookings.csv: is empty"),
        (b"a,b\n", "bookings.csv: has a header of 2 columns but no rows"),
        (b"a,b\n1,2\n3\n", "bookings.csv, line 3"),
        (b"a,a\n1,2\n", "'a' appears twice"),
        (b"\x89PNG\r\n\x1a\n\x00\x00,\x00", "bookings.csv"),
        (b"a,b\n\xff\xfe,2\n", "is not UTF-8"),
        (b"\x1f\x8b\x08\x00broken", "damaged or truncated gzip"),
        (b"a\n1\n", "has 1 row; training and holdout need at least 2"),
    ],
)
def test_an_unusable_file_is_a_clear_error(tmp_path: Path, content: bytes, text: str) -> None:
    (tmp_path / "data.csv").write_bytes(content)

    with pytest.raises(JobError) as error:
        train(job(tmp_path), ignore)
    assert text in str(error.value)


@pytest.mark.parametrize("role", ["quasi_identifiers", "sensitive", "targets"])
def test_a_declared_column_must_be_there(table: Table, tmp_path: Path, role: str) -> None:
    asked = job(tmp_path)
    asked["task"]["evaluate"] = {**asked["task"]["evaluate"], role: ["agee"]}

    with pytest.raises(JobError, match=f"{role} names 'agee', which the data source does not have; it has 'age'"):
        train(asked, ignore)
    assert len(table) == 100


def test_steps_have_seeds_of_their_own() -> None:
    seeds = Seeds.of(5)

    assert seeds == Seeds.of(5)
    assert len({seeds.split, seeds.fit, seeds.sample, seeds.evaluate}) == 4


def test_training_never_sees_the_holdout(table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Table] = []
    from services.gretel.engine.cart import CartEngine

    fit = CartEngine.fit

    def spy(self: CartEngine, given: Table, progress: Any) -> Any:
        seen.append(given)
        return fit(self, given, progress)

    monkeypatch.setattr(CartEngine, "fit", spy)
    train(job(tmp_path), ignore)

    rows, _ = split(table, 0.2, seed=Seeds.of(1).split)
    [given] = seen
    pd.testing.assert_frame_equal(given.frame, rows.frame)


def test_an_archive_holds_the_engines_file_and_how_it_was_made(table: Table, tmp_path: Path) -> None:
    assert len(table) == 100
    train(job(tmp_path), ignore)

    archive = tmp_path / "output" / "model.tar.gz"
    with tarfile.open(archive) as packed:
        made = json.load(packed.extractfile("model.json"))
        (tmp_path / "engine.npz").write_bytes(packed.extractfile("engine.npz").read())
    assert made["rows"] == {"train": 80, "holdout": 20, "synthetic": 10}
    assert made["seed"] == 1
    assert len(load_model(tmp_path / "engine.npz").sample(7, seed=1)) == 7
    assert {path.name for path in (tmp_path / "output").iterdir()} == {"model.tar.gz", "data_preview.gz"}


def test_a_damaged_archive_is_said_to_be_damaged(tmp_path: Path) -> None:
    (tmp_path / "model.tar.gz").write_bytes(b"not an archive")
    task = {"num_records": 5, "seed": 1, "unused": []}

    with pytest.raises(JobError, match="archive is damaged; train the model again"):
        generate({"model": str(tmp_path / "model.tar.gz"), "task": task, "output": str(tmp_path)}, ignore)


def raised(error: Exception) -> Exception:
    try:
        raise error
    except Exception as caught:  # noqa: BLE001
        return caught


def test_only_what_was_written_for_the_owner_is_quoted() -> None:
    described = describe(raised(ValueError("could not convert 'Jane Doe, 1980-01-01'")))

    frames = base64.b64decode(described["traceback"] or "").decode()
    assert "Jane" not in str(described["error_msg"]) + frames
    assert "Unexpected ValueError" in str(described["error_msg"])
    assert "test_worker.py" in frames
    assert describe(raised(JobError("line 3 is odd"))) == {"error_msg": "line 3 is odd", "traceback": None}


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (MemoryError(), "Out of memory"),
        (OSError(errno.ENOSPC, "No space left on device"), "no disk space left"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "no disk space left"),
        (PermissionError(errno.EACCES, "Permission denied"), "Unexpected PermissionError"),
    ],
)
def test_the_machines_limits_are_named(error: Exception, text: str) -> None:
    assert text in str(describe(raised(error))["error_msg"])
