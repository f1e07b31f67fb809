"""docs/guides/s3.md, done for real on an S3 server of the test's own, signed and unsigned."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from tests.fakes.bucket import FakeS3, running_s3
from tests.fakes.documents import blocks, replaced, typed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.spec.service import Service

GUIDE = "docs/guides/s3.md"
BODIES = {
    "2024/may/a b+c#d.txt": b"one",
    "2024/june/\N{LATIN SMALL LETTER E WITH ACUTE}.txt": b"two",
}


@pytest.fixture(scope="module")
def server() -> Iterator[FakeS3]:
    with running_s3() as running:
        yield running


@pytest.mark.parametrize("kind", ["public", "signed"])
def test_all_below_a_prefix_is_packed_under_its_keys(
    kind: str, server: FakeS3, service: Service, tmp_path: Path
) -> None:
    bucket = server.make_bucket()
    for key, body in {**BODIES, "2024/": b"", "2023/other.txt": b"other"}.items():
        server.client.put_object(Bucket=bucket, Key=key, Body=body)
    if kind == "public":
        for key in BODIES:
            server.client.put_object_acl(Bucket=bucket, Key=key, ACL="public-read")
    [program] = blocks(GUIDE, "python")
    (tmp_path / "links.py").write_text(program)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    [command] = [each for each in blocks(GUIDE, "sh") if f"links.py {kind} " in each]
    env = service.environment | server.environment | {"PACKMULE_SERVER": service.url}
    code, said = typed(replaced(command, {"BUCKET": bucket}), tmp_path, env)
    assert code == 0, said
    archive_hash = said.split()[-1]
    assert service.outcome(archive_hash)["status"] == "completed"
    assert service.members(archive_hash) == dict(sorted(BODIES.items()))
    # The bucket refuses unsigned requests for private objects, so the links were signed; whoever
    # has only the hash does not see how.
    assert all("?" not in each["url"] for each in _files(service, archive_hash))


def _files(service: Service, archive_hash: str) -> list[dict[str, str]]:
    answer = service.client.get(f"/api/archive/files/{archive_hash}")
    assert answer.is_success, answer.text
    files: list[dict[str, str]] = answer.json()["files"]
    return files
