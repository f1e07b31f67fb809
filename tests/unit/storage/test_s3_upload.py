"""An upload ends with the object as the file is, whatever the store does to its parts."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING

import pytest
from tests.fakes.bucket import FakeS3, running_s3
from tests.fakes.faulty_s3 import Fault, FaultyS3, before

from packmule.errors import StorageFailed
from packmule.storage.s3_bucket import Address, Bucket, Encryption
from packmule.storage.s3_upload import MOST_PARTS, Upload, part_size, parts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NAME = "0f/0f0f.1.zip"
EACH = 5 * 1024 * 1024
CONTENT = random.Random(7).randbytes(2 * EACH + 1234)


@pytest.fixture(scope="module")
def server() -> Iterator[FakeS3]:
    with running_s3() as running:
        yield running


@pytest.fixture(scope="module")
def faulty(server: FakeS3) -> Iterator[FaultyS3]:
    with before(server.url) as running:
        yield running


@pytest.fixture(scope="module")
def bucket(server: FakeS3, faulty: FaultyS3) -> Iterator[Bucket]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (server.environment | {"AWS_ENDPOINT_URL_S3": faulty.url}).items():
            patch.setenv(name, value)
        yield Bucket(Address(server.make_bucket(), "archives/"), Encryption())


@pytest.fixture
def descriptor(tmp_path: Path, faulty: FaultyS3, bucket: Bucket) -> Iterator[int]:
    (tmp_path / "file").write_bytes(CONTENT)
    opened = os.open(tmp_path / "file", os.O_RDWR)
    yield opened
    os.close(opened)
    faulty.faults.clear()
    faulty.parts.clear()
    bucket.delete(NAME)


def upload(bucket: Bucket, descriptor: int, *, wanted: Callable[[], None] = lambda: None) -> None:
    Upload(bucket, NAME, descriptor, each=EACH, wanted=wanted, pause=lambda _seconds: None).run()


def stored(bucket: Bucket) -> bytes:
    (found,) = bucket.find(NAME)
    stream = bucket.open(NAME, found.etag, range(found.size))
    content: bytes = stream.read()
    stream.close()
    return content


def test_ten_thousand_parts_hold_the_largest_archive_and_none_is_too_small() -> None:
    for most in (1, 10**9, 500 * 10**9, 5 * 10**12):
        each = part_size(most)
        assert each * MOST_PARTS >= most
        assert each >= 5 * 1024 * 1024


def test_parts_are_the_file_without_a_gap() -> None:
    parts = parts_of(2 * EACH + 1, EACH)
    assert [part.start for part in parts.values()] == [0, EACH, 2 * EACH]
    assert [len(part) for part in parts.values()] == [EACH, EACH, 1]


def test_each_part_is_sent_once_where_all_goes_well(
    bucket: Bucket, faulty: FaultyS3, descriptor: int
) -> None:
    upload(bucket, descriptor)
    assert stored(bucket) == CONTENT
    assert sorted(faulty.parts) == [1, 2, 3]
    assert bucket.uploads("") == []


def test_a_small_file_is_one_put(bucket: Bucket, faulty: FaultyS3, descriptor: int) -> None:
    os.ftruncate(descriptor, 1000)
    upload(bucket, descriptor)
    assert stored(bucket) == CONTENT[:1000]
    assert faulty.parts == []


@pytest.mark.parametrize(
    "faults",
    [
        [Fault.SLOW_DOWN] * 5,
        [Fault.CUT, Fault.CUT],
        [Fault.CUT_ANSWER],
        [Fault.WRONG_ETAG],
        [Fault.NO_ETAG],
        [Fault.LOST_UPLOAD],
        [Fault.SLOW_DOWN, Fault.CUT, Fault.WRONG_ETAG, Fault.CUT_ANSWER, Fault.LOST_UPLOAD],
    ],
    ids=lambda faults: "-".join(fault.name for fault in faults),
)
def test_a_fault_at_a_part_costs_another_try_and_nothing_more(
    bucket: Bucket, faulty: FaultyS3, descriptor: int, faults: list[Fault]
) -> None:
    faulty.faults = list(faults)
    upload(bucket, descriptor)
    assert faulty.faults == []
    assert stored(bucket) == CONTENT
    assert bucket.uploads("") == []


def test_what_the_store_refuses_for_good_is_not_tried_again(
    bucket: Bucket, faulty: FaultyS3, descriptor: int
) -> None:
    faulty.faults = [Fault.DENIED] * 100
    with pytest.raises(StorageFailed, match="AccessDenied"):
        upload(bucket, descriptor)
    assert len(faulty.parts) <= 3
    assert bucket.find(NAME) == []


def test_an_upload_that_was_killed_goes_on_with_the_parts_that_are_there(
    bucket: Bucket, faulty: FaultyS3, descriptor: int
) -> None:
    faulty.faults = [Fault.DENIED] * 100
    with pytest.raises(StorageFailed):
        upload(bucket, descriptor)
    faulty.faults.clear()
    faulty.parts.clear()
    ((_, begun, _),) = bucket.uploads(NAME)
    sent_before = Upload(bucket, NAME, descriptor, each=EACH)
    sent_before._send(begun, [1, 3])
    faulty.parts.clear()
    upload(bucket, descriptor)
    assert faulty.parts == [2]
    assert stored(bucket) == CONTENT


def test_a_part_that_is_not_as_the_file_is_sent_again(
    bucket: Bucket, faulty: FaultyS3, descriptor: int
) -> None:
    begun = bucket.begin(NAME)
    Upload(bucket, NAME, descriptor, each=EACH)._send(begun, [1, 2])
    os.pwrite(descriptor, b"changed since", EACH)
    faulty.parts.clear()
    upload(bucket, descriptor)
    assert sorted(faulty.parts) == [2, 3]
    assert stored(bucket) == CONTENT[:EACH] + b"changed since" + CONTENT[EACH + 13 :]


def test_nothing_becomes_of_what_nobody_wants_any_more(
    bucket: Bucket, faulty: FaultyS3, descriptor: int
) -> None:
    def wanted() -> None:
        if faulty.parts:
            raise FileNotFoundError

    with pytest.raises(FileNotFoundError):
        upload(bucket, descriptor, wanted=wanted)
    assert bucket.find(NAME) == []
    for begun in bucket.uploads(NAME):
        bucket.abort(begun.name, begun.upload)
