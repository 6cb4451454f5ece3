"""What this project adds to Airflow's web server: the page that shows quality reports.

Every Airflow process executes this file, workers too: only the web server, at the first click, imports the page.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from airflow.plugins_manager import AirflowPlugin

from operators.gretel_report_link import PREFIX


async def quality_report(
    scope: MutableMapping[str, Any],
    receive: Callable[[], Awaitable[Any]],
    send: Callable[[Any], Awaitable[None]],
) -> None:
    """Hand an ASGI request on to the page's application."""
    from operators.gretel_report_page import app

    await app(scope, receive, send)


class WebPlugin(AirflowPlugin):
    """Found by Airflow in the plugins folder."""

    name = "synthetic_data_pipelines"
    fastapi_apps = [{"app": quality_report, "url_prefix": PREFIX, "name": "Quality reports"}]  # noqa: RUF012  # as Airflow's
