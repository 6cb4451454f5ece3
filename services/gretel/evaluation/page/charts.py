"""The page's pictures. Each takes figures of the report's JSON and gives SVG."""

from typing import Any

from markupsafe import Markup

from services.gretel.evaluation.page.svg import element, line, path, picture, rectangle, shortened, text

Shares = list[float | None]

WIDTH = 320.0
PLOT_TOP = 8.0
PLOT_HEIGHT = 118.0
BAR_ROW = 19.0
BAR_LABEL = 110.0
ROC_SIZE = 300.0
RISK_LABEL = 220.0
RISK_WIDTH = 1040.0
RISK_ROW = 34.0
DENSITY_HEIGHT = 260.0
MAX_NAMED = 30
# Blue, white and rust: told apart in every common colour blindness, and in grey by their depth.
NEGATIVE, MIDDLE, POSITIVE = (43, 87, 140), (250, 249, 246), (178, 87, 36)
TRAINING, SYNTHETIC, DARK = (43, 87, 140), (190, 98, 30), (70, 60, 70)


def histogram(name: str, labels: list[str], train: Shares, synthetic: Shares) -> Markup:
    """Overlay two distributions of an ordered column: training filled, synthetic as a line."""
    top = max([share for share in (*train, *synthetic) if share is not None], default=0.0)
    if not top:
        return _nothing(name)
    width = WIDTH / len(labels)
    bottom = PLOT_TOP + PLOT_HEIGHT

    def y(share: float | None) -> float:
        return bottom - PLOT_HEIGHT * (share or 0.0) / top

    filled = [(i * width, y(share)) for i, share in _steps(train)]
    outline = [(i * width, y(share)) for i, share in _steps(synthetic)]
    places = {0: ("start", 0.0)}
    if len(labels) > 2:
        middle = len(labels) // 2
        places |= {middle: ("middle", (middle + 0.5) * width), len(labels) - 1: ("end", WIDTH)}
    return picture(
        f"Distribution of {name}: training and synthetic",
        WIDTH,
        bottom + 18,
        path([(0, bottom), *filled, (WIDTH, bottom)], "training fill", closed=True),
        path(outline, "synthetic stroke"),
        line(0, bottom, WIDTH, bottom, "axis"),
        *(text(labels[i], x, bottom + 14, "tick", anchor) for i, (anchor, x) in places.items()),
    )


def bars(name: str, labels: list[str], train: Shares, synthetic: Shares) -> Markup:
    """Pair two bars per category."""
    top = max([share for share in (*train, *synthetic) if share is not None], default=0.0)
    if not top:
        return _nothing(name)
    scale = (WIDTH - BAR_LABEL - 44) / top
    parts: list[Markup] = []
    for row, (label, left, right) in enumerate(zip(labels, train, synthetic, strict=True)):
        y = PLOT_TOP + row * BAR_ROW
        parts.append(text(shortened(label, 16), BAR_LABEL - 8, y + 11, "tick", "end"))
        if left is not None:
            parts.append(rectangle(BAR_LABEL, y, max(1, left * scale), 7, "training fill solid"))
        if right is not None:
            parts.append(rectangle(BAR_LABEL, y + 8, max(1, right * scale), 5, "synthetic fill solid"))
        shown = "under 10" if left is None else f"{left:.1%}"
        parts.append(text(shown, BAR_LABEL + max(left or 0, right or 0) * scale + 5, y + 11, "tick faint"))
    height = PLOT_TOP + len(labels) * BAR_ROW + 4
    return picture(f"Shares of {name}: training and synthetic", WIDTH, height, *parts)


def matrix(title: str, names: list[str], values: list[list[float]], *, difference: bool = False) -> Markup:
    """Draw a matrix of associations, -1 to 1, or of their differences, 0 to 1."""
    named = len(names) <= MAX_NAMED
    label, margin = (100.0, 42.0) if named else (4.0, 4.0)  # the last name leans over the edge
    top = 88.0 if named else 4.0
    cell = (WIDTH - label - margin) / len(names)
    parts = []
    for i, row in enumerate(values):
        if named:
            name, middle = shortened(names[i], 13), (i + 0.5) * cell + 3.5
            parts.append(text(name, label - 6, top + middle, "tick", "end"))
            parts.append(text(name, 0, 0, "tick", transform=f"translate({label + middle:.1f} {top - 5}) rotate(-60)"))
        for j, value in enumerate(row):
            color = _blend(MIDDLE, DARK, min(1.0, 4 * value)) if difference else _diverging(value)
            parts.append(
                element(
                    "rect",
                    element("title", f"{names[i]}, {names[j]}: {value:.2f}"),
                    x=label + j * cell,
                    y=top + i * cell,
                    width=cell - 0.8,
                    height=cell - 0.8,
                    fill=color,
                )
            )
    return picture(title, WIDTH, top + len(names) * cell + 2, *parts)


def density(title: str, grid: list[Shares], peak: float, *, synthetic: bool) -> Markup:
    """Draw how densely rows lie along two components; cells of fewer than ten rows stay empty."""
    width, height = WIDTH / len(grid), DENSITY_HEIGHT / len(grid[0])
    deep = SYNTHETIC if synthetic else TRAINING
    parts = [rectangle(0, 0, WIDTH, DENSITY_HEIGHT, "plot")]
    for i, column in enumerate(grid):
        for j, share in enumerate(column):
            if share is not None:
                color = _blend(MIDDLE, deep, 0.12 + 0.88 * (share / peak) ** 0.5)
                y = DENSITY_HEIGHT - (j + 1) * height
                parts.append(rectangle(i * width, y, width + 0.4, height + 0.4, fill=color))
    return picture(title, WIDTH, DENSITY_HEIGHT, *parts)


def roc(attacks: dict[str, dict[str, Any]], strongest: str) -> Markup:
    """Draw the attacks' ROC curves over the random line."""
    left, size = 42.0, ROC_SIZE

    def place(point: list[float]) -> tuple[float, float]:
        return left + point[0] * size, 6 + size - point[1] * size

    order = sorted(attacks, key=lambda name: name == strongest)
    ticks = [
        part
        for share in (0, 0.5, 1)
        for part in (
            text(f"{share:.0%}", left + share * size, size + 22, "tick", "middle"),
            text(f"{share:.0%}", left - 6, 10 + size - share * size, "tick", "end"),
        )
    ]
    return picture(
        "ROC curves of the membership attacks",
        left + size + 20,
        size + 44,
        rectangle(left, 6, size, size, "plot"),
        *(path([place(p) for p in attacks[n]["roc"]], "roc strongest" if n == strongest else "roc") for n in order),
        line(left, 6 + size, left + size, 6, "random"),  # last: good curves lie on it
        *ticks,
        text("other people taken for members", left + size / 2, size + 40, "tick faint", "middle"),
    )


def risks(rows: list[dict[str, Any]]) -> Markup:
    """Draw risks with their intervals, and what is allowed, on one axis from 0 to 1.

    :param rows: label, value, low, high and limit of each.
    """
    scale = RISK_WIDTH - RISK_LABEL - 60
    parts = []
    for position, row in enumerate(rows):
        y = 20 + position * RISK_ROW
        start = RISK_LABEL
        parts.append(text(row["label"], RISK_LABEL - 16, y + 4, "label", "end"))
        parts.append(line(start, y, start + scale, y, "grid"))
        if row["low"] is not None:
            parts.append(line(start + row["low"] * scale, y, start + row["high"] * scale, y, "interval"))
        limit = start + row["limit"] * scale
        parts.append(line(limit, y - 9, limit, y + 9, "limit"))
        failed = row["value"] > row["limit"]
        parts.append(
            element("circle", cx=start + row["value"] * scale, cy=y, r=5, class_="dot bad" if failed else "dot")
        )
        parts.append(text(f"{row['value']:.1%}", RISK_WIDTH - 52, y + 4, "label"))
    base = 20 + len(rows) * RISK_ROW
    parts += [
        text(f"{share:.0%}", RISK_LABEL + share * scale, base, "tick", "middle") for share in (0, 0.25, 0.5, 0.75, 1)
    ]
    return picture("Risks with their intervals and limits", RISK_WIDTH, base + 6, *parts)


def _steps(shares: Shares) -> list[tuple[int, float | None]]:
    return [(edge, share) for i, share in enumerate(shares) for edge in (i, i + 1)]


def _nothing(name: str) -> Markup:
    return picture(
        f"Distribution of {name} is not shown",
        WIDTH,
        PLOT_HEIGHT,
        rectangle(0, 0, WIDTH, PLOT_HEIGHT, "plot"),
        text("not shown: groups of fewer than 10", WIDTH / 2, PLOT_HEIGHT / 2 + 4, "tick faint", "middle"),
    )


def _diverging(value: float) -> str:
    return _blend(MIDDLE, POSITIVE if value >= 0 else NEGATIVE, min(1.0, abs(value)) ** 0.7)


def _blend(first: tuple[int, int, int], second: tuple[int, int, int], part: float) -> str:
    return "#" + "".join(f"{round(a + (b - a) * part):02x}" for a, b in zip(first, second, strict=True))
