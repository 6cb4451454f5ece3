"""Jobs in worker processes: cancelled, killed, interrupted, limited."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import psutil
import pytest
from gretel_client.projects import Project
from gretel_client.projects.exceptions import CreditExhaustException, MaxConcurrentJobsException, ModelNotFoundError
from gretel_client.projects.jobs import Status
from gretel_client.projects.models import Model

from tests.integration.gretel_service.conftest import BOB, Services
from tests.support.gretel_jobs import bookings, config, messages, wait_for
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def long_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that takes a while to train on."""
    path = tmp_path_factory.mktemp("data") / "long.csv"
    wide = bookings(rows=200_000, seed=2)
    pd.concat([wide.add_suffix(f"_{copy}") for copy in range(3)], axis=1).to_csv(path, index=False)
    return path


def long_model(project: Project, long_file: Path) -> Model:
    """A job that takes much longer than any test looks at it."""
    settings = config(generate={"num_records": 1_000_000}, evaluate={"seed": 7})
    return project.create_model_obj(settings, data_source=str(long_file))


def submit_long(project: Project, long_file: Path) -> Model:
    """Submit a long job and wait until its worker is at work."""
    model = long_model(project, long_file)
    model.submit()
    wait_until(lambda: "Loading training data" in messages(model), "the worker to begin")
    return model


def gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_cancelling_kills_the_worker_and_the_next_job_runs(
    services: Services, long_file: Path, frame: pd.DataFrame
) -> None:
    service = services.start(workers="1")
    project = service.project()
    model = submit_long(project, long_file)
    worker = service.busy_worker()

    model.cancel()

    model.refresh()
    assert model.status == Status.CANCELLED
    wait_until(lambda: gone(worker), "the worker's end", seconds=5)
    wait_until(lambda: not list((service.data_dir / "staging").iterdir()), "its files to be gone", seconds=5)
    following = project.create_model_obj(config(), data_source=frame).submit()
    assert wait_for(following) == Status.COMPLETED
    model.refresh()
    assert model.status == Status.CANCELLED
    assert model.errors is None


def test_a_queued_job_is_cancelled_before_it_begins(services: Services, long_file: Path, frame: pd.DataFrame) -> None:
    service = services.start(workers="1")
    project = service.project()
    running = submit_long(project, long_file)
    queued = project.create_model_obj(config(), data_source=frame).submit()
    assert queued.status == Status.CREATED

    queued.cancel()
    running.cancel()

    assert wait_for(queued) == Status.CANCELLED
    assert messages(queued) == []


def test_killing_the_service_leaves_no_process_behind(services: Services, long_file: Path) -> None:
    service = services.start(workers="1")
    submit_long(service.project(), long_file)
    workers = service.workers()
    assert len(workers) == 2

    service.kill()

    wait_until(lambda: all(gone(worker) for worker in workers), "the workers' end", seconds=20)


def test_ending_the_service_takes_the_workers_along(services: Services, long_file: Path) -> None:
    service = services.start(workers="1")
    submit_long(service.project(), long_file)
    workers = service.workers()
    assert len(workers) == 2

    assert service.terminate() == 0

    assert all(gone(worker) for worker in workers)


def test_a_restart_keeps_what_is_finished_and_goes_on_with_the_rest(
    services: Services, long_file: Path, frame: pd.DataFrame
) -> None:
    service = services.start(workers="1")
    project = service.project()
    finished = project.create_model_obj(config(), data_source=frame).submit()
    assert wait_for(finished) == Status.COMPLETED
    preview = pd.read_csv(finished.get_artifact_link("data_preview"), compression="gzip")
    interrupted = submit_long(project, long_file)
    queued = project.create_model_obj(config(), data_source=frame).submit()

    service.kill()
    service.start()

    finished.refresh()
    assert finished.status == Status.COMPLETED
    again = pd.read_csv(finished.get_artifact_link("data_preview"), compression="gzip")
    pd.testing.assert_frame_equal(preview, again)
    note = "The service stopped while this job was running; it starts again from the beginning."
    wait_until(lambda: messages(interrupted).count("Starting cart model training") == 2, "the second start")
    assert messages(interrupted).count(note) == 1
    assert interrupted.status in {Status.CREATED, Status.PENDING, Status.ACTIVE}
    interrupted.cancel()
    assert wait_for(queued) == Status.COMPLETED


def test_a_job_interrupted_too_often_is_lost(services: Services, long_file: Path) -> None:
    service = services.start(workers="1", job_attempts="1")
    model = submit_long(service.project(), long_file)

    service.kill()
    service.start()

    model.refresh()
    assert model.status == Status.LOST
    assert "The service stopped while this job was running" in str(model.errors)
    assert not list((service.data_dir / "staging").iterdir())


def test_a_worker_that_is_killed_fails_its_job_alone(services: Services, long_file: Path, frame: pd.DataFrame) -> None:
    service = services.start(workers="1")
    project = service.project()
    model = submit_long(project, long_file)

    service.busy_worker().kill()

    assert wait_for(model) == Status.ERROR
    assert "killed by signal 9" in str(model.errors)
    assert wait_for(project.create_model_obj(config(), data_source=frame).submit()) == Status.COMPLETED


def test_a_fault_of_the_service_is_found_in_its_log(services: Services, long_file: Path) -> None:
    service = services.start(workers="1")
    project = service.project()
    model = project.create_model_obj(config(generate={"num_records": 10}), data_source=str(long_file)).submit()
    wait_until(lambda: "Loading training data" in messages(model), "the worker to begin")
    worker = service.busy_worker()
    worker.suspend()
    shutil.rmtree(next((service.data_dir / "staging").iterdir()))  # where the worker will write
    worker.resume()

    assert wait_for(model) == Status.ERROR
    assert "Unexpected FileNotFoundError" in str(model.errors)
    log = service.log.read_text()
    assert f"job {model.model_id} failed: Unexpected FileNotFoundError" in log
    assert "in write_csv" in log


def test_a_fault_of_the_queue_fails_its_job_alone(services: Services, frame: pd.DataFrame) -> None:
    service = services.start(workers="1")
    project = service.project()
    staging = service.data_dir / "staging"
    key = project.upload_artifact(frame)
    staging.rmdir()

    model = project.create_model_obj(config(), data_source=key).submit()

    assert wait_for(model) == Status.ERROR
    assert model.errors == "Internal error of the service's queue; its log holds the details."
    log = service.log.read_text()
    assert f"job {model.model_id}: the dispatcher failed\nTraceback" in log
    assert "FileNotFoundError" in log
    staging.mkdir()
    assert wait_for(project.create_model_obj(config(), data_source=key).submit()) == Status.COMPLETED


def test_a_worker_that_needs_too_much_memory_says_so(services: Services, long_file: Path) -> None:
    service = services.start(workers="1", worker_memory_mib="100")

    model = service.project().create_model_obj(config(), data_source=str(long_file)).submit()

    assert wait_for(model) == Status.ERROR
    assert "needed more than 100 MiB of memory" in str(model.errors)


def test_projects_take_turns(services: Services, long_file: Path, frame: pd.DataFrame) -> None:
    service = services.start(workers="2")
    busy, other = service.project("busy-project"), service.project("other-project")
    running = submit_long(busy, long_file)
    queued = [long_model(busy, long_file).submit() for _ in range(2)]
    wait_until(lambda: messages(queued[0]), "the second slot to be taken")
    first_in_other = other.create_model_obj(config(), data_source=frame).submit()

    running.cancel()

    assert wait_for(first_in_other) == Status.COMPLETED
    wait_until(lambda: messages(queued[1]), "its turn to come")
    assert first_in_other.logs[0]["ts"] < queued[1].logs[0]["ts"]


def test_many_jobs_at_once_each_get_their_own_result(services: Services) -> None:
    service = services.start(workers="3")
    project = service.project()
    frames = [bookings(rows=60 + number, seed=number) for number in range(6)]
    sizes = [10 + number for number in range(6)]
    jobs = [
        project.create_model_obj(config(name=f"model-{size}", generate={"num_records": size}), data_source=data)
        for size, data in zip(sizes, frames, strict=True)
    ]
    for job in jobs:
        job.submit()

    assert [wait_for(job) for job in jobs] == [Status.COMPLETED] * 6

    previews = [pd.read_csv(job.get_artifact_link("data_preview"), compression="gzip") for job in jobs]
    assert [len(preview) for preview in previews] == sizes
    loaded = [next(line["ctx"] for line in job.logs if line["msg"] == "Training data loaded") for job in jobs]
    assert [numbers["record_count"] for numbers in loaded] == [len(data) for data in frames]


def test_a_project_may_queue_so_many_jobs_and_no_more(services: Services, long_file: Path) -> None:
    service = services.start(workers="1", max_jobs="2")
    project = service.project()
    first = submit_long(project, long_file)
    key = first.data_source
    second = project.create_model_obj(config(), data_source=key).submit()

    with pytest.raises(MaxConcurrentJobsException):
        project.create_model_obj(config(), data_source=key).submit()

    service.project("another-one").create_model_obj(config(), data_source=str(long_file)).submit()
    second.cancel()
    third = project.create_model_obj(config(), data_source=key).submit()
    assert third.status == Status.CREATED


def test_worker_time_is_counted_and_runs_out(services: Services, frame: pd.DataFrame) -> None:
    service = services.start(workers="1", monthly_seconds="1")
    project = service.project()
    model = project.create_model_obj(config(), data_source=frame).submit()
    assert wait_for(model) == Status.COMPLETED
    model.delete()  # gives nothing back

    def refused() -> bool:
        try:
            wait_for(project.create_model_obj(config(), data_source=model.data_source).submit())
        except CreditExhaustException:
            return True
        return False

    wait_until(refused, "the month's second of worker time to be used up")
    wait_for(service.project("others", key=BOB).create_model_obj(config(), data_source=frame).submit())


def test_a_job_that_takes_too_long_is_stopped(services: Services, long_file: Path) -> None:
    service = services.start(workers="1", job_seconds="2")

    model = long_model(service.project(), long_file).submit()

    assert wait_for(model) == Status.ERROR
    assert "The job ran for 2 seconds, the longest this service allows" in str(model.errors)


def test_deleting_a_running_model_kills_its_worker_and_leaves_nothing(services: Services, long_file: Path) -> None:
    service = services.start(workers="1")
    project = service.project()
    model = submit_long(project, long_file)
    worker = service.busy_worker()

    model.delete()

    wait_until(lambda: gone(worker), "the worker's end", seconds=5)
    with pytest.raises(ModelNotFoundError):
        model.refresh()
    project.delete_artifact(str(model.data_source))
    wait_until(lambda: not list((service.data_dir / "staging").iterdir()), "its files to be gone", seconds=5)
    assert not list((service.data_dir / "projects").glob("*/*/*"))
