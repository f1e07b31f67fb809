"""Which object of a bucket is the archive, where several attempts have published."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
from tests.fakes import memory_bucket
from tests.fakes.memory_bucket import MemoryBucket

from packmule.errors import StorageFailed
from packmule.storage.s3 import S3Storage

if TYPE_CHECKING:
    from pathlib import Path

    from packmule.storage.interface import StoredArchive

KEY = "0f" * 16


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> MemoryBucket:
    monkeypatch.setattr(memory_bucket, "step", lambda: None)  # nobody is frozen here
    return MemoryBucket()


@pytest.fixture
def storage(bucket: MemoryBucket, tmp_path: Path) -> S3Storage:
    return S3Storage(cast("Any", bucket), tmp_path, most_bytes=10**9)


def found(storage: S3Storage, etag: str | None = None) -> str | None:
    archive = storage.find(KEY, etag)
    return None if archive is None else archive.etag


def published(storage: S3Storage, attempt: int) -> StoredArchive:
    with storage.claim(KEY, attempt, ()) as scratch:
        scratch.write_bytes(b"laid out by attempt %d" % attempt)
    return storage.publish(KEY, attempt, scratch)


def test_the_archive_is_the_one_with_the_entity_tag_else_the_latest(storage: S3Storage) -> None:
    first, second = published(storage, 1), published(storage, 2)
    assert first.etag != second.etag
    assert found(storage, first.etag) == first.etag
    assert found(storage, second.etag) == second.etag
    assert found(storage, '"another"') == second.etag


def test_an_attempt_that_confirms_removes_no_object_of_another(storage: S3Storage) -> None:
    first, second = published(storage, 1), published(storage, 2)
    storage.confirm(KEY, 2)
    assert found(storage, first.etag) == first.etag
    assert found(storage) == second.etag


@pytest.mark.parametrize("kept", [0, 1])
def test_a_completed_job_keeps_one_object(
    storage: S3Storage, bucket: MemoryBucket, kept: int
) -> None:
    archives = [published(storage, 1), published(storage, 2)]
    storage.prune(KEY, 2, archives[kept])
    assert len(bucket.objects) == 1
    assert found(storage) == archives[kept].etag


def test_an_attempt_whose_scratch_was_removed_publishes_nothing(
    storage: S3Storage, bucket: MemoryBucket
) -> None:
    with storage.claim(KEY, 1, ()) as scratch:
        assembled = scratch.with_name(f"{scratch.name}.closed")
        assembled.write_bytes(b"bytes")
    scratch.unlink()
    with pytest.raises(StorageFailed, match="not there"):
        storage.publish(KEY, 1, assembled)
    assert bucket.objects == {}
