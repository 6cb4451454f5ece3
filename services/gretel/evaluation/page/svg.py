"""SVG elements, escaped: names of columns and categories come from the data."""

from markupsafe import Markup

Attribute = str | float


def element(tag: str, *children: Markup | str, **attributes: Attribute) -> Markup:
    """Build one element; `class_` and names with underscores become `class` and names with hyphens."""
    written = Markup("").join(
        Markup(' {}="{}"').format(name.rstrip("_").replace("_", "-"), _number(value))
        for name, value in attributes.items()
    )
    inner = Markup("").join(children)
    return Markup("<{0}{1}>{2}</{0}>").format(tag, written, inner)


def picture(title: str, width: float, height: float, *children: Markup) -> Markup:
    """Build a picture that scales with the page; the title is what a screen reader says."""
    return element(
        "svg",
        element("title", title),
        *children,
        viewBox=f"0 0 {_number(width)} {_number(height)}",
        width=width,
        height=height,
        role="img",
    )


def text(content: str, x: float, y: float, class_: str = "", anchor: str = "start", **attributes: Attribute) -> Markup:
    """Build a line of text."""
    return element("text", content, x=x, y=y, text_anchor=anchor, class_=f"t {class_}".strip(), **attributes)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    """Build a straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def rectangle(x: float, y: float, width: float, height: float, class_: str = "", **attributes: Attribute) -> Markup:
    """Build a rectangle."""
    more = {"class_": class_} if class_ else {}
    return element("rect", x=x, y=y, width=width, height=height, **more, **attributes)


def path(points: list[tuple[float, float]], class_: str, *, closed: bool = False) -> Markup:
    """Build a line through points."""
    steps = " ".join(f"{'L' if i else 'M'}{_number(x)} {_number(y)}" for i, (x, y) in enumerate(points))
    return element("path", d=steps + (" Z" if closed else ""), class_=class_)


def shortened(name: str, length: int) -> str:
    """Cut a name that would not fit."""
    return name if len(name) <= length else name[: length - 1] + "…"


def _number(value: Attribute) -> str:
    return value if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")
