"""Models by name: what keeps one piece of work from being trained, and paid, twice.

A model's name is derived from everything that goes into it, so models of one name are the same work. Gretel itself does
not keep names unique.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gretel_client.projects import Project
    from gretel_client.projects.models import Model

    from hooks.gretel import GretelHook

log = logging.getLogger(__name__)

SEARCH_PAGE = 100


def find_models(hook: GretelHook, project: Project, name: str) -> list[Model]:
    """All models of exactly this name, oldest first."""
    with hook.errors(f"look up model '{name}' in project '{project.name}'"):
        found = [entry for entry in _search(project, name) if _name_of(entry) == name]
        found.sort(key=lambda entry: (str((entry.get("status_history") or {}).get("created")), entry["uid"]))
        return [project.get_model(entry["uid"]) for entry in found]


def attach(hook: GretelHook, project: Project, name: str) -> Model | None:
    """Find the model that is, or already was, trained under this name; cancel surplus ones.

    A completed model comes first, else the oldest that is still at work: whoever asks gets the same one. Models that
    failed, were cancelled or lost are left alone.
    """
    from gretel_client.projects.jobs import ACTIVE_STATES, Status

    models = find_models(hook, project, name)
    completed = [model for model in models if model.status == Status.COMPLETED]
    at_work = [model for model in models if model.status in ACTIVE_STATES]
    chosen = next(iter(completed + at_work), None)
    for surplus in at_work:
        if surplus is not chosen:
            log.warning("Gretel trains %s twice; cancelling %s", name, surplus.model_id)
            hook.cancel_model(surplus)
    return chosen


def cancel_all(hook: GretelHook, project: Project, name: str) -> None:
    """Cancel whatever is at work under this name, and delete its training data."""
    cancelled = [hook.cancel_model(model) for model in find_models(hook, project, name)]
    if any(cancelled):
        hook.delete_training_data(project, name)


def _search(project: Project, name: str) -> Iterator[dict[str, Any]]:
    """All models whose name contains `name`, page by page."""
    skip = 0
    while page := list(project.search_models(factory=dict, model_name=name, limit=SEARCH_PAGE, skip=skip)):
        yield from page
        if len(page) < SEARCH_PAGE:
            return
        skip += SEARCH_PAGE


def _name_of(entry: dict[str, Any]) -> str | None:
    """Name of a found model: beside its fields, or in its config only."""
    return entry.get("model_name") or entry.get("name") or (entry.get("config") or {}).get("name")
