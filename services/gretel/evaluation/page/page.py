"""Fill the page's template."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined


def render_page(report: dict[str, Any]) -> str:
    """Render the report's JSON as one self-contained HTML page.

    :param report: what `Report.to_json` returns.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("report.html.j2").render(report=report)
