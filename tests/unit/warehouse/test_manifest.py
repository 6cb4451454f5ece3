"""The manifest: what one side writes, the other reads, and nothing else."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from warehouse.errors import ManifestError
from warehouse.manifest import Manifest

CONTRACT = Path(__file__).parents[3] / "docs" / "warehouse-contract.md"


@pytest.fixture
def example() -> dict[str, Any]:
    """The example in the contract's page."""
    block = re.search(r"```json\n(.*?)```", CONTRACT.read_text(), re.DOTALL)
    assert block
    return json.loads(block[1])


def test_the_documented_example_is_a_manifest(example: dict[str, Any]) -> None:
    manifest = Manifest.from_json(json.dumps(example), "s3://lake/manifest.json")

    assert manifest.extract.counts.sums == {"id": Decimal(3203980)}
    assert json.loads(manifest.to_json()) == example  # every key and no other, in the same notation


def test_copy_reads_it_with_these_options(example: dict[str, Any]) -> None:
    def options(**dialect: Any) -> list[str]:
        example["extract"]["dialect"] = dialect
        return Manifest.from_json(json.dumps(example), "").copy_options()

    formats = ["DATEFORMAT 'auto'", "TIMEFORMAT 'auto'"]
    csv = ["MANIFEST", "FORMAT AS CSV", "NULL AS 'NULL_5d41402abc4b2a76'", *formats]
    assert options(format="csv", compression="gzip", null_as="NULL_5d41402abc4b2a76") == [*csv, "GZIP"]
    assert options(format="csv", compression="zstd", null_as="NULL_5d41402abc4b2a76") == [*csv, "ZSTD"]
    assert options(format="parquet") == ["MANIFEST", "FORMAT AS PARQUET"]
    documented = re.search(r"COPY options for it.*?```\n(.*?)```", CONTRACT.read_text(), re.DOTALL)
    assert documented
    assert documented[1].splitlines()[0].split("--")[0].strip() == " ".join([*csv, "GZIP"])


def test_keys_from_the_future_are_passed_over(example: dict[str, Any]) -> None:
    example["extract"]["new_key"] = 1
    example["entries"][0]["meta"]["new_key"] = 1

    assert Manifest.from_json(json.dumps(example), "").extract.mode == "mutable"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda m: m["extract"].update(schema_version=2),
            "schema version 2 is not known here, only 1; update the code",
        ),
        (lambda m: m.pop("extract"), "no manifest of an extract: it has no `extract` block"),
        (lambda m: m["extract"].pop("counts"), "extract.counts: Field required"),
        (lambda m: m["entries"][0].update(mandatory=False), "entries.0.mandatory: Input should be True"),
        (lambda m: m["extract"].update(extracted_at="2021-09-17T00:00:00"), "extracted_at: .*has no time zone"),
        (lambda m: m["entries"].clear(), "its parts hold 0 rows, but it counts 2,531; extract again"),
    ],
)
def test_a_wrong_manifest_is_refused(change: Any, message: str, example: dict[str, Any]) -> None:
    change(example)

    with pytest.raises(ManifestError, match=message) as raised:
        Manifest.from_json(json.dumps(example), "s3://lake/x/manifest.json")

    assert str(raised.value).startswith("s3://lake/x/manifest.json: ")


def test_a_truncated_manifest_is_refused(example: dict[str, Any]) -> None:
    with pytest.raises(ManifestError, match="Invalid JSON"):
        Manifest.from_json(json.dumps(example)[:-9], "s3://lake/x/manifest.json")
