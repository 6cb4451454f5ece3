"""The gate's decisions as a table: aligned text for the task's log, Markdown for people who decide in the web UI."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synthetics.quality_gate import Decision

HEADER = ("gate", "value", "95 % interval", "threshold", "verdict")
NUMBERS = frozenset({"value", "95 % interval"})  # aligned to the right


def as_text(decisions: Sequence[Decision]) -> list[str]:
    """Return the table's lines, columns aligned."""
    rows = [HEADER, *(_cells(vars(decision)) for decision in decisions)]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = ["  ".join(_aligned(*cell) for cell in zip(HEADER, row, widths, strict=True)).rstrip() for row in rows]
    return [lines[0], "  ".join("-" * width for width in widths), *lines[1:]]


def as_markdown(gates: Sequence[Mapping[str, Any]]) -> str:
    """Return the table as Markdown.

    :param gates: decisions as plain values, as they are in an XCom or a release manifest.
    """
    rules = ["---:" if name in NUMBERS else "---" for name in HEADER]
    rows = [HEADER, rules, *(_cells(gate) for gate in gates)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cells(gate: Mapping[str, Any]) -> tuple[str, ...]:
    value, interval = gate["value"], gate["interval"]
    return (
        gate["name"],
        "not measured" if value is None else f"{value:.4f}",
        "" if interval is None else f"{interval[0]:.4f} to {interval[1]:.4f}",
        f"{gate['rule']} {gate['bound']:.4g}",
        "passed" if gate["passed"] else "FAILED",
    )


def _aligned(name: str, cell: str, width: int) -> str:
    return cell.rjust(width) if name in NUMBERS else cell.ljust(width)
