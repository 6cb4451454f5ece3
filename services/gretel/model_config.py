"""Check a model configuration and turn it into what a worker is told to do."""

import re
import secrets
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from services.gretel.api.errors import ApiError, bad_request
from services.gretel.model_types import (
    DISCONTINUED,
    MODEL_TYPES,
    NOT_OFFERED,
    OWN_EVALUATE,
    RECORD_PARAMETERS,
    UNUSED_RECORD_PARAMETERS,
    ModelType,
)
from services.gretel.store.artifacts import KEY

DEFAULT_RECORDS = 5000
DEFAULT_HOLDOUT = 0.2
HOLDOUT_RANGE = (0.05, 0.5)
MAX_SEED = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Plan:
    """A configuration that was checked.

    :param config: the configuration as it is answered: with a name and every default filled in.
    :param task: what the worker is told: engine, params, seed, num_records, evaluate, unused.
    :param data_source: key of the artifact to train on.
    """

    name: str
    model_type: str
    config: dict[str, Any]
    task: dict[str, Any]
    data_source: str


def plan_model(config: object, *, max_records: int) -> Plan:
    """Check a model configuration.

    :param config: what the client posted.
    :param max_records: most rows that may be asked for.
    :raises ApiError: 400, naming the field, what was found and what was expected.
    """
    if not isinstance(config, dict):
        raise bad_request(f"Invalid model config: expected an object, found {_kind(config)}.")
    config = deepcopy(config)
    name_of_type, section = _model(config)
    model_type = MODEL_TYPES[name_of_type]
    where = f"models[0].{name_of_type}"
    _check_names(section, model_type, where)
    seed = _seed(_section(section, "evaluate", where), f"{where}.evaluate")
    evaluate = _evaluate(_section(section, "evaluate", where), f"{where}.evaluate")
    generate = _section(section, "generate", where)
    records = positive(generate.get("num_records"), f"{where}.generate.num_records", DEFAULT_RECORDS, max_records)
    params = _section(section, "params", where)
    _check_promises(section, where)
    task = {
        "engine": model_type.engine,
        "params": params if model_type.own_parameters else {},
        "seed": seed,
        "num_records": records,
        "evaluate": evaluate,
        "unused": [] if model_type.own_parameters else sorted(_unused(section)),
    }
    if task["params"]:
        _check_engine(task, f"{where}.params")
    section["params"] = {**model_type.defaults, **params}
    section["generate"] = {**generate, "num_records": records}
    section["evaluate"] = {**_section(section, "evaluate", where), **evaluate, "seed": seed}
    config["name"] = _name(config.get("name"), name_of_type)
    return Plan(config["name"], name_of_type, config, task, _data_source(section.get("data_source"), where))


def plan_records(
    params: object, *, data_source: object, ref_data: object, model_task: Mapping[str, Any], max_records: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Check what a record handler is asked for.

    :param model_task: the task of the model that it runs.
    :returns: the params as they are answered, and the worker's task.
    :raises ApiError: 400, as above.
    """
    if params is not None and not isinstance(params, dict):
        raise bad_request(f"Invalid params: expected an object, found {_kind(params)}.")
    params = dict(params or {})
    if data_source:
        raise bad_request(
            "Generating from a data_source (seed records, conditional generation) is not supported by this service; "
            "leave data_source out and give params.num_records."
        )
    if ref_data:
        raise bad_request("ref_data is not supported by this service; leave it out.")
    _check_keys(params, RECORD_PARAMETERS | UNUSED_RECORD_PARAMETERS, "params")
    default = model_task["num_records"]
    answered = {
        **params,
        "num_records": positive(params.get("num_records"), "params.num_records", default, max_records),
        "seed": _seed(params, "params"),
    }
    unused = [
        f"params.{name}" for name in sorted(UNUSED_RECORD_PARAMETERS & {n for n, v in params.items() if v is not None})
    ]
    return answered, {"num_records": answered["num_records"], "seed": answered["seed"], "unused": unused}


def positive(value: object, where: str, default: int, most: int) -> int:
    """Check a number of records; numbers in text are taken, as gretel-client's command line sends them."""
    if value is None:
        return default
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,12}", value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise bad_request(f"{where} must be a whole number of 1 or more, found {value!r}.")
    if value > most:
        raise bad_request(f"{where} is {value}, and this service generates at most {most} records per job.")
    return value


def _model(config: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the model type's name and its part of the configuration."""
    _check_keys(config, frozenset({"schema_version", "name", "models", "notifications", "label_predictors"}), "config")
    if str(config.get("schema_version")) not in {"1.0", "1"}:
        raise bad_request(f"schema_version must be '1.0', found {config.get('schema_version')!r}.")
    models = config.get("models")
    if not isinstance(models, list) or len(models) != 1 or not isinstance(models[0], dict) or len(models[0]) != 1:
        raise bad_request("models must be a list of one object with one key, the model type: models: [{actgan: {…}}].")
    name, section = next(iter(models[0].items()))
    if name in DISCONTINUED:
        raise bad_request(f"The model type {name!r} has been discontinued; use {DISCONTINUED[name]!r} or 'cart'.")
    if name not in MODEL_TYPES:
        reason = f" ({NOT_OFFERED[name]})" if name in NOT_OFFERED else ""
        raise bad_request(f"The model type {name!r} is not offered here{reason}; there are {_list(MODEL_TYPES)}.")
    if not isinstance(section, dict):
        raise bad_request(f"models[0].{name} must be an object, found {_kind(section)}.")
    return name, section


def _check_names(section: dict[str, Any], model_type: ModelType, where: str) -> None:
    """Refuse keys that neither Gretel nor this service knows: a misspelt parameter must not pass unnoticed."""
    _check_keys(section, frozenset(model_type.sections) | model_type.settings, where)
    for name, known in model_type.sections.items():
        if known is not None:
            _check_keys(_section(section, name, where), known, f"{where}.{name}")
    train = _section(section, "train", where)
    for name in ("params", "privacy_params"):
        known = model_type.sections.get(name)
        if known is not None:
            _check_keys(_section(train, name, f"{where}.train"), known, f"{where}.train.{name}")


def _check_promises(section: dict[str, Any], where: str) -> None:
    """Refuse what must not be accepted and then not done."""
    for part in (section, _section(section, "train", where)):
        if _section(part, "privacy_params", where).get("dp"):
            raise bad_request(
                f"{where}: privacy_params.dp asks for differential privacy, which no engine here guarantees. Leave it "
                "out and judge the release by its report's privacy scores."
            )
    if section.get("ref_data"):
        raise bad_request(f"{where}.ref_data is not supported: this service keeps a holdout of the data source itself.")


def _check_engine(task: dict[str, Any], where: str) -> None:
    from services.gretel.engine import create_engine

    try:
        create_engine(task["engine"], task["params"], seed=task["seed"])
    except (ValueError, TypeError) as error:
        raise bad_request(f"{where}: {error}") from error


def _evaluate(section: dict[str, Any], where: str) -> dict[str, Any]:
    skip = section.get("skip") or False
    if not isinstance(skip, bool):
        raise bad_request(f"{where}.skip must be true or false, found {skip!r}.")
    holdout = section.get("holdout")
    holdout = DEFAULT_HOLDOUT if holdout is None else holdout
    low, high = HOLDOUT_RANGE
    if not isinstance(holdout, int | float) or not low <= holdout <= high:
        raise bad_request(f"{where}.holdout must be a share of the rows from {low} to {high}, found {holdout!r}.")
    columns = {
        name: _names(section.get(name), f"{where}.{name}") for name in ("quasi_identifiers", "sensitive", "targets")
    }
    return {"skip": skip, "holdout": holdout, **columns}


def _names(value: object, where: str) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise bad_request(f"{where} must be a list of column names, found {value!r}.")
    return value


def _seed(section: dict[str, Any], where: str) -> int:
    seed = section.get("seed")
    if seed is None:
        return secrets.randbelow(MAX_SEED + 1)
    if isinstance(seed, str) and seed.isdecimal():
        seed = int(seed)
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed <= MAX_SEED:
        raise bad_request(f"{where}.seed must be a whole number from 0 to {MAX_SEED}, found {seed!r}.")
    return seed


def _data_source(value: object, where: str) -> str:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not value or value in ("__tmp__", "__local__", "_"):
        raise bad_request(f"{where}.data_source is missing: upload a file and give its artifact key.")
    if not isinstance(value, str) or not KEY.fullmatch(value):
        shown = value if isinstance(value, str) else _kind(value)
        raise bad_request(
            f"{where}.data_source must be one artifact key (gretel_…) of this project, found {shown!r}. This service "
            "fetches nothing from elsewhere: upload the file as an artifact first."
        )
    return value


def _name(value: object, model_type: str) -> str:
    if value is None:
        return f"{model_type.replace('_', '-')}-{secrets.token_hex(4)}"
    if not isinstance(value, str) or not re.fullmatch(r"[^\x00-\x1f\x7f]{1,128}", value):
        raise ApiError(400, f"name must be 1 to 128 printable characters, found {value!r}.", {"name": "invalid"})
    return value


def _unused(section: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """Name the given parameters that the engine has no use for."""
    for key, value in section.items():
        if not prefix and key in {"data_source", "ref_data"}:
            continue
        if isinstance(value, dict) and key in {
            "params",
            "privacy_params",
            "privacy_filters",
            "generate",
            "evaluate",
            "train",
        }:
            yield from _unused(value, f"{prefix}{key}.")
        elif value is not None and f"{prefix}{key}" not in _USED:
            yield f"{prefix}{key}"


_USED = {"generate.num_records", "evaluate.skip", *(f"evaluate.{name}" for name in OWN_EVALUATE)}


def _section(section: dict[str, Any], name: str, where: str) -> dict[str, Any]:
    value = section.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise bad_request(f"{where}.{name} must be an object, found {_kind(value)}.")
    return value


def _check_keys(section: dict[str, Any], known: frozenset[str], where: str) -> None:
    unknown = sorted(str(key) for key in section if key not in known)
    if unknown:
        raise bad_request(
            f"Unknown parameter {_list(unknown)} in {where}; known are {_list(known)}.",
            dict.fromkeys(unknown, f"unknown in {where}"),
        )


def _list(names: object) -> str:
    return (
        ", ".join(sorted(str(name) for name in names)) if isinstance(names, Mapping | list | frozenset) else str(names)
    )


def _kind(value: object) -> str:
    return {"NoneType": "null", "dict": "an object", "list": "a list", "str": "text"}.get(
        type(value).__name__, "a number"
    )
