"""`make demo` from beginning to end, on a machine where nothing ran before."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.integration.local.test_command_line import processes_of, start

pytestmark = pytest.mark.integration

MAX_SECONDS = 600  # beside other tests on two cores; alone it takes a quarter of that


def test_the_demo_ends_with_a_release_and_a_warehouse_and_stops_what_it_started(tmp_path: Path) -> None:
    home, output = tmp_path / "home", tmp_path / "output"
    status = start(home, "demo", output=output).wait(timeout=MAX_SECONDS)
    said = output.read_text()
    assert status == 0, said[-3000:]
    assert re.search(
        r"rows extracted +5,000\n +rows synthesized +5,000\n +release +s3://\S+/synthetic_features.csv.gz", said
    )
    [copy] = re.findall(r"copy of it +(\S+)$", said, re.MULTILINE)
    assert (Path(copy) / "quality_report.html").stat().st_size > 10_000
    assert re.search(r"^ +upload_synthetic_features +[0-9.]+ s$", said, re.MULTILINE)
    assert re.search(r"^ +nps +equal: [0-9,]+ live rows, 8 columns$", said, re.MULTILINE)
    assert re.search(r"^ +2021-10 +[0-9,]+ ", said, re.MULTILINE), "the summary lacks the backfilled days"
    assert processes_of(home) == []
