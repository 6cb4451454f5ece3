"""What a worker does for a record handler: draw rows from a saved model."""

import shutil
import tarfile
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
    output = Path(job["output"])
    model = open_model(Path(job["model"]), output)
    if task["unused"]:
        log("pre", "Parameters that this engine does not use: " + ", ".join(task["unused"]), {})
    log("pre_run", "Generating records", {"num_records": task["num_records"], "seed": task["seed"]})
    table = model.sample(task["num_records"], seed=task["seed"])
    write_csv(table, output / RECORDS)
    log("run", "Done generating records", {"current_valid_count": len(table)})


def open_model(archive: Path, scratch: Path) -> Model:
    """Read a model from its archive.

    :param scratch: directory to unpack in.
    :raises JobError: it is of another version of the engine, or damaged.
    """
    unpacked = scratch / ENGINE_FILE
    try:
        with tarfile.open(archive) as packed, unpacked.open("wb") as copy:
            # Not extract(): Debian 12's Python, 3.11.2, has no `filter` yet to keep it from writing elsewhere.
            content = packed.extractfile(ENGINE_FILE)
            if content is None:
                raise tarfile.ReadError(f"{ENGINE_FILE} is no file")
            shutil.copyfileobj(content, copy)
        return load_model(unpacked)
    except (tarfile.TarError, KeyError) as error:
        raise JobError("The model's archive is damaged; train the model again.") from error
    except ValueError as error:
        raise JobError(f"The model cannot be used. {error}") from error
    finally:
        unpacked.unlink(missing_ok=True)
