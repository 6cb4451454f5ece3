"""A release against its manifest: every difference is named."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synthetics.provenance import engine_of, json_sha256, scores_of
from synthetics.release import DATA, MANIFEST, MANIFEST_VERSION, QUALITY_PAGE, QUALITY_REPORT
from synthetics.verify import main
from tests.unit.synthetics.test_quality_gate import changed, evidence_report, hosted_report

CONFIG = {"schema_version": "1.0", "models": [{"cart": {"evaluate": {"seed": 7}}}]}


def facts(body: bytes) -> dict[str, Any]:
    return {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}


def write(folder: Path, report: dict[str, Any], **other: Any) -> dict[str, Any]:
    """Write a release as the pipeline does; return its manifest."""
    data = gzip.compress(b'id,note\n1,"two\nlines"\n2,\n')
    page, text = b"<!doctype html>", json.dumps(report).encode()
    for name, body in ((DATA, data), (QUALITY_PAGE, page), (QUALITY_REPORT, text)):
        (folder / name).write_bytes(body)
    manifest = {
        "schema_version": MANIFEST_VERSION,
        "pipeline": "guests",
        "run_id": "run",
        "data": {**facts(data), "rows": 2, "columns": [{"name": "id", "type": "text"}, {"name": "note", "type": None}]},
        "files": {QUALITY_PAGE: facts(page), QUALITY_REPORT: facts(text)},
        "model": {"model_id": "model-1", "config": CONFIG, "config_sha256": json_sha256(CONFIG)},
        "scores": scores_of(report),
        "gates": [{"name": "quality", "passed": True}],
        "approval": None,
        **other,
    }
    (folder / MANIFEST).write_text(json.dumps(manifest))
    return manifest


def differences(folder: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    capsys.readouterr()
    code = main([str(folder / MANIFEST)])
    lines = [line.removeprefix("differs: ") for line in capsys.readouterr().out.splitlines() if "differs: " in line]
    assert code == bool(lines)
    return lines


@pytest.mark.parametrize("report", [evidence_report(), hosted_report(85, 90)])
def test_a_whole_release_differs_in_nothing(tmp_path: Path, report: dict, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, report)
    assert differences(tmp_path, capsys) == []


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("data", "rows"), 3, f"{DATA}: rows: found 2, expected 3"),
        (("data", "columns"), [{"name": "id", "type": "text"}], "columns: found ['id', 'note'], expected ['id']"),
        (("data", "sha256"), "0", f"{DATA}: sha256: found"),
        (("files", QUALITY_PAGE, "bytes"), 1, f"{QUALITY_PAGE}: bytes: found 15, expected 1"),
        (("model", "model_id"), "model-2", f"{QUALITY_REPORT}: model: found 'model-1', expected 'model-2'"),
        (("model", "config"), {"other": 1}, "model.config_sha256: found"),
        (("scores", "linkability", "value"), 0.001, "scores.linkability: found {'value': 0.01"),
        (("gates",), [], "gates: no gate was asked"),
        (("gates",), [{"name": "quality", "passed": False}], "gates.quality.passed: found False"),
        (("approval",), {"decision": "Reject"}, "approval.decision: found 'Reject', expected 'Approve'"),
    ],
)
def test_every_change_of_the_manifest_is_named(
    tmp_path: Path, path: tuple[str, ...], value: Any, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = write(tmp_path, evidence_report())
    (tmp_path / MANIFEST).write_text(json.dumps(changed(manifest, path, value)))
    [found] = differences(tmp_path, capsys)
    assert said in found


@pytest.mark.parametrize(
    "damage", [Path.unlink, lambda path: path.write_bytes(b""), lambda path: path.write_bytes(path.read_bytes()[:-1])]
)
@pytest.mark.parametrize("name", [DATA, QUALITY_PAGE, QUALITY_REPORT])
def test_every_damaged_file_is_named(
    tmp_path: Path, name: str, damage: Callable[[Path], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, evidence_report())
    damage(tmp_path / name)
    found = differences(tmp_path, capsys)
    assert found
    assert all(line.startswith(name) for line in found)


@pytest.mark.parametrize("text", [None, "no JSON", "[]", '{"schema_version": 1}'])
def test_without_a_manifest_nothing_is_verified(
    tmp_path: Path, text: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    if text is not None:
        (tmp_path / MANIFEST).write_text(text)
    assert main([str(tmp_path / MANIFEST)]) == 2
    assert MANIFEST in capsys.readouterr().err


def test_a_hosted_report_names_no_engine_and_no_seed() -> None:
    assert set(engine_of(hosted_report(85, 90)).values()) == {None}
    assert scores_of(hosted_report(85, 90))["data_privacy_score"] == {"value": 90, "interval": None}
