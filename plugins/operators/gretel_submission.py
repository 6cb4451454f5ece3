"""Train one model once, whatever is retried, lost or started twice.

The name is the key: it is derived from what is to be trained, looked up before anything is submitted, and looked up
again whenever an answer is missing.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hooks.gretel import GretelHook
from hooks.gretel_errors import GretelError, GretelFatalError, GretelUnavailableError
from hooks.gretel_models import attach

if TYPE_CHECKING:
    from gretel_client.projects import Project
    from gretel_client.projects.models import Model

log = logging.getLogger(__name__)

SUBMIT_TRIES = 3
LOOKUP_DELAY = 1.0  # seconds before a model whose answer was lost is looked up, doubled each time
READABLE_CHARACTERS = 80
HASH_CHARACTERS = 16


def model_name(task: tuple[str, ...], config: dict[str, Any], data_hash: str, num_records: int) -> str:
    """Name a model after the task that trains it and a hash of everything that goes into it.

    :param task: DAG id, run id, task id and, for a mapped task, its index: two tasks never share a model
    :param config: Gretel model config, without name and data source
    :param data_hash: identifies the content of the training data
    :param num_records: rows to generate
    :return: lower-case letters, digits and dashes, at most 97 characters
    """
    content = json.dumps([task, config, data_hash, num_records], sort_keys=True, default=str)
    digest = hashlib.sha256(content.encode()).hexdigest()[:HASH_CHARACTERS]
    readable = re.sub(r"[^a-z0-9]+", "-", "-".join(task[:2]).lower()).strip("-")
    return f"{readable[:READABLE_CHARACTERS].rstrip('-')}-{digest}"


def submit_once(
    hook: GretelHook,
    project: Project,
    *,
    name: str,
    config: dict[str, Any],
    upload: Callable[[], str],
    cancelled: Callable[[], bool] = lambda: False,
) -> Model:
    """Attach to the model of this name, or upload its data and submit it.

    :param upload: uploads the training data and returns its artifact key; called only if there is no such model
    :param cancelled: whether the task was killed in the meantime
    :raises GretelError: when Gretel cannot take the model now
    :raises GretelFatalError: when it never will
    """
    if model := attach(hook, project, name):
        log.info("Attached to Gretel model %s (%s), status %s", name, model.model_id, model.status.value)
        return model
    if leftover := hook.delete_training_data(project, name):
        log.info("Deleted training data that an interrupted try left behind: %s", ", ".join(leftover))
    key = upload()
    try:
        model = _submit(hook, project, name, config, data_source=key, cancelled=cancelled)
    except GretelUnavailableError:
        raise  # the model may exist and need its data; the next try finds the one or deletes the other
    except Exception:
        hook.discard_artifact(project, key)
        raise
    if model.data_source != key:  # another try was faster
        hook.delete_artifact(project, key)
    return model


def _submit(
    hook: GretelHook,
    project: Project,
    name: str,
    config: dict[str, Any],
    *,
    data_source: str,
    cancelled: Callable[[], bool],
) -> Model:
    """Submit; after a lost answer look whether the model is there before submitting again."""
    for attempt in range(1, SUBMIT_TRIES + 1):
        if cancelled():
            raise GretelError(f"The task was killed before Gretel model {name} was submitted.")
        try:
            submitted = hook.submit_model(project, config, name=name, data_source=data_source)
        except (GretelError, GretelFatalError) as exc:
            unclear = isinstance(exc, GretelUnavailableError)
            if unclear:
                log.warning("%s Looking whether the model was created all the same.", exc)
                time.sleep(LOOKUP_DELAY * 2 ** (attempt - 1))
            if model := attach(hook, project, name):  # by this request, or by another try that was faster
                log.info("It is there: %s, status %s", model.model_id, model.status.value)
                return model
            if not unclear or attempt == SUBMIT_TRIES:
                raise
        else:
            log.info("Submitted Gretel model %s (%s)", name, submitted.model_id)
            return attach(hook, project, name) or submitted
    raise AssertionError("unreachable")
