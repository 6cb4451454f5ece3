"""Fill the page's template."""

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from services.gretel.evaluation import verdict
from services.gretel.evaluation.page import charts, words

HERE = Path(__file__).parent
CARDS = (
    ("synthetic_data_quality_score", "Overall quality"),
    ("field_distribution_stability", "Column distributions"),
    ("field_correlation_stability", "Correlations"),
    ("principal_component_stability", "Deep structure"),
)
RISKS = (
    ("attribute_inference", "Attribute inference", verdict.MAX_RISK),
    ("singling_out", "Singling out", verdict.MAX_SINGLING_OUT),
    ("linkability", "Linkability", verdict.MAX_RISK),
    ("isolated_records", "Isolated records found", verdict.MAX_ISOLATED),
)


def render_page(report: dict[str, Any]) -> str:
    """Render the report's JSON as one self-contained HTML page; it shows nothing that the JSON does not hold.

    :param report: what `Report.to_json` returns.
    """
    evidence = report["evidence"]
    measures = evidence["measures"]
    headline, outcome = words.headline(evidence)
    style = (HERE / "style.css").read_text(encoding="utf-8")
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            report=report,
            evidence=evidence,
            measures=measures,
            style=Markup(style),  # noqa: S704 - a file of this package
            style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
            headline=headline,
            outcome=outcome,
            usefulness=words.usefulness(report),
            privacy=words.privacy(report),
            cards=[(title, report[name]) for name, title in CARDS],
            columns=[_column(field) for field in report["fields"]],
            matrices=_matrices(evidence["pictures"]["correlations"]),
            components=_components(evidence["pictures"]["components"]),
            roc=_roc(measures["membership_inference_auc"]),
            risks=_risks(measures),
        )
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["figure"] = words.figure
    environment.filters["decisive"] = words.decisive
    environment.filters["count"] = lambda value: "under 10" if value is None else f"{value:,}"
    return environment


def _column(field: dict[str, Any]) -> dict[str, Any]:
    left, right = field["left_distribution"], field["right_distribution"]
    draw = charts.histogram if field["left_field_features"]["type"] == "numeric" else charts.bars
    labels = list(left)
    return {
        "name": field["name"],
        "kind": field["left_field_features"]["kind"],
        "distance": field["distribution_distance"],
        "score": field["distribution_stability"],
        "picture": draw(field["name"], labels, [left[label] for label in labels], [right[label] for label in labels]),
        "missing": words.missing(field["left_field_features"], field["right_field_features"]),
    }


def _matrices(found: dict[str, Any] | None) -> list[tuple[str, Markup]]:
    if found is None:
        return []
    names, train, synthetic = found["columns"], found["training"], found["synthetic"]
    difference = [[abs(a - b) for a, b in zip(*rows, strict=True)] for rows in zip(train, synthetic, strict=True)]
    return [
        ("Training", charts.matrix("Correlations in training", names, train)),
        ("Synthetic", charts.matrix("Correlations in synthetic", names, synthetic)),
        ("Difference", charts.matrix("Absolute difference of correlations", names, difference, difference=True)),
    ]


def _components(found: dict[str, Any] | None) -> list[tuple[str, Markup]]:
    if found is None:
        return []
    grids = {part: found[part] for part in ("training", "synthetic")}
    shown = np.array([[[share or 0.0 for share in row] for row in grid] for grid in grids.values()])
    if not shown.any():
        return []
    # Heavy tails leave most of the grid empty: draw only what either table fills.
    across, up = (np.flatnonzero(shown.any(axis=axes)) for axes in ((0, 2), (0, 1)))
    grids = {
        part: [row[up[0] : up[-1] + 1] for row in grid[across[0] : across[-1] + 1]] for part, grid in grids.items()
    }
    peak = float(shown.max())
    return [
        (part.capitalize(), charts.density(f"Density of {part} rows", grid, peak, synthetic=part == "synthetic"))
        for part, grid in grids.items()
    ]


def _roc(measure: dict[str, Any]) -> Markup | None:
    if measure["value"] is None:
        return None
    return charts.roc(measure["detail"]["attacks"], measure["detail"]["strongest"])


def _risks(measures: dict[str, Any]) -> Markup | None:
    rows = [
        {
            "label": label,
            "value": measures[name]["value"],
            "low": (measures[name]["interval"] or [None, None])[0],
            "high": (measures[name]["interval"] or [None, None])[1],
            "limit": limit,
        }
        for name, label, limit in RISKS
        if measures[name]["value"] is not None
    ]
    return charts.risks(rows) if rows else None
