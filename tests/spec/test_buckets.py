"""Archives in a bucket: the same promises, through the API or by a redirect to the bucket."""

from __future__ import annotations

import io
import random
import zipfile
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.fakes.bucket import FakeS3, running_s3
from tests.spec.service import Service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fakes.origin import Origin

BODY = random.Random(8).randbytes(9_000_000)


@pytest.fixture(scope="module")
def server() -> Iterator[FakeS3]:
    with running_s3() as running:
        yield running


@pytest.mark.parametrize("downloads", ["proxy", "redirect"])
def test_an_archive_in_a_bucket_is_downloaded_whole_and_in_ranges_and_then_removed(
    tmp_path: Path, server: FakeS3, origin: Origin, downloads: str
) -> None:
    link = origin.put(f"/buckets/{downloads}.bin", BODY)
    bucket = server.make_bucket()
    url = f"s3://{bucket}/some/archives"
    with Service(tmp_path, STORAGE_URL=url, S3_DOWNLOADS=downloads) as service:
        service.environment |= server.environment
        service.start()
        hash_ = service.completed(link)
        path = f"/archive/get/{hash_}.zip"
        with httpx.Client(base_url=service.url, timeout=60, trust_env=False) as client:
            first = client.get(path)
            assert first.is_redirect == (downloads == "redirect")
            whole = client.get(path, follow_redirects=True)
            head = client.head(path)
            assert head.status_code == 200
            etag = head.headers["etag"]
            asked = {"Range": "bytes=100-5000099", "If-Range": etag}
            part = client.get(path, headers=asked, follow_redirects=True)
            known = client.get(path, headers={"If-None-Match": etag})
            past = client.get(path, headers={"Range": f"bytes={len(whole.content)}-"})
        assert whole.headers["etag"] == part.headers["etag"] == etag
        assert int(head.headers["content-length"]) == len(whole.content)
        assert f"{hash_}.zip" in whole.headers["content-disposition"]
        assert zipfile.ZipFile(io.BytesIO(whole.content)).read(f"{downloads}.bin") == BODY
        assert part.status_code == 206
        assert part.content == whole.content[100:5_000_100]
        assert known.status_code == 304
        assert past.status_code == 416
        assert list((tmp_path / "data/scratch").rglob("*.zip*")) == []
        service.client.delete(f"/api/archive/{hash_}")
    names = [each["Key"] for each in server.client.list_objects_v2(Bucket=bucket)["Contents"]]
    assert names == ["some/archives/.written-by-packmule"]
