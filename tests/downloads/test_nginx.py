"""Archives sent by nginx, as docs/guides/nginx.md sets it up: all that the API promises of them."""

from __future__ import annotations

import email
import email.policy
from contextlib import closing
from http.client import HTTPConnection
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.downloads.served import MIB, serving
from tests.fakes.proxying import nginx

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.downloads.served import Served

pytestmark = pytest.mark.needs("nginx")

SIZE = 3 * MIB


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Give an archive whose service hands it over."""
    folder = tmp_path_factory.mktemp("behind")
    with serving(folder, SIZE, SENDFILE="x-accel-redirect:/internal/") as served:
        yield served


@pytest.fixture(scope="module")
def client(behind: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Give a client of the nginx before it."""
    folder: Path = tmp_path_factory.mktemp("proxy") / "nginx"
    archives = behind.service.folder / "data" / "archives"
    with (
        nginx(folder, behind.service.port, archives) as port,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as asking,
    ):
        yield asking


@pytest.fixture(scope="module")
def content(behind: Served) -> bytes:
    """Give the archive's bytes."""
    return behind.file.read_bytes()


def test_the_api_itself_sends_no_byte(behind: Served) -> None:
    answer = behind.service.download(behind.hash)
    assert answer.headers["x-accel-redirect"] == f"/internal/{behind.hash[:2]}/{behind.hash}.zip"
    assert answer.content == b""


def test_whole_it_comes_with_all_that_resuming_needs(
    client: httpx.Client, behind: Served, content: bytes
) -> None:
    answer = client.get(behind.path)
    assert answer.status_code == 200
    assert answer.content == content
    assert "x-accel-redirect" not in answer.headers
    assert {name: answer.headers[name] for name in (
        "content-type", "content-disposition", "accept-ranges", "x-content-type-options",
        "cache-control", "content-length",
    )} == {
        "content-type": "application/zip",
        "content-disposition": "attachment; filename=\"body.zip\"; filename*=UTF-8''body.zip",
        "accept-ranges": "bytes",
        "x-content-type-options": "nosniff",
        "cache-control": "private, no-cache, no-transform",
        "content-length": str(len(content)),
    }  # fmt: skip
    assert answer.headers["etag"].startswith('"')  # strong: no W/
    assert answer.headers["last-modified"].endswith(" GMT")


def test_head_has_the_headers_of_get_and_no_body(client: httpx.Client, behind: Served) -> None:
    head, whole = client.head(behind.path), client.get(behind.path)
    assert head.status_code == 200
    assert head.content == b""
    for name in ("content-length", "content-type", "etag", "last-modified", "content-disposition"):
        assert head.headers[name] == whole.headers[name]


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-0", slice(0, 1)),
        ("bytes=1000-1999", slice(1000, 2000)),
        ("bytes=1000000-", slice(1_000_000, None)),
        ("bytes=-500", slice(-500, None)),
    ],
)
def test_a_range_is_206_with_exactly_its_bytes(
    client: httpx.Client, behind: Served, content: bytes, asked: str, part: slice
) -> None:
    answer = client.get(behind.path, headers={"Range": asked})
    assert answer.status_code == 206
    first, end, _ = part.indices(len(content))
    assert answer.content == content[first:end]
    assert answer.headers["content-range"] == f"bytes {first}-{end - 1}/{len(content)}"
    assert answer.headers["content-type"] == "application/zip"


def test_several_ranges_are_multipart(client: httpx.Client, behind: Served, content: bytes) -> None:
    answer = client.get(behind.path, headers={"Range": "bytes=0-9,1000-1999,-20"})
    assert answer.status_code == 206
    kind = answer.headers["content-type"]
    document = email.message_from_string(f"Content-Type: {kind}\r\n\r\n", policy=email.policy.HTTP)
    assert document.get_content_type() == "multipart/byteranges"
    parts = answer.content.split(f"--{document.get_boundary()}".encode())[1:-1]
    bodies = [part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n") for part in parts]
    assert bodies == [content[:10], content[1000:2000], content[-20:]]


def test_more_ranges_than_are_allowed_give_the_whole(
    client: httpx.Client, behind: Served, content: bytes
) -> None:
    asked = ",".join(f"{n * 1000}-{n * 1000}" for n in range(33))
    answer = client.get(behind.path, headers={"Range": f"bytes={asked}"})
    assert answer.status_code == 200
    assert answer.content == content


def test_a_range_past_the_end_is_416(client: httpx.Client, behind: Served, content: bytes) -> None:
    answer = client.get(behind.path, headers={"Range": f"bytes={len(content)}-"})
    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{len(content)}"


def test_if_range_gives_the_range_only_of_the_very_same_file(
    client: httpx.Client, behind: Served, content: bytes
) -> None:
    whole = client.head(behind.path).headers
    found = {}
    for known in (whole["etag"], whole["last-modified"], '"other"', f"W/{whole['etag']}"):
        answer = client.get(behind.path, headers={"Range": "bytes=5-9", "If-Range": known})
        found[known] = answer.content == content[5:10]
        assert answer.status_code == (206 if found[known] else 200)
    assert list(found.values()) == [True, True, False, False]


def test_what_is_known_already_is_304(client: httpx.Client, behind: Served) -> None:
    whole = client.head(behind.path).headers
    for condition in (
        {"If-None-Match": whole["etag"]},
        {"If-None-Match": f"W/{whole['etag']}"},
        {"If-Modified-Since": whole["last-modified"]},
    ):
        for method in ("GET", "HEAD"):
            answer = client.request(method, behind.path, headers=condition)
            assert answer.status_code == 304
            assert answer.content == b""
            assert answer.headers["etag"] == whole["etag"]


def test_another_file_than_the_condition_names_is_412(client: httpx.Client, behind: Served) -> None:
    whole = client.head(behind.path).headers
    # nginx may close the connection after its 412 without a word.
    other = {"If-Match": '"other"', "Connection": "close"}
    assert client.get(behind.path, headers=other).status_code == 412
    assert client.get(behind.path, headers={"If-Match": whole["etag"]}).status_code == 200


def test_last_modified_is_the_one_that_packmule_tells_itself(
    client: httpx.Client, behind: Served
) -> None:
    told = behind.service.download(behind.hash).headers["last-modified"]
    assert client.head(behind.path).headers["last-modified"] == told


def test_the_internal_location_cannot_be_reached_from_outside(
    client: httpx.Client, behind: Served
) -> None:
    place = f"{behind.hash[:2]}/{behind.hash}.zip"
    for path in (
        f"/internal/{place}", f"/internal/../internal/{place}", f"//internal/{place}",
        f"/%69nternal/{place}", "/internal/", f"/archive/get/../../internal/{place}",
    ):  # fmt: skip
        status, body = asked_as_is(client.base_url.port, path)
        assert status == 404, path
        assert b"PK" not in body
    # Nor by a client that writes the header itself.
    answer = client.get("/healthz", headers={"X-Accel-Redirect": f"/internal/{place}"})
    assert b"PK" not in answer.content


def asked_as_is(port: int | None, path: str) -> tuple[int, bytes]:
    """Ask for a path that no client would send before having tidied it up."""
    with closing(HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()


def test_errors_stay_ours(client: httpx.Client) -> None:
    answer = client.get(f"/archive/get/{'0' * 32}.zip")
    assert answer.status_code == 404
    assert answer.json()["code"] == "not-found"


def test_a_list_of_links_and_the_page_come_through(client: httpx.Client) -> None:
    assert client.get("/").status_code == 200
    answer = client.post("/api/archive/create", json={"urls": []})
    assert answer.status_code == 422
