"""gretel-client's `Gretel` class."""

from __future__ import annotations

import pandas as pd
import pytest
from gretel_client import Gretel
from gretel_client.config import ClientConfig
from gretel_client.gretel.job_results import TrainJobResults
from gretel_client.projects import Project
from gretel_client.projects.jobs import Status

from tests.conformance.gretel.conftest import plain_config

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def gretel_class(session: ClientConfig, project: Project) -> Gretel:
    return Gretel(session=session, project_name=project.name)


@pytest.fixture(scope="module", params=["actgan", "navigator_ft"])
def trained_results(request: pytest.FixtureRequest, gretel_class: Gretel, frame: pd.DataFrame) -> TrainJobResults:
    base = plain_config(request.param, name=f"high-level-{request.param}", evaluate={"skip": False})
    return gretel_class.submit_train(base, data_source=frame, job_label="one", generate={"num_records": 110})


def test_submit_train_returns_report_logs_and_configuration(trained_results: TrainJobResults) -> None:
    assert trained_results.job_status == Status.COMPLETED
    assert trained_results.report is not None
    assert 0 <= trained_results.report.quality_scores["synthetic_data_quality_score"] <= 100
    assert "<html" in trained_results.report.as_html.lower()
    assert trained_results.model_logs
    assert trained_results.model_config is not None
    assert trained_results.model_config["name"].endswith("-one")
    assert trained_results.model_config_section["generate"]["num_records"] == 110


def test_the_reports_rows_are_the_preview(trained_results: TrainJobResults, frame: pd.DataFrame) -> None:
    rows = trained_results.fetch_report_synthetic_data()

    assert len(rows) == 110
    assert list(rows.columns) == list(frame.columns)


def test_results_can_be_fetched_later(gretel_class: Gretel, trained_results: TrainJobResults) -> None:
    fetched = gretel_class.fetch_train_job_results(trained_results.model_id)

    assert fetched.job_status == Status.COMPLETED
    assert fetched.report is not None
    assert trained_results.report is not None
    assert fetched.report.as_dict == trained_results.report.as_dict


def test_submit_generate_returns_the_rows(gretel_class: Gretel, trained_results: TrainJobResults) -> None:
    generated = gretel_class.submit_generate(trained_results.model_id, num_records=42)

    assert generated.job_status == Status.COMPLETED
    assert generated.synthetic_data is not None
    assert len(generated.synthetic_data) == 42
    fetched = gretel_class.fetch_generate_job_results(trained_results.model_id, generated.record_id)
    pd.testing.assert_frame_equal(fetched.synthetic_data, generated.synthetic_data)


def test_a_project_of_the_same_name_is_taken_up(gretel_class: Gretel, session: ClientConfig, project: Project) -> None:
    again = Gretel(session=session, project_name=project.name)

    assert again.get_project().project_id == project.project_id
