"""Share links: the viewer's link instead of the file's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fakes.raw_origin import Asked, RawOrigin, response
from tests.field.case import case

if TYPE_CHECKING:
    import socket

    from tests.field.case import Field

KIND = "Share links"


def nextcloud(asked: Asked, _socket: socket.socket) -> bytes:
    if asked.path.endswith("/download"):
        said = 'Content-Disposition: attachment; filename="a.bin"'
        return response(fields=[said], body=b"file")
    page = b"<!DOCTYPE html><html><head data-requesttoken=x><title>Nextcloud"
    return response(fields=["Content-Type: text/html"], body=page)


@case(
    kind=KIND,
    comes="the share page of Nextcloud at `/s/<token of 15 characters>`",
    does="fetches `/s/<token>/download`; with `PACKMULE_REWRITE_LINKS=off`, fails as `viewer-page`",
    source="https://github.com/nextcloud/server/issues/14593",
)
def share_link_of_nextcloud(field: Field) -> None:
    with RawOrigin(nextcloud) as origin:
        link = f"{origin.url}/s/niKCpgZ4kWFefJM"
        assert field.pack(link).entries == {"a.bin": b"file"}
        assert field.pack(link, REWRITE_LINKS="off").codes == ["viewer-page"]


@case(
    kind=KIND,
    comes="any other link",
    does="sends it byte for byte",
    source="public reports",
)
def other_links_stay_as_they_are(field: Field) -> None:
    path = "/o/r/blob/main/a.bin?dl=0&x=%2f"
    with RawOrigin(lambda *_: response(body=b"x")) as origin:
        assert list(field.pack(origin.url + path).entries) == ["a.bin"]
        assert [asked.path for asked in origin.seen] == [path]
