"""What a worker does for a record handler: draw rows from a saved model."""

import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from services.gretel.artifact_files import RECORDS
from services.gretel.engine import Model, load_model
from services.gretel.jobs.errors import JobError, Log
from services.gretel.jobs.training import ENGINE_FILE
from services.gretel.table import write_csv


def generate(job: Mapping[str, Any], log: Log) -> None:
    """Generate rows.

    :param job: task, model (path of the archive) and output (directory).
    :raises JobError: the model cannot be read.
    """
    task = job["task"]
    log("pre", "Loading the model", {})
    model = open_model(Path(job["model"]))
    if task["unused"]:
        log("pre", "Parameters that this engine does not use: " + ", ".join(task["unused"]), {})
    log("pre_run", "Generating records", {"num_records": task["num_records"], "seed": task["seed"]})
    table = model.sample(task["num_records"], seed=task["seed"])
    write_csv(table, Path(job["output"]) / RECORDS)
    log("run", "Done generating records", {"current_valid_count": len(table)})


def open_model(archive: Path) -> Model:
    """Read a model from its archive.

    :raises JobError: it is of another version of the engine, or damaged.
    """
    with tempfile.TemporaryDirectory(dir=archive.parent) as directory:
        try:
            with tarfile.open(archive) as packed:
                packed.extract(ENGINE_FILE, directory, filter="data")
            return load_model(Path(directory) / ENGINE_FILE)
        except (tarfile.TarError, KeyError) as error:
            raise JobError("The model's archive is damaged; train the model again.") from error
        except ValueError as error:
            raise JobError(f"The model cannot be used. {error}") from error
