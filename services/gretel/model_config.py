"""Check a model configuration and turn it into what a worker is told to do."""

import re
import secrets
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from services.gretel import config_fields as fields
from services.gretel.api.errors import ApiError, bad_request
from services.gretel.model_types import DISCONTINUED, MODEL_TYPES, NOT_OFFERED, OWN_EVALUATE, ModelType
from services.gretel.store.artifacts import KEY

DEFAULT_RECORDS = 5000
DEFAULT_HOLDOUT = 0.2
HOLDOUT_RANGE = (0.2, 0.5)
TOP = frozenset({"schema_version", "name", "models", "notifications", "label_predictors"})
PLACEHOLDERS = ("__tmp__", "__local__", "_")  # what Gretel's templates have for a data source
USED = frozenset({"data_source", "generate.num_records", "evaluate.skip", *(f"evaluate.{key}" for key in OWN_EVALUATE)})


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
        raise bad_request(f"Invalid model config: expected an object, found {fields.kind(config)}.")
    config = deepcopy(config)
    type_name, settings = _model(config)
    model_type, where = MODEL_TYPES[type_name], f"models[0].{type_name}"
    _check_names(settings, model_type, where)
    _check_promises(settings, where)
    params, generate, evaluate = (fields.section(settings, name, where) for name in ("params", "generate", "evaluate"))
    records = fields.whole_number(
        generate.get("num_records"),
        f"{where}.generate.num_records",
        default=DEFAULT_RECORDS,
        least=1,
        most=max_records,
    )
    seed, options = fields.seed(evaluate, f"{where}.evaluate"), _evaluate(evaluate, f"{where}.evaluate")
    task = {
        "engine": model_type.engine,
        "params": params if model_type.own_parameters else {},
        "seed": seed,
        "num_records": records,
        "evaluate": options,
        "unused": sorted(_unused(settings, model_type)),
    }
    if task["params"]:
        _check_engine(task, f"{where}.params")
    settings["params"] = {**model_type.defaults, **params}
    settings["generate"] = {**generate, "num_records": records}
    settings["evaluate"] = {**evaluate, **options, "seed": seed}
    config["name"] = _name(config.get("name"), type_name)
    return Plan(config["name"], type_name, config, task, _data_source(settings.get("data_source"), where))


def _model(config: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the model type's name and its settings."""
    fields.check_keys(config, TOP, "config")
    if str(config.get("schema_version")) not in {"1.0", "1"}:
        raise bad_request(f"schema_version must be '1.0', found {fields.shown(config.get('schema_version'))}.")
    models = config.get("models")
    if not isinstance(models, list) or len(models) != 1 or not isinstance(models[0], dict) or len(models[0]) != 1:
        raise bad_request("models must be a list of one object with one key, the model type: models: [{actgan: {…}}].")
    name, settings = next(iter(models[0].items()))
    if name in DISCONTINUED:
        raise bad_request(f"The model type {name!r} has been discontinued; use {DISCONTINUED[name]!r} or 'cart'.")
    if name not in MODEL_TYPES:
        reason = f" ({NOT_OFFERED[name]})" if name in NOT_OFFERED else ""
        known = fields.listed(MODEL_TYPES)
        raise bad_request(f"The model type {fields.shown(name)} is not offered here{reason}; there are {known}.")
    if not isinstance(settings, dict):
        raise bad_request(f"models[0].{name} must be an object, found {fields.kind(settings)}.")
    return name, settings


def _check_names(settings: dict[str, Any], model_type: ModelType, where: str) -> None:
    """Refuse keys that neither Gretel nor this service knows."""
    fields.check_keys(settings, frozenset(model_type.sections) | model_type.settings, where)
    for name, known in model_type.sections.items():
        given = fields.section(settings, name, where)
        if known is not None:
            fields.check_keys(given, known, f"{where}.{name}")
    train = fields.section(settings, "train", where)
    for name in ("params", "privacy_params"):
        given, known = fields.section(train, name, f"{where}.train"), model_type.sections.get(name)
        if known is not None:
            fields.check_keys(given, known, f"{where}.train.{name}")


def _check_promises(settings: dict[str, Any], where: str) -> None:
    """Refuse what must not be accepted and then not done."""
    for part in (settings, fields.section(settings, "train", where)):
        if fields.section(part, "privacy_params", where).get("dp"):
            raise bad_request(
                f"{where}: privacy_params.dp asks for differential privacy, which no engine here guarantees. Leave it "
                "out and judge the release by its report's privacy scores."
            )
    if settings.get("ref_data"):
        raise bad_request(f"{where}.ref_data is not supported: this service keeps a holdout of the data source itself.")


def _check_engine(task: dict[str, Any], where: str) -> None:
    from services.gretel.engine import create_engine  # heavy, and only engines' own parameters need it

    try:
        create_engine(task["engine"], task["params"], seed=task["seed"])
    except (ValueError, TypeError) as error:
        raise bad_request(f"{where}: {error}") from error


def _evaluate(given: dict[str, Any], where: str) -> dict[str, Any]:
    least, most = HOLDOUT_RANGE
    return {
        "skip": fields.flag(given.get("skip"), f"{where}.skip"),
        "holdout": fields.share(
            given.get("holdout"), f"{where}.holdout", default=DEFAULT_HOLDOUT, least=least, most=most
        ),
        "quasi_identifiers": fields.names(given.get("quasi_identifiers"), f"{where}.quasi_identifiers"),
        "sensitive": fields.names(given.get("sensitive"), f"{where}.sensitive"),
        "targets": fields.names(given.get("targets"), f"{where}.targets"),
    }


def _data_source(value: object, where: str) -> str:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not value or value in PLACEHOLDERS:
        raise bad_request(f"{where}.data_source is missing: upload a file and give its artifact key.")
    if not isinstance(value, str) or not KEY.fullmatch(value):
        raise bad_request(
            f"{where}.data_source must be one artifact key (gretel_…) of this project, found {fields.shown(value)}. "
            "This service fetches nothing from elsewhere: upload the file as an artifact first."
        )
    return value


def _name(value: object, model_type: str) -> str:
    if value is None:
        return f"{model_type.replace('_', '-')}-{secrets.token_hex(4)}"
    if not isinstance(value, str) or not re.fullmatch(r"[^\x00-\x1f\x7f]{1,128}", value):
        found = fields.shown(value)
        raise ApiError(400, f"name must be 1 to 128 printable characters, found {found}.", {"name": "invalid"})
    return value


def _unused(settings: dict[str, Any], model_type: ModelType) -> Iterator[str]:
    """Name the given parameters that the engine has no use for."""
    for name, value in _flat(settings, ""):
        engines_own = model_type.own_parameters and name.startswith("params.")
        if value is not None and name not in USED and not engines_own:
            yield name


def _flat(settings: dict[str, Any], prefix: str) -> Iterator[tuple[str, object]]:
    for key, value in settings.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
