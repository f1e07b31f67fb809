"""GET /archive/get, again and again: quick, and never of an archive that is no more."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.fakes.origin import Origin
    from tests.spec.service import Service

BODY = random.Random(6).randbytes(3_000_000)


def test_an_archive_that_is_removed_is_410_at_once_however_lately_it_was_asked_for(
    service: Service, origin: Origin
) -> None:
    archive_hash = service.completed(origin.put("/again/at-once.bin", BODY))
    for _ in range(3):
        assert service.download(archive_hash, Range="bytes=0-9").status_code == 206
    assert service.client.delete(f"/api/archive/{archive_hash}").status_code == 204
    answer = service.download(archive_hash, Range="bytes=0-9")
    assert (answer.status_code, answer.json()["code"]) == (410, "gone")


def test_an_archive_whose_time_is_over_is_410_at_once_however_lately_it_was_asked_for(
    service: Service, origin: Origin
) -> None:
    link = origin.put("/again/expires.bin", BODY)
    archive_hash = service.completed(link, expires_in=1)
    codes: list[int] = []
    while not codes or codes[-1] == 206:
        codes.append(service.download(archive_hash, Range="bytes=0-9").status_code)
    assert codes[-1] == 410


def test_ranges_asked_for_one_after_another_are_each_exactly_their_bytes(
    service: Service, origin: Origin
) -> None:
    archive_hash = service.completed(origin.put("/again/ranges.bin", BODY))
    whole = service.download(archive_hash)
    for at in range(0, len(whole.content), 70_001):
        answer = service.download(archive_hash, Range=f"bytes={at}-{at + 69_999}")
        assert answer.content == whole.content[at : at + 70_000]
        assert answer.headers["etag"] == whole.headers["etag"]
