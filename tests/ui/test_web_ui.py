"""What a person sees in Airflow's web UI, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from local.airflow_api import AirflowApi
from local.stack import Stack
from tests.support.browser import airflow_page, open_graph

pytestmark = pytest.mark.ui

DAG_ID = "gretel_synthetics_airbnb_bookings"


@pytest.fixture(scope="module")
def page(engines: Stack, airflow: AirflowApi) -> Iterator[Page]:
    airflow.wait_for_dag(DAG_ID)
    with airflow_page(engines.airflow) as page:
        yield page


def test_the_graph_is_the_pipeline(engines: Stack, page: Page) -> None:
    assert open_graph(page, engines.airflow, DAG_ID) == [
        "extract_features",
        "generate_synthetic_features",
        "evaluate_synthetic_features",
        "upload_synthetic_features",
        "delete_raw_features",
    ]


def test_the_trigger_form_asks_for_query_rows_model_and_gate(engines: Stack, page: Page) -> None:
    page.goto(f"{engines.airflow.url}/dags/{DAG_ID}")
    page.get_by_test_id("trigger-dag-button").click(timeout=30_000)
    form = page.get_by_role("dialog")
    for label in ("Feature query", "Most rows to train on", "Synthetic rows to generate", "Model configuration"):
        expect(form.get_by_text(label)).to_be_visible()
    expect(form.get_by_text("Release gate")).to_be_visible()
    expect(form.get_by_text("Lowest overall quality, of 10")).to_be_attached()


def test_gretel_is_among_the_connection_types_with_labelled_fields(engines: Stack, page: Page) -> None:
    page.goto(f"{engines.airflow.url}/connections")
    page.get_by_role("button", name="Add Connection").click(timeout=30_000)
    form = page.get_by_role("dialog")
    form.get_by_role("combobox").click()
    page.keyboard.type("Gretel")
    page.keyboard.press("Enter")
    for label in ("API host", "API key", "Port", "Scheme"):
        expect(form.get_by_text(label, exact=True)).to_be_visible()
    expect(form.get_by_text("Login", exact=True)).to_have_count(0)
    form.get_by_role("button", name="Extra Fields", exact=True).click()
    expect(form.get_by_text("Project", exact=True)).to_be_visible()


def test_the_dags_documentation_is_shown(engines: Stack, page: Page) -> None:
    page.goto(f"{engines.airflow.url}/dags/{DAG_ID}")
    page.get_by_test_id("markdown-button").click(timeout=30_000)
    expect(page.get_by_text("Synthetic Airbnb bookings, one row per user.")).to_be_visible()


def test_the_warehouse_load_is_one_group_per_table(engines: Stack, page: Page, airflow: AirflowApi) -> None:
    airflow.wait_for_dag("mysql_to_redshift")
    assert open_graph(page, engines.airflow, "mysql_to_redshift") == ["nps", "numbers_and_times", "texts_and_bytes"]


def test_a_backfill_can_be_started_there(engines: Stack, page: Page, airflow: AirflowApi) -> None:
    airflow.wait_for_dag("mysql_to_redshift")
    page.goto(f"{engines.airflow.url}/dags/mysql_to_redshift")
    page.get_by_test_id("trigger-dag-button").click(timeout=30_000)
    form = page.get_by_role("dialog")
    for label in ("Window start (else the run's)", "Replace whole tables"):
        expect(form.get_by_text(label)).to_be_visible()
    form.get_by_text("Backfill", exact=True).click()
    for label in ("Missing Runs", "Missing and Errored Runs", "All Runs", "Max Active Runs", "Run Backwards"):
        expect(form.get_by_text(label, exact=True)).to_be_visible()
