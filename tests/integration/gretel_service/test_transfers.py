"""Uploads and downloads by signed links."""

from __future__ import annotations

import gzip
import hashlib
import http.client
import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pandas as pd
import psutil
import pytest
import requests
import smart_open
from gretel_client.projects import Project
from gretel_client.projects.jobs import Status
from gretel_client.projects.models import Model

from tests.integration.gretel_service.conftest import ServiceProcess, Services
from tests.support.gretel_jobs import config, messages, wait_for
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration

MIB = 1024 * 1024


def announce(project: Project, filename: str = "data.csv") -> tuple[str, str]:
    """Announce an artifact; returns its key and the link to upload to."""
    response = project.projects_api.create_artifact(project_id=project.project_guid, artifact={"filename": filename})
    return response["data"]["key"], response["data"]["url"]


def staged(service: ServiceProcess) -> list[str]:
    return [path.name for path in (service.data_dir / "staging").iterdir()]


def kept(service: ServiceProcess, project: Project) -> list[str]:
    directory = service.data_dir / "projects" / project.project_id / "artifacts"
    return [path.name for path in directory.iterdir()] if directory.is_dir() else []


@pytest.fixture(scope="module")
def trained(shared: ServiceProcess, frame: pd.DataFrame) -> Model:
    model = shared.project("downloads").create_model_obj(config(evaluate={"seed": 7}), data_source=frame)
    assert wait_for(model.submit()) == Status.COMPLETED, model.errors
    return model


# links


@pytest.mark.parametrize("name", ["report", "report_json", "data_preview", "model_logs"])
def test_a_link_reads_packed_and_unpacked(trained: Model, name: str) -> None:
    link = trained.get_artifact_link(name)
    assert urlsplit(link).path.endswith(".gz")
    packed = requests.get(link, timeout=10).content
    with smart_open.open(link, "rb") as file:
        assert file.read() == gzip.decompress(packed)

    api = trained.project.projects_api
    plain = api.get_model_artifact(trained.project.project_id, trained.model_id, name, uncompressed="true")
    response = requests.get(plain["data"]["url"], timeout=10)

    assert not urlsplit(plain["data"]["url"]).path.endswith(".gz")
    assert response.content == gzip.decompress(packed)


def test_the_report_page_opens_in_a_browser_and_reaches_nowhere(trained: Model) -> None:
    api = trained.project.projects_api
    plain = api.get_model_artifact(trained.project.project_id, trained.model_id, "report", uncompressed="true")

    response = requests.get(plain["data"]["url"], timeout=10)

    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert "no-store" in response.headers["Cache-Control"]


def test_the_report_names_its_model_and_how_it_was_made(trained: Model) -> None:
    with trained.get_artifact_handle("report_json") as file:
        made = json.load(file)["model"]

    assert made["model_id"] == trained.model_id
    assert made["engine"] == "cart"
    assert made["seed"] == 7
    assert made["rows"] == {"train": 320, "holdout": 80, "synthetic": 50}


def test_a_changed_link_is_refused(trained: Model) -> None:
    link = urlsplit(trained.get_artifact_link("data_preview"))
    query = parse_qs(link.query)
    expires, signature = query["expires"][0], query["sig"][0]
    base = f"{link.scheme}://{link.netloc}"
    forged = {
        "another file": f"{base}{link.path.replace('data_preview', 'report_json')}?{link.query}",
        "a later end": f"{base}{link.path}?{urlencode({'expires': int(expires) + 1, 'sig': signature})}",
        "another signature": f"{base}{link.path}?{urlencode({'expires': expires, 'sig': '0' * 64})}",
        "no signature": f"{base}{link.path}?expires={expires}",
        "no end": f"{base}{link.path}?sig={signature}",
        "nonsense": f"{base}{link.path}?expires=soon&sig=ä",
    }
    for what, url in forged.items():
        response = requests.get(url, timeout=10)
        assert response.status_code == 403, what
        assert "link" in response.json()["message"]
    assert requests.put(link.geturl(), data=b"x", timeout=10).status_code in {404, 405}


def test_a_link_expires_and_says_so(services: Services, frame: pd.DataFrame) -> None:
    project = services.start(link_seconds="1", workers="1").project()
    key = project.upload_artifact(frame)
    wait_until(lambda: requests.get(project.get_artifact_link(key), timeout=10).ok, "a link to be followed in time")
    link = project.get_artifact_link(key)
    _, upload = announce(project)

    wait_until(lambda: not requests.get(link, timeout=10).ok, "the link's end", seconds=10)

    for response in (requests.get(link, timeout=10), requests.put(upload, data=b"a\n1\n", timeout=10)):
        assert response.status_code == 403
        assert response.json()["message"] == "This link has expired. Ask the API for a new one."


def test_links_outlive_a_restart_and_not_a_change_of_the_signing_key(services: Services, frame: pd.DataFrame) -> None:
    service = services.start(workers="1")
    project = service.project()
    link = project.get_artifact_link(project.upload_artifact(frame))

    service.terminate()
    service.start()
    assert requests.get(link, timeout=10).ok

    service.terminate()
    service.start(GRETEL_SERVICE_SIGNING_KEY="another secret")
    assert requests.get(link, timeout=10).status_code == 403


def test_links_carry_the_public_address(services: Services, frame: pd.DataFrame) -> None:
    service = services.start(workers="1", public_url="https://gretel.example.org/api/")
    project = service.project()
    _, url = announce(project)
    assert url.startswith("https://gretel.example.org/api/uploads/gretel_")

    here = url.replace("https://gretel.example.org/api", service.endpoint)
    assert requests.put(here, data=frame.to_csv(index=False).encode(), timeout=10).ok


def test_links_follow_a_trusted_proxy(services: Services) -> None:
    service = services.start(workers="1")
    headers = {"X-Forwarded-Proto": "https", "Host": "gretel.example.org"}
    headers["Authorization"] = service.session().api_key or ""
    project = service.project()

    response = requests.post(
        f"{service.endpoint}/projects/{project.project_id}/artifacts",
        json={"filename": "a.csv"},
        headers=headers,
        timeout=10,
    )

    assert response.json()["data"]["url"].startswith("https://gretel.example.org/uploads/")


# uploads


def test_an_artifact_comes_back_as_it_went_in(shared: ServiceProcess, project: Project, frame: pd.DataFrame) -> None:
    key = project.upload_artifact(frame)
    content = frame.to_csv(index=False).encode()

    assert re.fullmatch(r"gretel_[0-9a-f]{32}_dataframe-[0-9a-f-]{36}\.csv", key)
    assert requests.get(project.get_artifact_link(key), timeout=10).content == content
    assert project.get_artifact_manifest(key) == {
        "key": key,
        "status": "completed",
        "filename": key[40:],
        "size_bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    assert [artifact["key"] for artifact in project.artifacts] == [key]

    link = project.get_artifact_link(key)
    project.delete_artifact(key)

    assert project.artifacts == []
    assert kept(shared, project) == []
    assert requests.get(link, timeout=10).status_code == 404


@pytest.mark.parametrize(
    "filename", ["../../service.db", "a/b.csv", "a\\b.csv", "..", ".", "", "a\x00b", "a\nb", "x" * 256, None, 7]
)
def test_a_filename_is_never_a_path(shared: ServiceProcess, project: Project, filename: object) -> None:
    path = f"/projects/{project.project_guid}/artifacts"

    response = shared.call("POST", path, json={"filename": filename})

    assert response.status_code == 400
    assert "filename must be the plain name of a file" in response.json()["message"]


def test_an_odd_filename_makes_a_plain_key(shared: ServiceProcess, project: Project) -> None:
    key, url = announce(project, "Büchungen 2024 (final)?.csv")

    assert re.fullmatch(r"gretel_[0-9a-f]{32}_B_chungen_2024__final__.csv", key)
    requests.put(url, data=b"a\n1\n", timeout=10).raise_for_status()
    assert project.get_artifact_manifest(key)["filename"] == "Büchungen 2024 (final)?.csv"
    assert kept(shared, project) == [key[7:39]]


@pytest.mark.parametrize("key", ["../../../service.db", "gretel_" + "0" * 32 + "_../../x", "%2e%2e%2fservice.db", ""])
def test_a_key_is_never_a_path(shared: ServiceProcess, project: Project, key: str) -> None:
    for method, path in [("GET", "artifacts/download"), ("GET", "artifacts/manifest"), ("DELETE", "artifacts")]:
        response = shared.call(method, f"/projects/{project.project_guid}/{path}", params={"key": key})
        assert response.status_code == 404


@pytest.mark.parametrize(
    "path",
    ["/downloads/artifacts/..%2F..%2Fservice.db", "/downloads/jobs/x/..%2F..%2Fservice.db", "/downloads/../service.db"],
)
def test_no_path_leads_out_of_the_downloads(shared: ServiceProcess, path: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", shared.port, timeout=10)  # sends the path as it is
    connection.request("GET", f"{path}?expires=99999999999&sig={'0' * 64}")

    assert connection.getresponse().status in {403, 404}


def test_a_signed_path_gives_known_files_only(shared: ServiceProcess, trained: Model) -> None:
    directory = shared.data_dir / "projects" / trained.project.project_id / "jobs" / trained.model_id
    (directory / "notes.txt").write_text("not for anybody")
    link = trained.get_artifact_link("classification_report")

    response = requests.get(link, timeout=10)

    assert response.status_code == 404
    assert "has no classification_report.html.gz: it is completed" in response.json()["message"]


def test_an_upload_that_is_cut_off_is_never_readable(shared: ServiceProcess, project: Project) -> None:
    key, url = announce(project)
    target = urlsplit(url)
    connection = http.client.HTTPConnection(target.hostname or "", target.port, timeout=10)
    connection.putrequest("PUT", f"{target.path}?{target.query}")
    connection.putheader("Content-Length", str(10 * MIB))
    connection.endheaders()
    connection.send(b"a,b\n" + b"1,2\n" * 500_000)
    wait_until(lambda: staged(shared), "the upload to begin")
    assert project.get_artifact_manifest(key, retry_on_pending=False)["status"] == "pending"
    assert (
        shared.call("GET", f"/projects/{project.project_guid}/artifacts/download", params={"key": key}).status_code
        == 404
    )
    with_it = shared.call("POST", f"/projects/{project.project_guid}/models", json=config(data_source=key))
    assert "its upload has not ended" in with_it.json()["message"]

    connection.close()

    wait_until(lambda: not staged(shared), "the remains to be gone")
    assert kept(shared, project) == []
    assert project.artifacts == []
    requests.put(url, data=b"a\n1\n", timeout=10).raise_for_status()  # the link still works
    assert len(project.artifacts) == 1


def test_the_same_bytes_may_be_sent_twice_and_others_not(project: Project) -> None:
    key, url = announce(project)
    for _ in range(2):
        assert requests.put(url, data=b"a\n1\n", timeout=10).status_code == 200

    other = requests.put(url, data=b"a\n2\n", timeout=10)

    assert other.status_code == 409
    assert requests.get(project.get_artifact_link(key), timeout=10).content == b"a\n1\n"


def test_a_large_file_passes_through_little_memory(services: Services) -> None:
    service = services.start(workers="1")
    project = service.project()
    key, url = announce(project)
    size = 300 * MIB
    before = service.process.memory_info().rss
    peak = before

    def content() -> Iterator[bytes]:
        nonlocal peak
        for _ in range(size // MIB):
            yield b"x" * MIB
            peak = max(peak, service.process.memory_info().rss)

    requests.put(url, data=content(), timeout=120).raise_for_status()

    assert project.get_artifact_manifest(key)["size_bytes"] == size
    received = 0
    with requests.get(project.get_artifact_link(key), stream=True, timeout=120) as response:
        for chunk in response.iter_content(MIB):
            received += len(chunk)
            peak = max(peak, service.process.memory_info().rss)
    assert received == size
    assert peak - before < 40 * MIB


def test_a_file_that_is_too_large_is_refused(services: Services) -> None:
    service = services.start(workers="1", max_upload_mib="2")
    project = service.project()
    _, url = announce(project)

    def unannounced() -> Iterator[bytes]:
        for _ in range(4):
            yield b"x" * MIB

    for body in (b"x" * (2 * MIB + 1), unannounced()):
        response = requests.put(url, data=body, timeout=30)
        assert response.status_code == 413
        assert "larger than 2 MiB" in response.json()["message"]
    assert staged(service) == []
    assert requests.put(url, data=b"x" * (2 * MIB), timeout=30).ok


def test_a_project_holds_so_many_artifacts_and_no_more(services: Services) -> None:
    project = services.start(workers="1", max_artifacts="1").project()
    key, url = announce(project)
    requests.put(url, data=b"a\n1\n", timeout=10).raise_for_status()
    with pytest.raises(Exception, match="Maximum number of artifacts"):
        announce(project)

    project.delete_artifact(key)

    announce(project)


def test_a_file_being_trained_on_cannot_be_deleted(services: Services, frame: pd.DataFrame) -> None:
    service = services.start(workers="1")
    project = service.project()
    long = pd.concat([frame] * 500)
    model = project.create_model_obj(config(), data_source=long).submit()
    wait_until(lambda: "Loading training data" in messages(model), "the worker to begin")

    response = service.call("DELETE", f"/projects/{project.project_guid}/artifacts", params={"key": model.data_source})

    assert response.status_code == 409
    assert f"unfinished model {model.model_id}: cancel it first" in response.json()["message"]
    model.cancel()
    project.delete_artifact(str(model.data_source))


# no space


def test_no_upload_takes_the_last_of_the_disk(services: Services) -> None:
    project = services.start(workers="1", min_free_mib="999999999").project()
    _, url = announce(project)

    response = requests.put(url, data=b"a\n1\n", timeout=10)

    assert response.status_code == 507
    assert "no disk space left; nothing was stored" in response.json()["message"]


def test_a_disk_that_is_full_keeps_nothing_of_an_upload(services: Services) -> None:
    service = services.start(workers="1")
    project = service.project()
    key, url = announce(project)
    service.process.rlimit(psutil.RLIMIT_FSIZE, (3 * MIB, 3 * MIB))  # what a full disk is to the service

    response = requests.put(url, data=b"x" * (8 * MIB), timeout=30)

    assert response.status_code == 507
    assert staged(service) == []
    assert kept(service, project) == []
    assert project.get_artifact_manifest(key, retry_on_pending=False)["status"] == "pending"
    assert requests.put(url, data=b"a\n1\n", timeout=30).ok


def test_a_disk_that_is_full_fails_a_job_and_keeps_nothing_of_it(services: Services, frame: pd.DataFrame) -> None:
    service = services.start(workers="1")
    project = service.project()
    [worker] = wait_until(service.workers, "the worker")
    worker.rlimit(psutil.RLIMIT_FSIZE, (100, 100))

    model = project.create_model_obj(config(), data_source=frame).submit()

    assert wait_for(model) == Status.ERROR
    assert "no disk space left; nothing of this job was kept" in str(model.errors)
    wait_until(lambda: not staged(service), "its files to be gone")
    assert not (service.data_dir / "projects" / project.project_id / "jobs").exists()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 6 MiB."""
    path = tmp_path / "disk"
    path.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", path], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no right to mount a disk: {mounted.stderr.decode().strip()}")
    yield path
    subprocess.run(["umount", "--lazy", path], check=True)


def fill(path: Path) -> None:
    """Write a file until the disk takes no more."""
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY)
    with suppress(OSError):
        while True:
            os.write(descriptor, b"0" * 512)
    os.close(descriptor)


def test_a_service_outlives_a_full_disk_and_its_queue_goes_on(
    services: Services, small_disk: Path, frame: pd.DataFrame
) -> None:
    service = services.start(data_dir=small_disk / "data", workers="1", min_free_mib="0")
    project = service.project()
    key = project.upload_artifact(frame)
    _, url = announce(project)
    filler = small_disk / "filler"
    fill(filler)

    assert requests.put(url, data=b"x" * MIB, timeout=30).status_code == 507
    refused = service.call("POST", "/projects", json={"name": "no-room", "description": "x" * 2000})
    assert (refused.status_code, refused.json()["message"][:33]) == (507, "The service has no disk space lef")
    assert project.artifacts[0]["key"] == key  # reading goes on

    filler.unlink()
    fill(filler)
    os.truncate(filler, filler.stat().st_size - 150 * 1024)  # room for a job's row, not for its run
    model = project.create_model_obj(config(generate={"num_records": 20_000}), data_source=key).submit()
    fill(small_disk / "rest")
    wait_until(
        lambda: "cannot be written" in service.log.read_text() or "cannot be read" in service.log.read_text(), "it"
    )
    filler.unlink()

    assert wait_for(model) == Status.COMPLETED


def test_what_interrupted_work_left_is_cleared_away_at_the_start(services: Services, frame: pd.DataFrame) -> None:
    service = services.start(workers="1")
    project = service.project()
    key = project.upload_artifact(frame)
    service.kill()
    home = service.data_dir / "projects"
    for stray in (home / ("f" * 24) / "artifacts", home / project.project_id / "jobs" / ("0" * 24)):
        stray.mkdir(parents=True)
    (home / project.project_id / "artifacts" / ("0" * 32)).write_bytes(b"stray")
    (service.data_dir / "staging" / "half").write_bytes(b"half")

    service.start()

    assert staged(service) == []
    assert kept(service, project) == [key[7:39]]
    assert {path.name for path in home.iterdir()} == {project.project_id}
    assert list((home / project.project_id / "jobs").iterdir()) == []
