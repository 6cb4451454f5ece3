"""Tables, configurations and jobs for tests of the Gretel service."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from gretel_client.projects.jobs import END_STATES, Job, Status

from tests.support.waiting import wait_until


def bookings(*, rows: int, seed: int) -> pd.DataFrame:
    """A small table with numbers, categories and nulls, of any length."""
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 80, rows).astype(float)
    age[rng.random(rows) < 0.2] = np.nan
    language = rng.choice(["en", "de", "fr"], rows, p=[0.6, 0.3, 0.1])
    nights = rng.poisson(3, rows) + (language == "de")
    return pd.DataFrame({"age": age, "language": language, "nights": nights, "price": (nights * 80.5).round(2)})


def config(model_type: str = "cart", *, name: str | None = "bookings", **section: Any) -> dict[str, Any]:
    """A model configuration, without evaluation; `section` goes under the model type."""
    settings = {
        "data_source": "__tmp__",
        "generate": {"num_records": 50},
        "evaluate": {"seed": 7, "skip": True},
        **section,
    }
    top = {"schema_version": "1.0", "models": [{model_type: settings}]}
    return top if name is None else {**top, "name": name}


def wait_for(job: Job, *, seconds: float = 120.0) -> Status:
    """Wait for a job's end, without the three seconds between gretel-client's own looks."""

    def ended() -> bool:
        job.refresh()
        return job.status in END_STATES

    wait_until(ended, "the job's end", seconds=seconds)
    return job.status


def messages(job: Job) -> list[str]:
    """What the job logged."""
    job.refresh()
    return [line["msg"] for line in job.logs]
