"""Check what a record handler is asked for."""

from collections.abc import Mapping
from typing import Any

from services.gretel import config_fields as fields
from services.gretel.api.errors import bad_request
from services.gretel.model_types import RECORD_PARAMETERS, UNUSED_RECORD_PARAMETERS


def plan_records(
    params: object, *, data_source: object, ref_data: object, model_task: Mapping[str, Any], max_records: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Check what a record handler is asked for.

    :param model_task: the task of the model that it runs.
    :param max_records: most rows that may be asked for.
    :returns: the params as they are answered, and the worker's task.
    :raises ApiError: 400, naming the field, what was found and what was expected.
    """
    if params is not None and not isinstance(params, dict):
        raise bad_request(f"Invalid params: expected an object, found {fields.kind(params)}.")
    params = params or {}
    if data_source:
        raise bad_request(
            "Generating from a data_source (seed records, conditional generation) is not supported by this service; "
            "leave data_source out and give params.num_records."
        )
    if ref_data:
        raise bad_request("ref_data is not supported by this service; leave it out.")
    fields.check_keys(params, RECORD_PARAMETERS | UNUSED_RECORD_PARAMETERS, "params")
    records = fields.whole_number(
        params.get("num_records"), "params.num_records", default=model_task["num_records"], least=1, most=max_records
    )
    chosen = {"num_records": records, "seed": fields.seed(params, "params")}
    unused = sorted(f"params.{name}" for name in UNUSED_RECORD_PARAMETERS if params.get(name) is not None)
    return {**params, **chosen}, {**chosen, "unused": unused}
