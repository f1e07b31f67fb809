"""Redirects: a chain of them is one visit, and browsers read what servers write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fakes.raw_origin import Asked, RawOrigin, response
from tests.field.case import case

if TYPE_CHECKING:
    import socket

    from tests.field.case import Field

KIND = "Redirects"
BODY = b"here it is"
PUBLIC = "public reports; no link kept"


def _leads(field: Field, *locations: str, status: str = "302 Found") -> None:
    """Each Location leads to the file; HOST and PORT stand for the origin's."""
    for location in locations:

        def handler(asked: Asked, _socket: socket.socket, location: str = location) -> bytes:
            if asked.number > 1:
                return response(body=BODY)
            where = location.replace("HOST", "127.0.0.1").replace("PORT", str(origin.port))
            return response(status, [f"Location: {where}"])

        with RawOrigin(handler) as origin:
            packed = field.pack(f"{origin.url}/a/b.bin")
        assert list(packed.entries.values()) == [BODY], (location, packed.report)


@case(
    kind=KIND,
    comes="a 302 to the same address that sets a cookie (publishers, checks for robots)",
    does="returns the cookie and gets the file",
    source=PUBLIC,
)
def redirect_to_itself_with_a_cookie(field: Field) -> None:
    def handler(asked: Asked, _socket: socket.socket) -> bytes:
        if asked.fields.get("cookie") == "seen=1":
            return response(body=BODY)
        return response("302 Found", ["Location: /a.bin", "Set-Cookie: seen=1; Path=/; HttpOnly"])

    with RawOrigin(handler) as origin:
        packed = field.pack(f"{origin.url}/a.bin", f"{origin.url}/a.bin?2")
        asked = [each.path for each in origin.seen if "cookie" not in each.fields]
    assert [*packed.entries.values()] == [BODY, BODY]
    assert sorted(asked) == ["/a.bin", "/a.bin?2"], "a source used another's cookie"


@case(
    kind=KIND,
    comes="429 with `Set-Cookie` and `Retry-After: 0`; with the cookie the file comes",
    does="keeps the cookie for the next try",
    source="https://github.com/mikf/gallery-dl/issues/5210",
)
def cookie_set_by_a_refusal(field: Field) -> None:
    def handler(asked: Asked, _socket: socket.socket) -> bytes:
        if asked.fields.get("cookie") == "k=v":
            return response(body=BODY)
        return response("429 Too Many Requests", ["Retry-After: 0", "Set-Cookie: k=v; Path=/"])

    with RawOrigin(handler) as origin:
        packed = field.pack(f"{origin.url}/a.bin")
    assert packed.entries == {"a.bin": BODY}


@case(
    kind=KIND,
    comes="a redirect that sets a cookie, then leads to another host",
    does="sends the cookie to no other host",
    source=PUBLIC,
)
def cookie_of_another_host(field: Field) -> None:
    with RawOrigin(lambda *_: response(body=BODY), host="127.0.0.2") as other:
        where = [f"Location: {other.url}/a.bin", "Set-Cookie: secret=1; Path=/"]
        with RawOrigin(lambda *_: response("302 Found", where)) as origin:
            packed = field.pack(f"{origin.url}/a.bin")
    assert packed.entries == {"a.bin": BODY}
    assert "cookie" not in other.seen[0].fields


@case(
    kind=KIND,
    comes="20 redirects in a row",
    does="follows 20, and names the limit at the 21st",
    source=PUBLIC,
)
def many_redirects(field: Field) -> None:
    def handler(asked: Asked, _socket: socket.socket) -> bytes:
        left = int(asked.path[1:])
        if left:
            return response("302 Found", [f"Location: /{left - 1}"])
        return response(body=BODY)

    with RawOrigin(handler) as origin:
        assert [*field.pack(f"{origin.url}/20").entries.values()] == [BODY]
        assert field.pack(f"{origin.url}/21").codes == ["redirects"]


@case(
    kind=KIND,
    comes="`Location: http:///host/x` with tabs behind it",
    does="reads it as browsers do",
    source="https://github.com/curl/curl/issues/12147",
)
def location_with_three_slashes(field: Field) -> None:
    _leads(field, "http:///HOST:PORT/x\t\t\t")


@case(
    kind=KIND,
    comes="Location with a backslash, a tab inside, `http:/x`, `user@`, raw bytes, a fragment",
    does="reads it as browsers do; a user name is not sent",
    source=PUBLIC,
)
def locations_that_browsers_read(field: Field) -> None:
    _leads(field, "\\\\HOST:PORT\\x", "/x\ty", "http:/x", "http://me:pw@HOST:PORT/x")
    _leads(field, "/caf\xe9#top", "//HOST:PORT/x")


@case(
    kind=KIND,
    comes="`300 Multiple Choices` with a Location",
    does="follows it",
    source=PUBLIC,
)
def multiple_choices(field: Field) -> None:
    _leads(field, "/x", status="300 Multiple Choices")


@case(
    kind=KIND,
    comes="an empty Location",
    does="fails at once: the redirect leads nowhere",
    source="https://github.com/curl/curl/pull/19134",
)
def empty_location(field: Field) -> None:
    with RawOrigin(lambda *_: response("302 Found", ["Location:"])) as origin:
        packed = field.pack(f"{origin.url}/a.bin")
    assert "without saying where to go" in packed.report["failures"][0]["detail"]
    assert len(origin.seen) == 1


@case(
    kind=KIND,
    comes="the same Location twice",
    does="follows it",
    source="https://github.com/jnunemaker/httparty/issues/478",
)
def location_twice(field: Field) -> None:
    def handler(asked: Asked, _socket: socket.socket) -> bytes:
        if asked.number > 1:
            return response(body=BODY)
        return response("302 Found", ["Location: /x", "Location: /x"])

    with RawOrigin(handler) as origin:
        assert [*field.pack(f"{origin.url}/a.bin").entries.values()] == [BODY]


@case(
    kind=KIND,
    comes="S3's 301 without a Location: the bucket is in another region",
    does="fails at once and names the endpoint that the body names",
    source="https://github.com/yanganto/s3rs/issues/18 "
    "https://github.com/JuliaCloud/AWSS3.jl/issues/25",
)
def bucket_in_another_region(field: Field) -> None:
    def handler(_: Asked, _socket: socket.socket) -> bytes:
        body = (
            b"<Error><Code>PermanentRedirect</Code>"
            b"<Endpoint>b.s3.ap-northeast-1.amazonaws.com</Endpoint></Error>"
        )
        return response("301 Moved Permanently", ["x-amz-bucket-region: ap-northeast-1"], body)

    with RawOrigin(handler) as origin:
        packed = field.pack(f"{origin.url}/b/a.bin")
    assert packed.codes == ["http-status"]
    assert "b.s3.ap-northeast-1.amazonaws.com" in packed.report["failures"][0]["detail"]
