"""At the start a store is asked for all that archives need; what it lacks is one sentence."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from tests.fakes.bucket import FakeS3, given_or_running_s3
from tests.fakes.faulty_s3 import FaultyS3, before

from packmule.errors import StorageAway
from packmule.storage import s3_probe
from packmule.storage.s3_bucket import Bucket, BucketAddress, Encryption
from packmule.storage.s3_probe import probe, remove_leftovers

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def server() -> Iterator[FakeS3]:
    with given_or_running_s3() as running:
        yield running


@pytest.fixture
def faulty(server: FakeS3) -> Iterator[FaultyS3]:
    with before(server.url) as running:
        yield running


@pytest.fixture
def bucket(server: FakeS3, faulty: FaultyS3, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    for name, value in (server.environment | {"AWS_ENDPOINT_URL_S3": faulty.url}).items():
        monkeypatch.setenv(name, value)
    return Bucket(BucketAddress(server.make_bucket()), Encryption())


def test_a_good_store_is_left_as_it_was(bucket: Bucket) -> None:
    probe(bucket, "tried")
    assert bucket.find("") == []
    assert bucket.uploads("") == []


def test_what_a_killed_trial_left_is_removed_a_day_later(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.put(".trial.1", b"x")
    bucket.put("0f/archive", b"x")
    bucket.begin(".trial.1")
    bucket.begin("0f/archive")
    remove_leftovers(bucket, ".trial.")  # it may be under way
    assert len(bucket.find(".trial.")) == 1  # moto says that every upload is years old
    monkeypatch.setattr(s3_probe, "_SURELY_OVER", timedelta(days=-1))
    remove_leftovers(bucket, ".trial.")
    assert [found.name for found in bucket.find("")] == ["0f/archive"]
    assert [upload.name for upload in bucket.uploads("")] == ["0f/archive"]


@pytest.mark.parametrize(
    ("asked", "refusal", "said"),
    [
        (
            ("PUT", ""),
            (403, "AccessDenied"),
            "store objects (permission s3:PutObject): AccessDenied",
        ),
        (("GET", "list-type"), (403, "AccessDenied"), "list objects (permission s3:ListBucket)"),
        (("GET", "uploadId"), (501, "NotImplemented"), "list the parts of an upload"),
        (("GET", "uploads"), (403, "AccessDenied"), "s3:ListBucketMultipartUploads"),
        (("POST", "uploads"), (403, "AccessDenied"), "begin an upload"),
        (("PUT", "partNumber"), (403, "AccessDenied"), "store a part of an upload"),
        (("DELETE", "uploadId"), (403, "AccessDenied"), "s3:AbortMultipartUpload"),
        (("GET", ""), (416, "InvalidRange"), "read a range of an object (permission s3:GetObject)"),
    ],
)
def test_what_a_store_lacks_is_one_sentence(
    bucket: Bucket,
    faulty: FaultyS3,
    asked: tuple[str, str],
    refusal: tuple[int, str],
    said: str,
) -> None:
    method, word = asked
    faulty.refusal = refusal
    faulty.refuses = lambda found, query: (
        found == method
        and (word in query if word else not {"list-type", "uploads", "uploadId"} & set(query))
    )
    with pytest.raises(StorageAway) as caught:
        probe(bucket, "tried")
    assert said in str(caught.value)
    assert str(caught.value).count(". ") == 0
