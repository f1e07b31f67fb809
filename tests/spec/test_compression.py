"""What `compression` promises: how the entries of an archive are kept, seen in the archive."""

from __future__ import annotations

import zipfile
from io import BytesIO
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.fakes.origin import Origin
    from tests.spec.service import Service

TEXT = b"the same sentence, again and again\n" * 20_000


@pytest.mark.parametrize(
    ("compression", "text_is", "image_is"),
    [
        ("auto", zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED),
        ("store", zipfile.ZIP_STORED, zipfile.ZIP_STORED),
        ("deflate", zipfile.ZIP_DEFLATED, zipfile.ZIP_DEFLATED),
    ],
)
def test_entries_are_kept_as_the_job_asks(
    service: Service, origin: Origin, compression: str, text_is: int, image_is: int
) -> None:
    urls = [
        origin.put("/compression/a.txt", TEXT, headers={"Content-Type": "text/plain"}),
        origin.put("/compression/a.png", TEXT, headers={"Content-Type": "image/png"}),
    ]
    archive_hash = service.completed(*urls, compression=compression)
    with zipfile.ZipFile(BytesIO(service.download(archive_hash).content)) as archive:
        assert [entry.compress_type for entry in archive.infolist()] == [text_is, image_is]
        assert [archive.read(entry) for entry in archive.infolist()] == [TEXT, TEXT]
