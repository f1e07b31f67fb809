"""Parts on their way while an archive is assembled: each arrives, whatever the store does to it."""

from __future__ import annotations

import os
import random
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Event
from typing import TYPE_CHECKING

import pytest
from tests.fakes.bucket import GIVEN, FakeS3, running_s3
from tests.fakes.faulty_s3 import Fault, FaultyS3, before
from tests.fakes.nanio import running_nanio

from packmule.errors import StaleAttempt, StorageAway, StorageFailed, UploadLost
from packmule.storage import s3_upload
from packmule.storage.s3 import S3Storage
from packmule.storage.s3_bucket import Bucket, BucketAddress, Encryption
from packmule.storage.s3_stream import cell_bytes
from packmule.storage.s3_upload import MOST_PARTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from packmule.storage.interface import StoredArchive, Stream

KEY = "0f" * 16
MIB = 1024 * 1024
CONTENT = random.Random(9).randbytes(13 * MIB)
FIRST = [(6 * MIB, 10 * MIB), (0, 2 * MIB)]
SECOND = [(2 * MIB, 2 * MIB + 77)]
CELL = 6 * MIB
JOINED = CONTENT[6 * MIB : 10 * MIB] + CONTENT[: 2 * MIB] + CONTENT[2 * MIB : 2 * MIB + 77]
ENDED = Event()


def read(offset: int, length: int) -> bytes:
    return CONTENT[offset : offset + length]


@pytest.fixture(scope="module", params=["given"] if GIVEN in os.environ else ["moto", "nanio"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FakeS3]:
    if request.param == "given":
        yield FakeS3(os.environ[GIVEN])
        return
    folder = tmp_path_factory.mktemp("s3") / "nanio"
    with running_s3() if request.param == "moto" else running_nanio(folder) as running:
        yield running


@pytest.fixture(scope="module")
def faulty(server: FakeS3) -> Iterator[FaultyS3]:
    with before(server.url) as running:
        yield running


@pytest.fixture
def bucket(server: FakeS3, faulty: FaultyS3, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    for name, value in (server.environment | {"AWS_ENDPOINT_URL_S3": faulty.url}).items():
        monkeypatch.setenv(name, value)
    yield Bucket(BucketAddress(server.make_bucket(), "archives/"), Encryption())
    faulty.faults.clear()
    faulty.parts.clear()


@pytest.fixture
def storage(bucket: Bucket, tmp_path: Path) -> S3Storage:
    return S3Storage(bucket, tmp_path / "data", most_bytes=10**9)


@pytest.fixture
def stream(storage: S3Storage) -> Iterator[Stream]:
    with storage.claim(KEY, 1, ()) as scratch:
        yield storage.stream(KEY, 1, scratch)


def stored(storage: S3Storage) -> bytes:
    archive = storage.find(KEY)
    assert archive is not None
    reader = archive.bytes.open()
    content = b""
    while piece := reader.read(range(len(content), archive.size), archive.size):
        content += piece
    reader.close()
    return content


def test_parts_are_large_enough_for_twice_what_is_expected_and_for_the_largest_archive() -> None:
    for most in (1, 10**9, 500 * 10**9, 40 * 2**40):
        for expected in (0, 10**9, 2 * most, float("inf")):
            cell = cell_bytes(expected, most)
            assert cell % MIB == 0
            assert 8 * MIB <= cell < 5 * 2**30
            assert 9_000 * cell >= min(most, 2 * expected)
    assert cell_bytes(20 * 10**9, 500 * 10**9) == 8 * MIB
    assert cell_bytes(float("inf"), 500 * 10**9) == 53 * MIB
    assert MOST_PARTS == 10_000


FAULTS = [
    [Fault.SLOW_DOWN] * 3,
    [Fault.CUT, Fault.CUT],
    [Fault.CUT_ANSWER],
    [Fault.WRONG_ETAG],
    [Fault.NO_ETAG],
    [Fault.SLOW_DOWN, Fault.CUT, Fault.WRONG_ETAG, Fault.CUT_ANSWER],
]


@pytest.mark.parametrize("faults", FAULTS, ids=lambda them: "-".join(one.name for one in them))
def test_a_fault_at_a_part_costs_another_try_and_nothing_more(
    storage: S3Storage, stream: Stream, faulty: FaultyS3, faults: list[Fault]
) -> None:
    upload = stream.begin(CELL)
    faulty.faults = list(faults)
    etags = {
        1: stream.send(upload, 1, read, FIRST, ENDED),
        2: stream.send(upload, 2, read, SECOND, ENDED),
    }
    assert faulty.faults == []
    archive = stream.publish(upload, etags, len(JOINED))
    assert archive == storage.find(KEY)
    assert stored(storage) == JOINED


@pytest.mark.parametrize("strictness", ["a part is left out", "parts of unequal size"])
def test_the_fake_is_as_strict_as_the_strictest_stores(stream: Stream, strictness: str) -> None:
    upload = stream.begin(CELL)
    etags = {1: stream.send(upload, 1, read, [(0, 5 * MIB)], ENDED)}
    second = stream.send(upload, 2, read, FIRST, ENDED)
    third = stream.send(upload, 3, read, FIRST, ENDED)
    if strictness == "parts of unequal size":
        etags |= {2: second, 3: third}
    with pytest.raises(UploadLost, match="InvalidPart"):
        stream.publish(upload, etags, 5 * MIB)


def test_a_part_that_is_sent_again_replaces_the_one_before(
    storage: S3Storage, stream: Stream
) -> None:
    upload = stream.begin(CELL)
    stream.send(upload, 1, read, [(0, 6 * MIB)], ENDED)
    etags = {
        2: stream.send(upload, 2, read, SECOND, ENDED),
        1: stream.send(upload, 1, read, FIRST, ENDED),
    }
    stream.publish(upload, etags, len(JOINED))
    assert stored(storage) == JOINED


def test_a_hole_is_closed_by_copies_within_the_store(
    storage: S3Storage, stream: Stream, request: pytest.FixtureRequest
) -> None:
    upload = stream.begin(CELL)
    sent = {
        number: stream.send(upload, number, read, extents, ENDED)
        for number, extents in ((1, FIRST), (2, [(0, 6 * MIB)]), (4, FIRST))
    }
    name = stream.sealing(upload, sent)
    assert stream.sealed(name) is None
    assert stream.cell_of(name) == CELL
    assert stream.stored(name) == {number: (CELL, etag) for number, etag in sent.items()}
    stream.publish(name, sent, 3 * CELL)
    sealed = stream.sealed(name)
    assert sealed is not None
    assert sealed.ranks == {1: 0, 2: 1, 4: 2}
    assert stream.stored(name) == dict.fromkeys(sent, (CELL, None))
    second = stream.begin(CELL)
    etags = {}
    for number, part in ((1, range(CELL)), (2, range(2 * CELL, 3 * CELL))):
        etag = stream.copy(second, number, sealed.archive, part)
        if GIVEN not in os.environ:  # of those, nanio does not copy ranges
            assert (etag is None) == ("nanio" in request.node.name)
        etags[number] = etag or stream.send(second, number, read, FIRST, ENDED)
    etags[3] = stream.send(second, 3, read, SECOND, ENDED)
    stream.publish(second, etags, 2 * CELL + 77)
    first = CONTENT[6 * MIB : 10 * MIB] + CONTENT[: 2 * MIB]
    assert stored(storage) == first + first + CONTENT[2 * MIB : 2 * MIB + 77]


def test_the_parts_that_are_there_are_told(stream: Stream) -> None:
    upload = stream.begin(CELL)
    etag = stream.send(upload, 7, read, SECOND, ENDED)
    assert stream.stored(upload) == {7: (77, etag)}


def test_the_parts_of_an_upload_that_is_gone_are_told_to_be_gone(
    storage: S3Storage, stream: Stream
) -> None:
    upload = stream.begin(CELL)
    storage.discard(KEY)
    assert stream.stored(upload) is None


def test_what_was_sent_but_not_noted_is_not_sent_again(
    storage: S3Storage, stream: Stream, faulty: FaultyS3, tmp_path: Path
) -> None:
    upload = stream.begin(CELL)
    etag = stream.send(upload, 1, read, FIRST, ENDED)
    with storage.claim(KEY, 2, ()) as scratch:
        later = storage.stream(KEY, 2, scratch)
        later.stored(upload)
        faulty.parts.clear()
        assert later.send(upload, 1, read, FIRST, ENDED) == etag
        assert faulty.parts == []
        assert later.send(upload, 1, read, [(0, 6 * MIB)], ENDED) != etag
        assert faulty.parts == [1]
    assert tmp_path.exists()


def test_another_attempt_publishes_the_parts_of_the_first_and_leaves_nothing_over(
    storage: S3Storage, stream: Stream, bucket: Bucket
) -> None:
    upload = stream.begin(CELL)
    etags = {1: stream.send(upload, 1, read, FIRST, ENDED)}
    left_over = stream.begin(CELL)
    with storage.claim(KEY, 2, ()) as scratch:
        later = storage.stream(KEY, 2, scratch)
        etags[2] = later.send(upload, 2, read, SECOND, ENDED)
        archive = later.publish(upload, etags, len(JOINED))
        storage.confirm(KEY, 2)
        assert not scratch.exists()
        storage.prune(KEY, 2, archive)
    assert storage.find(KEY) == archive
    assert stored(storage) == JOINED
    assert later.stored(left_over) is None
    assert bucket.uploads("") == []


def test_an_upload_that_the_store_loses_is_said_to_be_lost(
    stream: Stream, faulty: FaultyS3
) -> None:
    upload = stream.begin(CELL)
    faulty.faults = [Fault.LOST_UPLOAD]
    with pytest.raises(UploadLost):
        stream.send(upload, 1, read, FIRST, ENDED)


def test_a_part_that_has_become_another_is_said_to_be_lost(stream: Stream) -> None:
    upload = stream.begin(CELL)
    etags = {1: stream.send(upload, 1, read, FIRST, ENDED)}
    stream.send(upload, 1, read, [(0, 6 * MIB)], ENDED)
    with pytest.raises(UploadLost):
        stream.publish(upload, etags, 6 * MIB)


def test_what_the_store_refuses_for_good_is_not_tried_again(
    stream: Stream, faulty: FaultyS3
) -> None:
    upload = stream.begin(CELL)
    faulty.faults = [Fault.DENIED] * 100
    with pytest.raises(StorageFailed, match="AccessDenied"):
        stream.send(upload, 1, read, FIRST, ENDED)
    assert len(faulty.parts) == 1


def test_a_completion_whose_answer_was_lost_is_one(storage: S3Storage, stream: Stream) -> None:
    upload = stream.begin(CELL)
    etags = {1: stream.send(upload, 1, read, SECOND, ENDED)}
    first = stream.publish(upload, etags, 77)
    assert stream.publish(upload, etags, 77) == first
    assert stored(storage) == CONTENT[2 * MIB : 2 * MIB + 77]


def test_an_object_of_another_length_is_refused_and_left_to_who_may_have_made_it(
    storage: S3Storage, stream: Stream
) -> None:
    upload = stream.begin(CELL)
    etags = {1: stream.send(upload, 1, read, SECOND, ENDED)}
    with pytest.raises(StorageFailed, match="78 bytes"):
        stream.publish(upload, etags, 78)
    assert storage.find(KEY) is not None


class Frozen(Bucket):
    """Calls `meanwhile` between a completion and its answer, as a frozen worker does."""

    meanwhile: Callable[[], None]

    def complete(self, name: str, upload: str, etags: dict[int, str]) -> None:
        """Make the object, then let others work."""
        super().complete(name, upload, etags)
        self.meanwhile()


def test_an_attempt_that_froze_while_it_published_deletes_nothing_that_was_confirmed(
    server: FakeS3, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    frozen = Frozen(BucketAddress(server.make_bucket()), Encryption())
    storage = S3Storage(frozen, tmp_path / "data", most_bytes=10**9)
    confirmed: list[StoredArchive | None] = []

    def meanwhile() -> None:
        with storage.claim(KEY, 2, [(0, 13)], 1):
            confirmed.append(storage.find(KEY))
            storage.confirm(KEY, 2)

    frozen.meanwhile = meanwhile
    with storage.claim(KEY, 1, ()) as scratch:
        scratch.write_bytes(b"half assembled")
        stream = storage.stream(KEY, 1, scratch)
        upload = stream.begin(CELL)
        etags = {1: stream.send(upload, 1, read, SECOND, ENDED)}
        with suppress(StaleAttempt):
            stream.publish(upload, etags, 77)
    assert confirmed != [None]
    assert [storage.find(KEY)] == confirmed
    assert stored(storage) == CONTENT[2 * MIB : 2 * MIB + 77]


def test_a_part_that_never_gets_through_is_a_store_that_is_away(
    stream: Stream, faulty: FaultyS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3_upload, "_LONGEST_PAUSE", 0.01)
    upload = stream.begin(CELL)
    for fault in (Fault.CUT, Fault.SLOW_DOWN):
        faulty.faults = [fault] * 20
        with pytest.raises(StorageAway):
            stream.send(upload, 1, read, SECOND, ENDED)


def test_a_sender_ends_at_once_where_the_store_is_silent(stream: Stream, faulty: FaultyS3) -> None:
    upload = stream.begin(CELL)
    ended = Event()
    faulty.faults = [Fault.SILENT]
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(stream.send, upload, 1, read, SECOND, ended)
        while not faulty.parts:
            time.sleep(0.01)
        ended.set()
        with pytest.raises(StorageFailed):
            sending.result(timeout=30)
    faulty.speak.set()


def test_an_attempt_that_was_overtaken_sends_and_publishes_no_more(
    storage: S3Storage, stream: Stream, faulty: FaultyS3
) -> None:
    upload = stream.begin(CELL)
    etags = {1: stream.send(upload, 1, read, SECOND, ENDED)}
    faulty.parts.clear()
    with storage.claim(KEY, 2, ()):
        with pytest.raises(StaleAttempt):
            stream.send(upload, 2, read, SECOND, ENDED)
        with pytest.raises(StaleAttempt):
            stream.publish(upload, etags, 77)
    assert faulty.parts == []
    assert storage.find(KEY) is None


def test_nobody_waits_for_a_part_when_all_has_ended(stream: Stream, faulty: FaultyS3) -> None:
    upload = stream.begin(CELL)
    ended = Event()
    ended.set()
    with suppress(StorageFailed):
        stream.send(upload, 1, read, FIRST, ended)
    assert stream.stored(upload) == {}
    assert len(faulty.parts) <= 1


def test_what_is_left_over_is_told_by_its_key_and_nothing_of_others(
    storage: S3Storage, stream: Stream, bucket: Bucket
) -> None:
    stream.begin(CELL)
    bucket.begin("anothers/file.zip")
    bucket.begin(f"0f/{KEY}.zip")
    found = [key for key, _ in storage.left_over()]
    assert found == [KEY, KEY]
    storage.discard(KEY)
    assert list(storage.left_over()) == []
    assert {each.name for each in bucket.uploads("")} == {"anothers/file.zip", f"0f/{KEY}.zip"}
