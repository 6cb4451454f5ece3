"""A real browser in Airflow's web UI: for the UI tests, and for the pictures in the documentation (`make pictures`)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from local.components.airflow import USER, Airflow
from local.settings import REPOSITORY
from local.stack import Stack

DEBIANS_CHROMIUM = Path("/usr/bin/chromium")
IMAGES = REPOSITORY / "docs" / "images"
FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]

WITHOUT_BUTTONS = ".react-flow__panel, button { display: none }"


@contextmanager
def airflow_page(airflow: Airflow, width: int = 1500, height: int = 900) -> Iterator[Page]:
    """Open a page that is logged in to Airflow."""
    with sync_playwright() as playwright:
        # Without Debian's package, Playwright's own download (`playwright install chromium`).
        path = DEBIANS_CHROMIUM if DEBIANS_CHROMIUM.exists() else None
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        page = browser.new_page(viewport={"width": width, "height": height})
        page.goto(airflow.url)
        page.fill("input[name=username]", USER)
        page.fill("input[name=password]", airflow.password)
        page.click("button[type=submit]")
        expect(page.get_by_test_id("nav-home-link")).to_be_visible(timeout=30_000)
        yield page
        browser.close()


def open_graph(page: Page, airflow: Airflow, dag_id: str) -> list[str]:
    """Show a DAG's graph alone; return its tasks' ids as drawn."""
    page.goto(f"{airflow.url}/dags/{dag_id}")
    page.get_by_label("Show Graph (Press g)").click(timeout=30_000)
    page.get_by_label("Collapse Details Panel").click()
    nodes = page.locator(".react-flow__node")
    expect(nodes.first).to_be_visible(timeout=30_000)
    page.get_by_label("Fit View").click()
    return [str(node.get_attribute("data-id")) for node in nodes.all()]


def take_pictures(dag_ids: list[str]) -> None:
    """Draw the DAGs of the running stack into docs/images."""
    stack = Stack()
    IMAGES.mkdir(exist_ok=True)
    with airflow_page(stack.airflow, width=1400, height=420) as page:
        for dag_id in dag_ids:
            open_graph(page, stack.airflow, dag_id)
            page.wait_for_load_state("networkidle")
            page.locator(".react-flow").screenshot(path=IMAGES / f"{dag_id}.png", style=WITHOUT_BUTTONS)


if __name__ == "__main__":
    take_pictures(sys.argv[1:])
