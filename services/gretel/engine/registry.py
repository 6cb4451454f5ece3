"""The engines by name. A further engine is one more entry."""

from pathlib import Path
from typing import Any

from services.gretel.engine.base import Engine, Model
from services.gretel.engine.cart import CartEngine, CartModel
from services.gretel.engine.store import read_store

ENGINES: dict[str, tuple[type[Engine], type[Model]]] = {CartEngine.name: (CartEngine, CartModel)}


def engine_names() -> list[str]:
    return sorted(ENGINES)


def create_engine(name: str, params: dict[str, Any], *, seed: int) -> Engine:
    """Configure an engine.

    :param name: one of `engine_names()`.
    :param params: the engine's own parameters.
    :param seed: the same engine, parameters, seed and table give the same model.
    :raises ValueError: unknown engine or parameter, or a value out of range; the message lists what exists.
    """
    if name not in ENGINES:
        raise ValueError(f"There is no engine {name!r}; there is {', '.join(engine_names())}.")
    return ENGINES[name][0](params, seed=seed)


def load_model(path: str | Path) -> Model:
    """Read a model that `Model.save` wrote.

    :raises ValueError: the file is no model, is damaged, or is of an engine or version unknown here.
    """
    store = read_store(path)
    name, version = store.header.get("engine"), store.header.get("version")
    if name not in ENGINES:
        raise ValueError(f"{Path(path).name}: is a model of engine {name!r}; known is {', '.join(engine_names())}.")
    engine, model = ENGINES[name]
    if version != engine.version:
        raise ValueError(
            f"{Path(path).name}: was trained by version {version} of engine {name!r}, here is {engine.version}. "
            "Train the model again."
        )
    return model.from_store(store)
