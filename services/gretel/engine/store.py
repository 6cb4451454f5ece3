"""Model files: JSON and plain number arrays in one NumPy .npz archive.

No pickle: whoever can write a model file cannot make the service that loads it run code.
"""

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

HEADER = "header.json"


@dataclass(frozen=True, slots=True)
class Store:
    """What a model file holds.

    :param header: JSON, with at least `engine` and `version`.
    :param arrays: number arrays by name.
    """

    header: dict[str, Any]
    arrays: dict[str, np.ndarray]

    def part(self, prefix: str) -> dict[str, np.ndarray]:
        """Arrays whose name starts with this, without it."""
        return {name.removeprefix(prefix): array for name, array in self.arrays.items() if name.startswith(prefix)}


def write_store(store: Store, path: str | Path) -> None:
    """Write a model file; the same store gives the same bytes."""
    header = np.frombuffer(json.dumps(store.header, sort_keys=True).encode(), dtype=np.uint8)
    with Path(path).open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **{HEADER: header}, **store.arrays)


def read_store(path: str | Path) -> Store:
    """Read a model file.

    :raises ValueError: it is none, or is damaged.
    """
    path = Path(path)
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        header = json.loads(arrays.pop(HEADER).tobytes())
    except (zipfile.BadZipFile, KeyError, AttributeError, ValueError, EOFError) as error:
        raise ValueError(
            f"{path.name}: is not a model file, or is damaged ({error}). Train the model again."
        ) from error
    return Store(header, arrays)
