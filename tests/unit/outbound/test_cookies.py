"""Cookies of one source, through libcurl's engine: kept over tries, never another source's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pycurl
import pytest
from tests.fakes.raw_origin import Asked, RawOrigin, response

from packmule.outbound import cookies

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator


@pytest.fixture
def curl() -> Iterator[pycurl.Curl]:
    handle = pycurl.Curl()
    cookies.enable(handle)
    handle.setopt(pycurl.WRITEFUNCTION, lambda _: None)
    yield handle
    handle.close()


def visit(curl: pycurl.Curl, url: str) -> None:
    curl.setopt(pycurl.URL, url)
    curl.perform()


def origin(*fields: str) -> RawOrigin:
    def handler(_: Asked, _socket: socket.socket) -> bytes:
        return response(fields=fields)

    return RawOrigin(handler)


def sent(asked: Asked) -> str | None:
    return asked.fields.get("cookie")


def test_what_a_response_sets_goes_with_the_next_request(curl: pycurl.Curl) -> None:
    with origin("Set-Cookie: a=1; Path=/; HttpOnly") as host:
        visit(curl, host.url)
        kept = cookies.taken(curl)
        cookies.put(curl, ())
        visit(curl, host.url)
        cookies.put(curl, kept)
        visit(curl, host.url)
    assert [sent(asked) for asked in host.seen] == [None, None, "a=1"]


def test_another_host_is_sent_nothing(curl: pycurl.Curl) -> None:
    with (
        origin("Set-Cookie: a=1; Path=/") as host,
        RawOrigin(lambda *_: response(), host="127.0.0.2") as other,
    ):
        visit(curl, host.url)
        cookies.put(curl, cookies.taken(curl))
        visit(curl, other.url)
    assert sent(other.seen[0]) is None


@pytest.mark.parametrize("line", ["a=1; Domain=example.com", "a=1; Path=/elsewhere"])
def test_a_cookie_keeps_its_bounds_on_the_way(curl: pycurl.Curl, line: str) -> None:
    with origin(f"Set-Cookie: {line}") as host:
        visit(curl, host.url)
        cookies.put(curl, cookies.taken(curl))
        visit(curl, host.url)
    assert sent(host.seen[1]) is None


def test_what_a_source_may_hold_is_bounded(curl: pycurl.Curl) -> None:
    with origin(*(f"Set-Cookie: c{n}={'x' * 3000}; Path=/" for n in range(20))) as host:
        visit(curl, host.url)
        kept = cookies.taken(curl)
    assert 0 < sum(map(len, kept)) <= cookies.MOST_BYTES


def test_bytes_beyond_ascii_are_returned_as_they_came(curl: pycurl.Curl) -> None:
    with origin("Set-Cookie: a=caf\xe9; Path=/") as host:
        visit(curl, host.url)
        cookies.put(curl, cookies.taken(curl))
        visit(curl, host.url)
    assert sent(host.seen[1]) == "a=caf\xe9"


@pytest.mark.parametrize(
    ("lines", "are"),
    [
        ([b"HTTP/1.1 200 OK\r\n", b"Set-Cookie: a=1\r\n"], True),
        ([b"set-cookie:a=1\r\n"], True),
        ([b"Set-Cookie2: a=1\r\n", b"X-Set-Cookie: b=1\r\n"], False),
        ([], False),
    ],
)
def test_a_head_tells_whether_it_sets_cookies(lines: list[bytes], *, are: bool) -> None:
    assert cookies.are_set(lines) is are
