"""The page stands alone and shows no one."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pandas as pd
import pytest

from services.gretel.evaluation import Report, evaluate
from services.gretel.table import Kind
from tests.unit.evaluation.canaries import HOLDOUT, ROWS, measured
from tests.unit.evaluation.populations import eccentrics, people, table

VOID = {"meta"}


class Page(HTMLParser):
    """Checks nesting and collects tags, attributes and text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text: list[str] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.mark.parametrize("name", ["honest", "memorized", "planted_eccentrics"])
def test_page_is_self_contained(name: str) -> None:
    html = measured(name).to_html()
    page = Page(html)
    assert "script" not in page.tags
    assert not {"href", "src", "style", "xlink:href"} & {attribute for attribute, _ in page.attributes}
    assert "url(" not in html
    assert "://" not in html
    assert "@import" not in html


def test_policy_allows_the_style_and_nothing_else(honest: Report) -> None:
    html = honest.to_html()
    (style,) = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'" in html.replace("&#39;", "'")


def test_verdict_is_in_plain_words() -> None:
    assert "Nothing measured speaks against a release" in measured("honest").to_html()
    bad = measured("memorized").to_html()
    assert "Not fit for release" in bad
    assert "1,600 rows equal a training row" in bad
    failed = sum(not check.passed for check in measured("memorized").checks)
    assert f"{failed} of 13 default checks failed" in bad
    assert bad.count("✗ failed") == failed


def test_every_column_and_picture_is_there(honest: Report) -> None:
    page = Page(honest.to_html())
    text = " ".join(page.text)
    for name in people(1, 1).columns:
        assert name in text
    # 12 columns, 3 matrices, 2 component plots, ROC curves, risks.
    assert page.tags.count("svg") == 12 + 3 + 2 + 1 + 1
    for attack in honest.measures["membership_inference_auc"].detail["attacks"].values():
        assert attack["meaning"] in text


def shown(report: Report) -> str:
    return json.dumps(report.to_json()) + report.to_html()


def test_rare_categories_are_never_named() -> None:
    assert "Atlantis" not in shown(measured("planted_categories"))


def test_outliers_are_never_shown() -> None:
    report = measured("planted_eccentrics")
    tokens = set(re.findall(r"\d[\d,.]*", shown(report)))
    numbers = {float(token.replace(",", "").rstrip(".")) for token in tokens if token.count(".") <= 1}
    odd = eccentrics(12)
    for name in ("avg_secs", "max_secs", "sessions"):
        assert not numbers & {float(value) for value in odd[name]}
    # Nor anything near them: whatever is on an axis lies within the middle of training.
    edges = [
        float(edge.replace(",", ""))
        for f in report.fields
        if f["name"] == "avg_secs"
        for edge in f["left_distribution"]
    ]
    assert max(edges) < odd["avg_secs"].min() / 10


def test_shown_shares_stand_for_ten_people_or_more(honest: Report) -> None:
    report = honest.to_json()
    for field in report["fields"]:
        features = field["left_field_features"]
        known = features["count"] - (features["missing"] or 0)
        shares = [share for share in field["left_distribution"].values() if share is not None]
        assert shares, field["name"]
        assert min(shares) * known >= 10 - 0.5
    components = report["evidence"]["pictures"]["components"]
    cells = [share for row in components["training"] for share in row if share is not None]
    assert min(cells) * ROWS >= 10 - 0.5


def test_no_cell_of_the_data_can_be_read_off_the_bins(honest: Report) -> None:
    """Bin edges are round numbers; of the precise values of training, none is an edge."""
    train = people(ROWS, 1)
    fields = {field["name"]: field for field in honest.to_json()["fields"]}
    for name in ("avg_secs", "max_secs"):
        edges = {float(edge.replace(",", "")) for edge in fields[name]["left_distribution"]}
        assert edges
        assert not edges & set(train[name])
        assert max(edges) < train[name].quantile(0.99)


def test_names_of_columns_and_categories_are_escaped() -> None:
    attack = '"><script>alert(1)</script>'

    def hostile(rows: int, seed: int) -> pd.DataFrame:
        frame = people(rows, seed).rename(columns={"country": attack})
        frame.loc[frame[attack] == "FR", attack] = "<img src=x onerror=alert(2)>"
        return frame[["gender", attack, "avg_secs"]]

    report = evaluate(
        *(
            table(hostile(rows, seed), **{attack: Kind.CATEGORICAL})
            for rows, seed in ((ROWS, 1), (HOLDOUT, 2), (ROWS, 3))
        ),
        quasi_identifiers=["gender", attack],
        seed=1,
    )
    page = Page(report.to_html())
    assert "script" not in page.tags
    assert "img" not in page.tags
    assert attack in "".join(page.text)
