"""The queue in the database."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from services.gretel.store.artifacts import ArtifactStore, TooManyArtifactsError, file_id
from services.gretel.store.database import Database
from services.gretel.store.job_types import CreditsExhaustedError, Job, Limits, NewJob, Status, TooManyJobsError
from services.gretel.store.jobs import JobStore
from services.gretel.store.projects import NameTakenError, ProjectStore

UNLIMITED = Limits(max_jobs=1000, monthly_seconds=0)
USER = "u" * 24


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path / "service.db")


@pytest.fixture
def jobs(database: Database) -> JobStore:
    return JobStore(database)


@pytest.fixture
def project_id(database: Database) -> str:
    return make_project(database, "first")


def make_project(database: Database, name: str) -> str:
    return ProjectStore(database).create(USER, name=name, display_name="", description="", runner_mode=None).id


def new_job(project_id: str, *, kind: str = "model", model_uid: str | None = None, name: str = "job") -> NewJob:
    return NewJob(
        kind=kind,
        project_id=project_id,
        name=name,
        model_type="cart",
        config={"name": name},
        task={"seed": 1},
        user_id=USER,
        model_uid=model_uid,
    )


def submit(jobs: JobStore, project_id: str, **fields: str) -> Job:
    return jobs.submit(new_job(project_id, **fields), UNLIMITED)


def test_a_job_passes_through_its_states(jobs: JobStore, project_id: str) -> None:
    uid = submit(jobs, project_id).uid
    published: list[str] = []

    claimed = jobs.claim()
    assert claimed is not None
    assert (claimed.uid, claimed.status, claimed.attempt) == (uid, Status.PENDING, 1)
    assert jobs.activate(uid)
    assert jobs.complete(uid, publish=lambda: published.append(uid))

    job = jobs.require(uid)
    assert job.status == Status.COMPLETED
    assert list(job.status_history) == ["created", "pending", "active", "completed"]
    assert published == [uid]
    assert jobs.claim() is None


def test_a_job_that_has_ended_changes_no_more(jobs: JobStore, project_id: str) -> None:
    uid = submit(jobs, project_id).uid
    jobs.claim()
    assert jobs.cancel(uid)

    assert not jobs.activate(uid)
    assert not jobs.cancel(uid)
    assert not jobs.fail(uid, Status.ERROR, "too late")
    assert not jobs.complete(uid, publish=lambda: pytest.fail("nothing may be published"))
    jobs.requeue(uid)
    assert jobs.require(uid).status == Status.CANCELLED
    assert jobs.require(uid).error_msg is None


def test_a_failure_to_publish_leaves_the_job_unfinished(jobs: JobStore, project_id: str) -> None:
    uid = submit(jobs, project_id).uid
    jobs.claim()
    jobs.activate(uid)

    def fail() -> None:
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        jobs.complete(uid, publish=fail)
    assert jobs.require(uid).status == Status.ACTIVE


def test_a_requeued_job_keeps_its_place_and_counts_its_starts(jobs: JobStore, project_id: str) -> None:
    first, second = submit(jobs, project_id).uid, submit(jobs, project_id).uid
    jobs.claim()
    jobs.requeue(first)

    claimed = jobs.claim()

    assert claimed is not None
    assert (claimed.uid, claimed.attempt) == (first, 2)
    assert [job.uid for job in jobs.unfinished()] == [first, second]


def test_projects_take_turns(jobs: JobStore, database: Database, project_id: str) -> None:
    other = make_project(database, "second")
    order = [submit(jobs, project).uid for project in (project_id, project_id, project_id, other)]

    claimed = [jobs.claim() for _ in range(4)]

    assert [job.uid for job in claimed if job] == [order[0], order[3], order[1], order[2]]


def test_no_job_is_claimed_twice(jobs: JobStore, project_id: str) -> None:
    uids = {submit(jobs, project_id).uid for _ in range(40)}
    together = threading.Barrier(8)

    def claim_all() -> list[str]:
        together.wait()
        claimed = []
        while (job := jobs.claim()) is not None:
            claimed.append(job.uid)
        return claimed

    with ThreadPoolExecutor(8) as pool:
        claimed = [uid for uids in pool.map(lambda _: claim_all(), range(8)) for uid in uids]

    assert sorted(claimed) == sorted(uids)


def test_the_limit_holds_however_many_submit_at_once(jobs: JobStore, project_id: str) -> None:
    together = threading.Barrier(8)

    def try_to_submit(_: int) -> bool:
        together.wait()
        try:
            jobs.submit(new_job(project_id), Limits(max_jobs=3, monthly_seconds=0))
        except TooManyJobsError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(try_to_submit, range(8))) == 3


def test_used_time_is_remembered_when_the_job_is_deleted(jobs: JobStore, project_id: str) -> None:
    job = submit(jobs, project_id)
    jobs.add_seconds(job, 7.5)
    jobs.add_seconds(job, 2.5)
    jobs.delete(job.uid)

    assert jobs.used_seconds(USER) == 10
    with pytest.raises(CreditsExhaustedError):
        jobs.submit(new_job(project_id), Limits(max_jobs=9, monthly_seconds=10))
    jobs.submit(new_job(project_id), Limits(max_jobs=9, monthly_seconds=11))


def test_deleting_a_model_takes_its_record_handlers_and_logs_along(jobs: JobStore, project_id: str) -> None:
    model = submit(jobs, project_id)
    handlers = [submit(jobs, project_id, kind="handler", model_uid=model.uid) for _ in range(2)]
    jobs.log(handlers[0].uid, "run", "hello", {})

    assert set(jobs.delete(model.uid)) == {model.uid, handlers[0].uid, handlers[1].uid}

    assert jobs.uids() == set()
    assert jobs.logs(handlers[0].uid) == []
    jobs.log(model.uid, "run", "nobody is there", {})
    assert jobs.logs(model.uid) == []


def test_log_lines_are_numbered_in_order(jobs: JobStore, project_id: str) -> None:
    uid = submit(jobs, project_id).uid
    for number in range(12):
        jobs.log(uid, "train", f"line {number}", {"n": number})

    lines = jobs.logs(uid)

    assert [(line["seq"], line["msg"], line["ctx"]) for line in lines] == [
        (number + 1, f"line {number}", {"n": number}) for number in range(12)
    ]
    assert [line["ts"] for line in lines] == sorted(line["ts"] for line in lines)


def test_what_was_written_is_there_after_reopening(tmp_path: Path) -> None:
    project = make_project(Database(tmp_path / "service.db"), "kept")
    uid = submit(JobStore(Database(tmp_path / "service.db")), project).uid

    assert JobStore(Database(tmp_path / "service.db")).require(uid).status == Status.CREATED


def test_a_database_of_another_version_is_refused(tmp_path: Path) -> None:
    Database(tmp_path / "service.db").connection.execute("PRAGMA user_version = 99")

    with pytest.raises(RuntimeError, match=r"service\.db has schema version 99, this service needs"):
        Database(tmp_path / "service.db")


def test_a_project_name_belongs_to_its_members(database: Database, project_id: str) -> None:
    projects = ProjectStore(database)
    again = projects.create(USER, name="first", display_name="x", description="", runner_mode=None)
    assert again.id == project_id

    with pytest.raises(NameTakenError):
        projects.create("stranger", name="first", display_name="", description="", runner_mode=None)
    assert projects.find("first", "stranger") is None
    projects.add_member(project_id, "stranger")
    assert projects.find("first", "stranger") == again


def test_a_search_takes_no_wildcards(database: Database) -> None:
    projects = ProjectStore(database)
    for name in ("a-b", "a-c"):
        make_project(database, name)

    assert [project.name for project in projects.search(USER, query="a-", limit=9)] == ["a-c", "a-b"]
    assert projects.search(USER, query="a%", limit=9) == []
    assert projects.search(USER, query="a_b", limit=9) == []


def test_announced_artifacts_that_never_come_make_room(database: Database, project_id: str) -> None:
    artifacts = ArtifactStore(database)
    stale = artifacts.create(project_id, "a.csv", limit=1)
    with pytest.raises(TooManyArtifactsError):
        artifacts.create(project_id, "b.csv", limit=1)
    database.connection.execute("UPDATE artifacts SET created = '2020-01-01T00:00:00.000000Z'")

    fresh = artifacts.create(project_id, "b.csv", limit=1)

    assert artifacts.keys() == {fresh.key}
    assert artifacts.get(stale.key) is None


def test_an_artifact_is_completed_once(database: Database, project_id: str) -> None:
    artifacts = ArtifactStore(database)
    key = artifacts.create(project_id, "a.csv", limit=9).key
    assert artifacts.list(project_id) == []

    with artifacts.completing(key, size=3, sha256="x") as first:
        assert first
    with artifacts.completing(key, size=4, sha256="y") as second:
        assert not second

    [artifact] = artifacts.list(project_id)
    assert (artifact.status, artifact.size, artifact.sha256) == ("completed", 3, "x")


def test_a_failure_to_put_a_file_in_place_leaves_the_artifact_pending(database: Database, project_id: str) -> None:
    artifacts = ArtifactStore(database)
    key = artifacts.create(project_id, "a.csv", limit=9).key

    with pytest.raises(OSError, match="disk"), artifacts.completing(key, size=3, sha256="x"):
        raise OSError("disk")

    artifact = artifacts.get(key)
    assert artifact is not None
    assert artifact.status == "pending"


@pytest.mark.parametrize("key", ["", "gretel_x", f"gretel_{'0' * 32}_a/b", f"gretel_{'0' * 32}_", f"x{'0' * 32}_a"])
def test_only_an_artifact_key_names_a_file(key: str) -> None:
    with pytest.raises(ValueError, match="is not an artifact key"):
        file_id(key)
