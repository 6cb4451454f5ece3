"""What every engine and every model it trains must offer."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

from services.gretel.engine.store import Store, write_store
from services.gretel.table import Table

# progress(message, context): called from the training thread, once or twice per column.
Progress = Callable[[str, dict[str, Any]], None]
Params = TypeVar("Params")


class Model(ABC):
    """What an engine learned from one table."""

    @abstractmethod
    def sample(self, n: int, *, seed: int) -> Table:
        """Draw rows.

        :param n: number of rows, at least 0.
        :param seed: the same model, n and seed give the same rows.
        :returns: a table of the training table's schema.
        """

    @abstractmethod
    def to_store(self) -> Store:
        """Everything the model is, as JSON and plain arrays."""

    @classmethod
    @abstractmethod
    def from_store(cls, store: Store) -> Self:
        """Turn what `to_store` gave back into the model."""

    def save(self, path: str | Path) -> None:
        """Write the model to one file, which `load_model` reads without executing anything in it."""
        write_store(self.to_store(), path)


class Engine(ABC):
    """One configuration of one method; trains models.

    :cvar name: what configurations call it.
    :cvar version: goes up when the same configuration, data and seed give other rows.
    :ivar params: every parameter in effect, the defaults included; a dataclass.
    :param params: the engine's own parameters.
    :param seed: the same engine, parameters, seed and table give the same model.
    :raises ValueError: an unknown parameter, or a value out of range.
    """

    name: ClassVar[str]
    version: ClassVar[str]
    params: Any

    @abstractmethod
    def __init__(self, params: dict[str, Any], *, seed: int) -> None: ...

    @abstractmethod
    def fit(self, table: Table, progress: Progress) -> Model:
        """Learn a table.

        :param table: at least one row and one column.
        :param progress: receives messages for the model's log.
        :raises ValueError: the table cannot be learned; the message says what to change.
        """


def parse_params(kind: type[Params], params: dict[str, Any], *, engine: str) -> Params:
    """Build an engine's parameter dataclass, whose `__post_init__` checks values.

    :raises ValueError: names the unknown parameter and lists those that exist.
    """
    known = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    unknown = sorted(set(params) - set(known))
    if unknown:
        raise ValueError(f"Engine {engine!r} has no parameter {unknown[0]!r}; it has {', '.join(known)}.")
    return kind(**params)
