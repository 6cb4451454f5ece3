"""What a worker does for a model: read, set rows aside, train, sample, evaluate, save."""

import gzip
import json
import tarfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from services.gretel.artifact_files import DATA_PREVIEW, MODEL_ARCHIVE, REPORT, REPORT_JSON
from services.gretel.csv_file import TableError
from services.gretel.engine import Engine, Model, create_engine
from services.gretel.evaluation import Report, evaluate
from services.gretel.jobs.errors import JobError, Log
from services.gretel.table import Table, read_table, write_csv

ENGINE_FILE = "engine.npz"
MIN_ROWS = 2
MAX_NAMES = 30  # in an error


@dataclass(frozen=True, slots=True)
class Seeds:
    """One seed per step, all from the model's one seed."""

    split: int
    fit: int
    sample: int
    evaluate: int

    @classmethod
    def of(cls, seed: int) -> "Seeds":
        return cls(*(int(word) for word in np.random.SeedSequence(seed).generate_state(4)))


def train(job: Mapping[str, Any], log: Log) -> None:
    """Train a model and write what it leaves: preview, reports, archive.

    :param job: uid, model_type, config, task, input (path), filename and output (directory).
    :raises JobError: the data cannot be used; the text says why.
    """
    task, output = job["task"], Path(job["output"])
    seeds = Seeds.of(task["seed"])
    log("pre", f"Starting {job['model_type']} model training", {})
    engine = create_engine(task["engine"], task["params"], seed=seeds.fit)
    _log_engine(job, engine, log)
    table = _read(Path(job["input"]), job["filename"], log)
    _check_columns(table, task["evaluate"])
    rows, holdout = split(table, task["evaluate"]["holdout"], seed=seeds.split)
    log("pre", "Holdout set aside: training never sees these rows", {"train": len(rows), "holdout": len(holdout)})
    model = _fit(engine, rows, log)
    log("run", "Generating data preview", {"num_records": task["num_records"]})
    synthetic = model.sample(task["num_records"], seed=seeds.sample)
    write_csv(synthetic, output / DATA_PREVIEW)
    log("run", "Done generating data preview", {"current_valid_count": len(synthetic)})
    facts = {
        "model_id": job["uid"],
        "engine": engine.name,
        "engine_version": engine.version,
        "params": asdict(engine.params),
        "seed": task["seed"],
        "rows": {"train": len(rows), "holdout": len(holdout), "synthetic": len(synthetic)},
    }
    if task["evaluate"]["skip"]:
        log("evaluate", "Evaluation skipped, as asked: this model has no report", {})
    else:
        log("evaluate", "Evaluating the preview against training rows and holdout", {})
        report = _evaluate(rows, holdout, synthetic, task["evaluate"], seed=seeds.evaluate)
        _write_report(report, facts, output, log)
    save_model(model, facts, output)
    log("post", "Model creation complete!", {})


def split(table: Table, share: float, *, seed: int) -> tuple[Table, Table]:
    """Set rows aside at random.

    :param share: the holdout's share of the rows; it has at least one.
    :returns: the rows to train on, and the holdout.
    :raises JobError: there are too few rows.
    """
    if len(table) < MIN_ROWS:
        raise JobError(f"The data source has {len(table)} row; training and holdout need at least {MIN_ROWS}.")
    count = min(max(1, round(len(table) * share)), len(table) - 1)
    order = np.random.default_rng(seed).permutation(len(table))
    return table.take(np.sort(order[count:])), table.take(np.sort(order[:count]))


def save_model(model: Model, facts: Mapping[str, Any], output: Path) -> None:
    """Write the model archive: the engine's own file and what it was trained with. It holds no row of the data."""
    engine_file, facts_file = output / ENGINE_FILE, output / "model.json"
    model.save(engine_file)
    facts_file.write_text(json.dumps(facts, indent=2), encoding="utf-8")
    with tarfile.open(
        output / MODEL_ARCHIVE, "w:gz", compresslevel=1
    ) as archive:  # the engine's file is packed already
        for file in (engine_file, facts_file):
            archive.add(file, file.name)
            file.unlink()


def _log_engine(job: Mapping[str, Any], engine: Engine, log: Log) -> None:
    """Say which engine really runs, and what it makes of the configuration."""
    log(
        "pre",
        f"This service runs the open-source engine {engine.name!r} for the model type {job['model_type']!r}",
        {"engine": engine.name, "engine_version": engine.version, "seed": job["task"]["seed"]},
    )
    if job["task"]["unused"]:
        log("pre", "Parameters that this engine does not use: " + ", ".join(job["task"]["unused"]), {})
    # gretel-client looks for exactly this text to find the configuration in effect.
    log("pre", "Using updated model configuration: \n" + yaml.safe_dump(job["config"], sort_keys=False), {})


def _read(path: Path, filename: str, log: Log) -> Table:
    log("pre", "Loading training data", {})
    try:
        table = read_table(path, name=filename)
    except TableError as error:
        raise JobError(f"The data source cannot be used. {error}") from error
    log("pre", "Training data loaded", {"record_count": len(table), "field_count": len(table.schema.columns)})
    return table


def _check_columns(table: Table, options: Mapping[str, Any]) -> None:
    for role in ("quasi_identifiers", "sensitive", "targets"):
        unknown = sorted(set(options[role]) - set(table.schema.names))
        if unknown:
            raise JobError(
                f"evaluate.{role} names {_some(unknown)}, which the data source does not have; "
                f"it has {_some(table.schema.names)}."
            )


def _some(names: list[str]) -> str:
    shown = ", ".join(map(repr, names[:MAX_NAMES]))
    return shown if len(names) <= MAX_NAMES else f"{shown} and {len(names) - MAX_NAMES} more"


def _fit(engine: Engine, table: Table, log: Log) -> Model:
    log("train", "Beginning model training", {})
    try:
        model = engine.fit(table, lambda msg, ctx: log("train", msg, ctx))
    except TableError as error:
        raise JobError(f"Training cannot use this data. {error}") from error
    log("train", "Training finished", {})
    return model


def _evaluate(rows: Table, holdout: Table, synthetic: Table, options: Mapping[str, Any], *, seed: int) -> Report:
    return evaluate(
        rows,
        holdout,
        synthetic,
        quasi_identifiers=options["quasi_identifiers"],
        sensitive=options["sensitive"],
        targets=options["targets"],
        seed=seed,
    )


def _write_report(report: Report, facts: Mapping[str, Any], output: Path, log: Log) -> None:
    numbers = {**report.to_json(), "model": dict(facts)}
    _write_packed(output / REPORT_JSON, json.dumps(numbers, allow_nan=False))
    _write_packed(output / REPORT, report.to_html())
    scores = {item["field"]: item["value"] for item in numbers["summary"]}
    log("evaluate", "Report written", scores)


def _write_packed(path: Path, text: str) -> None:
    with path.open("wb") as raw, gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as packed:
        packed.write(text.encode())
