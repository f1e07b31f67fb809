"""docs/operations.md, done for real: what it tells an operator to type is typed."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
import yaml  # type: ignore[import-untyped]
from tests.fakes.bucket import running_s3
from tests.fakes.documents import replaced, settings_in, the_block, typed
from tests.fakes.receiver import SECRET, Answer, Receiver
from tests.spec.service import Service, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fakes.origin import Origin

DOCUMENT = "docs/operations.md"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, path: str) -> Iterator[Service]:
    """Give the service, whose environment is its operator's."""
    with Service(tmp_path_factory.mktemp("operated"), ATTEMPTS="1") as running:
        running.environment["PATH"] = path
        yield running.start()


def said(service: Service, text: str) -> str:
    """Type as the service's operator, and give what was said."""
    code, output = typed(text, service.folder, service.environment)
    assert code == 0, output
    return output


@pytest.mark.needs("jq")
def test_a_jobs_life_is_read_from_the_log(service: Service, origin: Origin, tmp_path: Path) -> None:
    archive_hash = service.completed(origin.put("/operations/log.txt", b"log"))
    other = service.completed(origin.put("/operations/other.txt", b"other"))
    journal = tmp_path / "journalctl"
    journal.write_text(f'#!/bin/sh\n[ "$*" = "-u packmule -o cat" ] && cat {service.log_path}\n')
    journal.chmod(0o755)
    block = replaced(the_block(DOCUMENT, "journalctl"), {"<first 8 digits>": archive_hash[:8]})
    lines = said(service, f"PATH={tmp_path}:$PATH\n{block}").splitlines()
    life = [json.loads(line) for line in lines]
    of_the_job = [line for line in service.log.splitlines() if archive_hash[:8] in line]
    assert [entry[3] for entry in life] == [json.loads(line)["message"] for line in of_the_job]
    assert len(life) > 1
    assert other[:8] not in "".join(lines)


def test_jobs_are_listed_shown_tried_again_and_cancelled(service: Service, origin: Origin) -> None:
    good, bad = origin.put("/operations/good.txt", b"good"), origin.url("/operations/bad.txt")
    archive_hash = service.create(good, bad)
    assert service.outcome(archive_hash)["status"] == "failed"
    listing, show, retry, cancel, finish = the_block(DOCUMENT, "packmule jobs").splitlines()
    assert archive_hash in said(service, listing)
    assert "bad.txt" in said(service, replaced(show, {"HASH": archive_hash}))
    said(service, replaced(retry, {"HASH": archive_hash}))
    assert service.outcome(archive_hash)["status"] == "completed"
    said(service, replaced(finish, {"HASH": archive_hash}))
    slow = service.create(origin.put("/operations/slow.bin", bytes(1_000_000), held_from=10_000))
    said(service, replaced(cancel, {"HASH": slow}))
    assert service.outcome(slow)["status"] == "cancelled"


@pytest.mark.long  # tests/unit/cli/test_webhooks.py has the commands
def test_messages_are_listed_and_told_anew(tmp_path: Path, origin: Origin, path: str) -> None:
    gone = [True]
    listing, of_a_job, one, all_of_them = the_block(DOCUMENT, "packmule webhooks").splitlines()
    with (
        Receiver(lambda _: Answer(410 if gone[0] else 204)) as receiver,
        Service(tmp_path, WEBHOOK_URL=receiver.url, WEBHOOK_SECRET=SECRET) as service,
    ):
        service.environment["PATH"] = path
        archive_hash = service.start().completed(origin.put("/operations/told.txt", b"told"))
        by_job = replaced(of_a_job, {"HASH": archive_hash})
        until(lambda: archive_hash in said(service, listing), "it is given up")
        [message] = [json.loads(line) for line in said(service, by_job).splitlines()]
        gone[0] = False
        assert said(service, all_of_them) == "1 message queued\n"
        until(lambda: len(receiver.about(archive_hash)) == 2, "it is told again")
        until(lambda: '"delivered"' in said(service, by_job), "it is heard")
        said(service, replaced(one, {"MESSAGE": message["message"]}))
        until(lambda: len(receiver.about(archive_hash)) == 3, "it is told once more")
        assert receiver.wrong == []


@pytest.mark.long  # tests/spec/test_buckets.py has the same of the program
def test_archives_are_kept_in_the_bucket_that_the_variables_name(
    tmp_path: Path, origin: Origin
) -> None:
    with running_s3() as server, Service(tmp_path) as service:
        bucket = server.make_bucket()
        changes = {
            "s3://archives/": f"s3://{bucket}/",
            "https://minio.internal:9000": server.url,
            "AWS_ACCESS_KEY_ID=…": "AWS_ACCESS_KEY_ID=packmule",
            "AWS_SECRET_ACCESS_KEY=…": "AWS_SECRET_ACCESS_KEY=secret",
        }
        block = replaced(the_block(DOCUMENT, "export PACKMULE_STORAGE_URL"), changes)
        code, output = typed(f"{block}env", tmp_path, service.environment)
        assert code == 0, output
        named = [line for line in output.splitlines() if line.startswith(("AWS_", "PACKMULE_S"))]
        service.environment |= settings_in("\n".join(named))
        archive_hash = service.start().completed(origin.put("/operations/bucket.txt", b"kept"))
        assert service.members(archive_hash) == {"bucket.txt": b"kept"}
        keys = [each["Key"] for each in server.client.list_objects_v2(Bucket=bucket)["Contents"]]
        assert [key for key in keys if archive_hash in key and key.startswith("packmule/")]


@pytest.mark.needs("sqlite3", "rsync")
def test_a_backup_of_a_running_service_is_restored(
    tmp_path: Path, origin: Origin, service: Service
) -> None:
    archive_hash = service.completed(origin.put("/operations/backup.txt", b"kept"))
    etag = service.download(archive_hash).headers["etag"]
    backup = tmp_path / "backup"
    backup.mkdir()
    block = replaced(the_block(DOCUMENT, "sqlite3 "), {"/backup/": f"{backup}/"})
    said(service, block)
    forgotten = service.completed(origin.put("/operations/later.txt", b"later"))
    with Service(tmp_path) as restored:
        shutil.copytree(backup, tmp_path / "data")
        restored.start()
        assert restored.members(archive_hash) == {"backup.txt": b"kept"}
        assert restored.download(archive_hash).headers["etag"] == etag
        assert restored.client.get(f"/api/archive/status/{forgotten}").status_code == 404


def test_prometheus_is_told_where_the_metrics_are(service: Service) -> None:
    [scrape] = yaml.safe_load(the_block(DOCUMENT, "scrape_configs:"))["scrape_configs"]
    assert set(scrape) == {"job_name", "static_configs"}
    [static] = scrape["static_configs"]
    [target] = static["targets"]
    # Prometheus asks by http for /metrics, where nothing else is said.
    answer = service.client.get(f"http://{replaced(target, {'8000': service.port})}/metrics")
    assert answer.is_success
    assert "packmule_jobs" in answer.text
