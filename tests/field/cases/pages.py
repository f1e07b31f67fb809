"""A page is a page: what comes in a file's place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fakes.raw_origin import Asked, RawOrigin, response
from tests.field.case import case

if TYPE_CHECKING:
    import socket

    from tests.field.case import Field

KIND = "HTML instead of a file"
PAGE = b"<!DOCTYPE html><html><title>Virus scan warning</title></html>"


def told(field: Field, path: str, *fields: str, body: bytes = PAGE) -> list[str]:
    """Return the warnings' codes; a page fails where that is asked for."""

    def handler(_: Asked, _socket: socket.socket) -> bytes:
        return response(fields=fields, body=body)

    with RawOrigin(handler) as origin:
        packed = field.pack(origin.url + path)
        codes = [each["code"] for each in packed.report["warnings"]]
        assert list(packed.entries.values()) == [body]
        if codes == ["html-page"]:
            assert field.pack("--on-html", "fail", origin.url + path).codes == ["html-page"]
    return codes


@case(
    kind=KIND,
    comes="a page for a link without an extension, for `.csv`, `.json`, `.md`",
    does="warns with `html-page`, or fails with `on_html: fail`; a link that ends in a slash or "
    "`.html` asks for a page",
    source="https://github.com/invoke-ai/InvokeAI/issues/6227",
)
def page_where_none_was_announced(field: Field) -> None:
    html = "Content-Type: text/html; charset=utf-8"
    for path in ("/uc?export=download&id=1", "/a.csv", "/m.safetensors"):
        assert told(field, path, html) == ["html-page"]
    for path in ("/", "/folder/", "/a.html", "/index.php"):
        assert told(field, path, html) == []


@case(
    kind=KIND,
    comes="a page as application/octet-stream, image/jpeg or without a type",
    does="recognises it by its first bytes",
    source="https://github.com/sonichi/sutando/pull/2268, "
    "https://github.com/Disane87/scrape-dojo/pull/152",
)
def page_under_another_type(field: Field) -> None:
    for kind in (["Content-Type: application/octet-stream"], ["Content-Type: image/jpeg"], []):
        body = b"\r\n<!-- x -->" + PAGE
        assert told(field, "/a.zip", *kind, body=body) == ["html-page"]


@case(
    kind=KIND,
    comes='`{"error": …}` or `Not Found` with status 200 in place of a picture',
    does="keeps it and warns with `unexpected-text`",
    source="https://github.com/MCERQUA/OpenVoiceUI/pull/470",
)
def error_in_place_of_a_picture(field: Field) -> None:
    kind = "Content-Type: application/json"
    assert told(field, "/a.jpg", kind, body=b'{"error":"Rate limit"}') == ["unexpected-text"]
    assert told(field, "/a.json", kind, body=b'{"error":"Rate limit"}') == []


@case(
    kind=KIND,
    comes="a Git LFS pointer of 133 bytes in place of the file",
    does="keeps it and warns with `lfs-pointer`",
    source="https://github.com/git-lfs/git-lfs/issues/6031, "
    "https://github.com/python-gitlab/python-gitlab/issues/1745",
)
def git_lfs_pointer(field: Field) -> None:
    oid = b"a" * 64
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize 9\n" % oid
    assert told(field, "/m.bin", "Content-Type: text/plain", body=pointer) == ["lfs-pointer"]


@case(
    kind=KIND,
    comes="the share page of Nextcloud at `/s/<token>`",
    does="fails with `viewer-page` and names the link that sends the file",
    source="https://github.com/nextcloud/server/issues/16858",
)
def share_page_of_nextcloud(field: Field) -> None:
    def handler(_: Asked, _socket: socket.socket) -> bytes:
        page = b"<!DOCTYPE html><html><head data-requesttoken=x><title>Nextcloud"
        return response(fields=["Content-Type: text/html"], body=page)

    with RawOrigin(handler) as origin:
        packed = field.pack(f"{origin.url}/s/niKCpgZ4kWFef")
    assert packed.codes == ["viewer-page"]
    assert "/download" in packed.report["failures"][0]["detail"]


@case(
    kind=KIND,
    comes="a page that leads on to the file by `<meta http-equiv=refresh>`",
    does="fails with `viewer-page` and names the link that it leads to, without its query",
    source="https://github.com/MPMG-DCC-UFMG/C01/issues/8021",
)
def page_that_leads_on(field: Field) -> None:
    tag = b"<meta http-equiv='refresh' content='0; URL=real.zip?key=secret'>"
    page = b"<html><style>" + b" " * 2000 + b"</style>" + tag + b"</html>"

    def handler(_: Asked, _socket: socket.socket) -> bytes:
        return response(fields=["Content-Type: text/html"], body=page)

    with RawOrigin(handler) as origin:
        packed = field.pack(f"{origin.url}/dl/a.zip")
    assert packed.codes == ["viewer-page"]
    detail = packed.report["failures"][0]["detail"]
    assert f"{origin.url}/dl/real.zip" in detail
    assert "secret" not in detail


@case(
    kind=KIND,
    comes="an empty answer with status 200 in place of a picture",
    does="keeps it and warns with `empty-file`; a text may be empty",
    source="https://github.com/wummel/dosage/issues/11",
)
def nothing_in_place_of_a_picture(field: Field) -> None:
    assert told(field, "/a.jpg", "Content-Type: image/jpeg", body=b"") == ["empty-file"]
    assert told(field, "/a.txt", "Content-Type: text/plain", body=b"") == []
