"""Storage: an archive is there whole or not at all, and stays what it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from packmule.errors import PackmuleError, StaleAttempt, StorageFailed
from packmule.storage.interface import part_key

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from packmule.storage.interface import Storage, StoredArchive

KEY = "0f" * 16
OTHER = "a1" * 16
BYTES = b"PK\x05\x06" + bytes(18)


@pytest.fixture
def storage(open_storage: Callable[[], Storage]) -> Storage:
    return open_storage()


def publish(
    storage: Storage, body: bytes = BYTES, key: str = KEY, attempt: int = 1
) -> StoredArchive:
    with storage.claim(key, attempt, ()) as scratch:
        scratch.write_bytes(body)
    return storage.publish(key, attempt, scratch)


def content(archive: StoredArchive) -> bytes:
    reader = archive.bytes.open()
    try:
        pieces = []
        at = 0
        while piece := reader.read(range(at, archive.size), 1000):
            pieces.append(piece)
            at += len(piece)
        return b"".join(pieces)
    finally:
        reader.close()


def left(storage: Storage, attempt: int, *claimed: tuple[int, int], key: str = KEY) -> bytes:
    """Claim a key's scratch, and tell what is in it."""
    with storage.claim(key, attempt, claimed) as scratch:
        return scratch.read_bytes()


def write(storage: Storage, attempt: int, content: bytes, key: str = KEY) -> Path:
    with storage.claim(key, attempt, ()) as scratch:
        scratch.write_bytes(content)
    return scratch


def test_scratch_that_nobody_has_begun_is_empty(storage: Storage) -> None:
    assert left(storage, 1) == b""


def test_the_next_attempt_goes_on_with_what_the_last_has_left(storage: Storage) -> None:
    write(storage, 1, b"half of it")
    assert left(storage, 2, (0, 4)) == b"half of it"
    assert left(storage, 5) == b"half of it"


def test_an_attempt_overtaken_by_a_later_one_is_refused(storage: Storage) -> None:
    write(storage, 2, b"the later one's")
    with pytest.raises(StaleAttempt), storage.claim(KEY, 1, ()):
        pass
    assert left(storage, 2) == b"the later one's"


def test_what_an_attempt_still_holds_is_copied_as_far_as_it_is_claimed(storage: Storage) -> None:
    with storage.claim(KEY, 1, ()) as held:
        held.write_bytes(b"sure, not sure, sure again, not sure")
        with storage.claim(KEY, 2, ((0, 4), (16, 26))) as scratch:
            held.write_bytes(b"written by one that was believed dead")
            assert scratch.read_bytes() == b"sure" + bytes(12) + b"sure again"
            scratch.write_bytes(b"the later one's")
    assert left(storage, 3) == b"the later one's"


def test_what_a_machine_has_left_whose_job_went_on_elsewhere_is_not_taken(storage: Storage) -> None:
    write(storage, 1, b"of before")
    with storage.claim(KEY, 3, (), 2) as scratch:
        assert scratch.read_bytes() == b""
        scratch.write_bytes(b"of now")
    assert not scratch.with_name(f"{KEY}.1.zip").exists()
    with storage.claim(KEY, 4, (), 3) as scratch:
        assert scratch.read_bytes() == b"of now"


def test_what_is_left_over_is_told_by_its_key(storage: Storage) -> None:
    assert list(storage.left_over()) == []
    write(storage, 1, b"half of it")
    assert [key for key, _ in storage.left_over()] == [KEY]
    storage.discard(KEY)
    assert list(storage.left_over()) == []


def test_what_was_overtaken_cannot_be_published(storage: Storage) -> None:
    with storage.claim(KEY, 1, ()) as held:
        held.write_bytes(b"made by one that was believed dead")
        with storage.claim(KEY, 2, ()) as scratch:
            with pytest.raises(StorageFailed, match="not there"):
                storage.publish(KEY, 1, held)
            assert storage.find(KEY) is None
            scratch.write_bytes(BYTES)
    assert content(storage.publish(KEY, 2, scratch)) == BYTES
    with pytest.raises(StorageFailed, match="not there"):
        storage.publish(KEY, 1, held)
    archive = storage.find(KEY)
    assert archive is not None
    assert content(archive) == BYTES


def test_a_file_made_beside_scratch_that_was_taken_over_cannot_be_published(
    storage: Storage,
) -> None:
    with storage.claim(KEY, 1, ()) as held:
        held.write_bytes(b"with holes")
        with storage.claim(KEY, 2, ((0, 10),)) as scratch:
            scratch.write_bytes(BYTES)
        archive = storage.publish(KEY, 2, scratch)
        # Only now does the first one wake up, in the middle of closing its holes.
        assembled = held.with_name(f"{held.name}.closed")
        assembled.write_bytes(b"made by one that was believed dead")
    with pytest.raises(StorageFailed, match="not there"):
        storage.publish(KEY, 1, assembled)
    assert not assembled.exists()
    assert storage.find(KEY) == archive
    assert content(archive) == BYTES


def test_a_file_made_beside_scratch_goes_when_the_scratch_is_taken_over(storage: Storage) -> None:
    with storage.claim(KEY, 1, ()) as held:
        held.write_bytes(b"with holes")
        assembled = held.with_name(f"{held.name}.closed")
        assembled.write_bytes(b"made by one that was believed dead")
        with storage.claim(KEY, 2, ()):
            assert not assembled.exists()


def test_the_archive_is_the_one_that_the_job_names_whatever_comes_late(storage: Storage) -> None:
    first = publish(storage)
    late = publish(storage, b"by another", attempt=2)
    found = storage.find(KEY, late.etag)
    assert found == late
    if storage.find(KEY, first.etag) == first:  # a bucket has both (tests/unit/storage/test_s3.py)
        storage.prune(KEY, 2, first)
        assert storage.find(KEY) == first
        assert content(first) == BYTES


def test_what_a_completed_job_leaves_over_is_pruned(storage: Storage) -> None:
    publish(storage, b"of an attempt that did not complete the job")
    archive = publish(storage, BYTES, attempt=2)
    write(storage, 3, b"of one that came too late")
    storage.prune(KEY, 2, archive)
    assert list(storage.left_over()) == []
    assert storage.find(KEY) == archive
    assert content(archive) == BYTES


def test_what_waits_to_be_published_is_taken_over_by_the_next_attempt(storage: Storage) -> None:
    assembled = write(storage, 1, BYTES)
    assert left(storage, 2) == BYTES
    with pytest.raises(StorageFailed, match="not there"):
        storage.publish(KEY, 1, assembled)
    assert storage.find(KEY) is None
    assert left(storage, 3) == BYTES


def test_what_was_published_before_is_confirmed_by_the_next_attempt(storage: Storage) -> None:
    archive = publish(storage)
    assert left(storage, 2) == b""
    storage.confirm(KEY, 2)
    assert archive == storage.find(KEY)
    assert list(storage.left_over()) == []


def test_a_later_publication_takes_the_place_of_one_that_was_not_confirmed(
    storage: Storage,
) -> None:
    first = publish(storage, b"without a file that is there now")
    second = publish(storage, BYTES, attempt=2)
    assert second.etag != first.etag
    assert storage.find(KEY) == second
    assert content(second) == BYTES


def test_what_is_not_published_is_not_found(storage: Storage) -> None:
    write(storage, 1, BYTES)
    assert storage.find(KEY) is None


def test_a_published_archive_is_found_with_its_bytes(storage: Storage) -> None:
    archive = publish(storage)
    assert archive.size == len(BYTES)
    assert content(archive) == BYTES
    assert storage.find(KEY) == archive


def test_a_published_archive_survives_a_restart_with_its_entity_tag(
    open_storage: Callable[[], Storage],
) -> None:
    archive = publish(open_storage())
    assert open_storage().find(KEY) == archive


def test_an_entity_tag_is_strong_and_quoted(storage: Storage) -> None:
    etag = publish(storage).etag
    assert etag.startswith('"')
    assert etag.endswith('"')
    assert etag.count('"') == 2
    assert etag.isascii()


def test_publishing_leaves_no_scratch_of_that_key(storage: Storage) -> None:
    write(storage, 1, b"another's", key=OTHER)
    beside = write(storage, 1, b"").with_name(f"{KEY}.1.zip.spool-1")
    beside.write_bytes(b"spooled")
    publish(storage)
    assert left(storage, 1) == b""
    assert not beside.exists()
    assert left(storage, 1, key=OTHER) == b"another's"


def test_a_late_publication_leaves_a_later_attempts_scratch_alone(storage: Storage) -> None:
    publish(storage)
    write(storage, 2, b"the later one's")
    storage.confirm(KEY, 1)
    assert left(storage, 2) == b"the later one's"


def test_what_lies_beside_the_scratch_of_an_earlier_attempt_is_removed(storage: Storage) -> None:
    spool = write(storage, 1, b"begun").with_name(f"{KEY}.1.zip.spool-1")
    spool.write_bytes(b"spooled")
    assert left(storage, 2) == b"begun"
    assert not spool.exists()


def test_a_file_assembled_beside_the_scratch_can_be_published(storage: Storage) -> None:
    with storage.claim(KEY, 1, ()) as scratch:
        scratch.write_bytes(b"with holes")
        assembled = scratch.with_name(f"{scratch.name}.closed")
        assembled.write_bytes(BYTES)
    assert content(storage.publish(KEY, 1, assembled)) == BYTES
    assert not scratch.exists()


def test_publishing_what_was_never_assembled_fails_in_words(storage: Storage) -> None:
    scratch = write(storage, 1, b"")
    scratch.unlink()
    with pytest.raises(StorageFailed, match="not there"):
        storage.publish(KEY, 1, scratch)
    assert storage.find(KEY) is None


def test_other_bytes_of_the_same_length_have_another_entity_tag(storage: Storage) -> None:
    first = publish(storage)
    storage.remove(KEY)
    assert publish(storage, BYTES[::-1]).etag != first.etag


def test_what_is_removed_is_not_found(storage: Storage) -> None:
    publish(storage)
    storage.remove(KEY)
    assert storage.find(KEY) is None


def test_removing_takes_the_scratch_too(storage: Storage) -> None:
    write(storage, 1, b"half of it")
    storage.remove(KEY)
    assert left(storage, 1) == b""


def test_what_is_being_assembled_when_it_is_removed_cannot_be_published(storage: Storage) -> None:
    with storage.claim(KEY, 1, ()) as scratch:
        scratch.write_bytes(BYTES)
        storage.remove(KEY)
    with pytest.raises(StorageFailed, match="not there"):
        storage.publish(KEY, 1, scratch)
    assert storage.find(KEY) is None


def test_discarding_takes_the_scratch_and_leaves_the_archive(storage: Storage) -> None:
    archive = publish(storage)
    write(storage, 2, b"left over")
    storage.discard(KEY)
    storage.discard(OTHER)
    assert left(storage, 2) == b""
    assert storage.find(KEY) == archive


def test_a_part_has_files_of_its_own_and_goes_with_its_archive(storage: Storage) -> None:
    for number in (numbers := (0, 1, 11)):
        publish(storage, BYTES + bytes([number]), part_key(KEY, number))
    publish(storage, BYTES, OTHER)
    write(storage, 1, b"begun", part_key(KEY, 2))
    assert [key for key, _ in storage.left_over()] == [KEY]
    assert sorted(storage.archived()) == [KEY, KEY, KEY, OTHER]
    assert storage.find(KEY) is None
    for number in numbers:
        found = storage.find(part_key(KEY, number))
        assert found is not None
        assert content(found) == BYTES + bytes([number])
    kept = storage.find(part_key(KEY, 1))
    assert kept is not None
    storage.prune(part_key(KEY, 1), 2, kept)
    assert storage.find(part_key(KEY, 11)) is not None
    storage.discard(KEY)
    assert list(storage.left_over()) == []
    assert storage.find(part_key(KEY, 0)) is not None
    storage.remove(KEY)
    assert list(storage.archived()) == [OTHER]


def test_removing_what_is_not_there_is_no_error(storage: Storage) -> None:
    storage.remove(KEY)


def test_an_archive_being_read_stays_readable_when_it_is_removed(storage: Storage) -> None:
    archive = publish(storage, bytes(range(256)) * 256)
    reader = archive.bytes.open()
    begun = reader.read(range(archive.size), 1000)
    storage.remove(KEY)
    while piece := reader.read(range(len(begun), archive.size), 9000):
        begun += piece
    reader.close()
    assert begun == bytes(range(256)) * 256


def test_what_is_being_read_ends_as_it_began_whatever_another_process_does(
    open_storage: Callable[[], Storage],
) -> None:
    old, new = bytes(range(256)) * 4096, bytes(reversed(range(256))) * 4096
    archive = publish(open_storage(), old)
    readers = [archive.bytes.open() for _ in range(3)]
    begun = [reader.read(range(archive.size), 1000 + n) for n, reader in enumerate(readers)]
    other = open_storage()
    other.remove(KEY)
    assert other.find(KEY) is None
    latest = publish(other, new, attempt=2)
    for reader, piece in zip(readers, begun, strict=True):
        read = piece
        while more := reader.read(range(len(read), archive.size), 100_000):
            read += more
        reader.close()
        assert read == old
    assert content(latest) == new
    assert latest.etag != archive.etag


def test_any_part_of_an_archive_can_be_read(storage: Storage) -> None:
    archive = publish(storage, bytes(range(256)) * 40)
    reader = archive.bytes.open()
    assert reader.read(range(5000, 5010), 100) == bytes(range(136, 146))
    assert reader.read(range(3, 9), 4) == bytes(range(3, 7))
    assert reader.read(range(7, 9), 4) == bytes(range(7, 9))
    assert reader.read(range(10_239, 10_240), 4) == b"\xff"
    assert reader.read(range(10_240, 10_240), 4) == b""
    reader.close()


@pytest.mark.parametrize("key", ["", "..", "../../etc/passwd", "AB" * 16, f"{KEY}/x", f"{KEY}\n"])
def test_a_key_that_is_not_hexadecimal_is_refused(storage: Storage, key: str) -> None:
    for ask in (storage.find, storage.remove, storage.discard):
        with pytest.raises(PackmuleError, match="hexadecimal"):
            ask(key)
    with pytest.raises(PackmuleError, match="hexadecimal"), storage.claim(key, 1, ()):
        pass


def test_free_bytes_are_known_before_anything_is_written(storage: Storage) -> None:
    assert storage.free_bytes() > 0


def test_a_check_of_working_storage_is_silent_and_leaves_nothing(
    storage: Storage, open_storage: Callable[[], Storage]
) -> None:
    storage.check()
    storage.check()
    assert open_storage().find(KEY) is None


def test_the_keys_of_all_archives_are_listed_and_nothing_else(storage: Storage) -> None:
    assert list(storage.archived()) == []
    publish(storage)
    publish(storage, key=OTHER)
    with storage.claim("b2" * 16, 1, ()) as scratch:
        scratch.write_bytes(b"under assembly")
    assert set(storage.archived()) == {KEY, OTHER}
    storage.remove(KEY)
    assert set(storage.archived()) == {OTHER}
