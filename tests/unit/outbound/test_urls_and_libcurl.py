"""What is checked is what is connected to: libcurl reads each URL we take as we read it."""

from __future__ import annotations

from ipaddress import IPv6Address

import pycurl
from hypothesis import example, given
from hypothesis import strategies as st
from tests.cases import ssrf

from packmule.outbound.urls import Url, UrlInvalid, join, parse

LINKS = [case.url for case in ssrf.ALL if case.url]


def as_libcurl_reads(text: str) -> tuple[str, str, int, str, str | None, str | None]:
    """Scheme, host, port, target, user, fragment of a URL by libcurl's own parser."""
    read = pycurl.CurlUrl(text, pycurl.U_PATH_AS_IS)
    host = read.host or ""
    if host.startswith("["):
        host = str(IPv6Address(host[1:-1]))
    port = read.getpart(pycurl.UPART_PORT, pycurl.U_DEFAULT_PORT)
    query = read.getpart(pycurl.UPART_QUERY, pycurl.U_GET_EMPTY)
    target = (read.path or "") + ("" if query is None else f"?{query}")
    return read.scheme or "", host, int(port or 0), target, read.user, read.fragment


def must_agree(url: Url) -> None:
    """Fail unless libcurl reads the very same parts, and so do we, a second time."""
    assert as_libcurl_reads(url.text) == (url.scheme, url.host, url.port, url.target, None, None)
    assert parse(url.text) == url
    assert url.text.isascii()
    assert url.target.startswith("/")


def must_be_read_alike(text: str) -> bool:
    """Tell whether we take a link; fail if libcurl reads what we take in another way."""
    try:
        url = parse(text)
    except UrlInvalid:
        return False
    must_agree(url)
    return True


HOSTS = st.sampled_from(
    [
        "example.com",
        "127.0.0.1",
        "[::1]",
        "[::ffff:1.2.3.4]",
        "127.1",
        "0x7f.1",
        "wrocław.pl",
        "xn--wrocaw-6db.pl",
        "①.1",
        "a\u3002b",
        "a%2eb",
        "EXAMPLE.COM.",
        "a_b.c",
        "[fe80::1%25a]",
        "",
    ]
)
PIECES = st.sampled_from(
    ["http", "://", ":", "/", "//", "\\", "@", "?", "#", "[", "]", "%", "%00", ".", "..", " ", "\t"]
)
GOOD_HOSTS = st.from_regex(
    r"[a-z0-9_]{1,9}(\.[a-zé0-9-]{1,9}){0,2}\.[a-zł]{2,5}\.?"
    r"|[0-9]{1,3}(\.[0-9]{1,3}){3}|\[([0-9a-f]{1,4}:){7}[0-9A-F]{1,4}\]|\[::[0-9a-f:]{1,9}\]",
    fullmatch=True,
)
GOOD_TARGETS = st.from_regex(
    r"(/[ -\[\]-~é猫]{0,30})?(\?[ -\[\]-~ł]{0,20}[!-\[\]-~])?", fullmatch=True
)
WELL_BUILT = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(["http://", "https://", "HTTPS://"]),
        GOOD_HOSTS,
        st.just("") | st.integers(1, 65535).map(":{}".format),
        GOOD_TARGETS,
    ),
)
BUILT = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(["http://", "https://", "HTTP://", "http:/", "http:", "//", "ftp://"]),
        st.sampled_from(["", "u@", "u:p@", "@", "a\\@"]),
        HOSTS,
        st.sampled_from(["", ":80", ":", ":0", ":65536", ":8080", ":80:80", ":+1", ":٣"]),
        st.text(max_size=20) | st.sampled_from(["", "/", "/a b?c d#e", "?x", "#y", "\\z"]),
    ),
)


@st.composite
def spoiled(draw: st.DrawFn) -> str:
    """A link of the table with a few pieces put in, taken out or doubled."""
    text = draw(st.sampled_from(LINKS))[:300]
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        until = at + draw(st.integers(0, 3))
        text = text[:at] + draw(PIECES | HOSTS | st.characters()) + text[until:]
    return text


ANYTHING = WELL_BUILT | BUILT | spoiled() | st.text()


def test_links_of_the_table_that_are_taken_are_read_alike() -> None:
    taken = [text for text in LINKS if must_be_read_alike(text)]
    assert len(taken) > 100  # addresses that the rules will refuse are well-formed links too


@given(ANYTHING)
@example("http://127.0.0.1:8080/f/00001.bin?x=1")
@example("https://wrocław.example/ł ł?ł")
@example("https://example.com/%7euser/%e4%F6/../%2e%2e/x?sig=ab%2Bcd%3d")
def test_a_link_is_either_refused_or_read_alike(text: str) -> None:
    must_be_read_alike(text)


@given(
    st.sampled_from(["https://example.com/a/b?c", "http://[2606:4700::1111]:8080/", "http://a/"]),
    ANYTHING | st.binary().map(lambda raw: raw.decode("utf-8", "surrogateescape")),
)
def test_a_location_is_either_refused_or_read_alike(base: str, location: str) -> None:
    try:
        url = join(parse(base), location)
    except UrlInvalid:
        return
    must_agree(url)
