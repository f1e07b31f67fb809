"""A redirect's Location: resolved by RFC 3986, through the same parser and the same rules."""

from __future__ import annotations

import pytest
from tests.cases import ssrf

from packmule.outbound.addresses import AddressRules
from packmule.outbound.urls import UrlInvalid, join, parse, refusal

RULES = AddressRules(own_hosts=frozenset({ssrf.OWN_HOST}))

# Where each hop by itself may be followed, and their number is the transfer's to bound:
ENDLESS = {"ssrf-0936", "ssrf-0937"}
REDIRECTS = [
    case
    for case in ssrf.cases("redirect")
    if case.chain[0].startswith("3") and case.id not in ENDLESS
]


@pytest.mark.parametrize("case", REDIRECTS, ids=ssrf.name)
def test_every_redirect_of_the_table_is_refused_or_followed_as_it_says(case: ssrf.Case) -> None:
    wanted = case.verdict == "allow"
    url = parse(case.url)
    followed = refusal(url, RULES) is None
    for hop in case.chain:
        try:
            url = join(url, hop[4:])
        except UrlInvalid:
            followed = False
            break
        followed = followed and refusal(url, RULES) is None
    assert followed is wanted, case.why


@pytest.mark.parametrize(
    ("location", "text"),
    [  # RFC 3986 5.4.1 and 5.4.2, without what is no http URL
        ("g", "http://a/b/c/g"),
        ("./g", "http://a/b/c/g"),
        ("g/", "http://a/b/c/g/"),
        ("/g", "http://a/g"),
        ("//g", "http://g/"),
        ("?y", "http://a/b/c/d;p?y"),
        ("g?y", "http://a/b/c/g?y"),
        ("#s", "http://a/b/c/d;p?q"),
        ("g#s", "http://a/b/c/g"),
        ("g?y#s", "http://a/b/c/g?y"),
        (";x", "http://a/b/c/;x"),
        ("g;x?y#s", "http://a/b/c/g;x?y"),
        ("", "http://a/b/c/d;p?q"),
        (".", "http://a/b/c/"),
        ("./", "http://a/b/c/"),
        ("..", "http://a/b/"),
        ("../", "http://a/b/"),
        ("../g", "http://a/b/g"),
        ("../..", "http://a/"),
        ("../../", "http://a/"),
        ("../../g", "http://a/g"),
        ("../../../g", "http://a/g"),
        ("../../../../g", "http://a/g"),
        ("/./g", "http://a/g"),
        ("/../g", "http://a/g"),
        ("g.", "http://a/b/c/g."),
        (".g", "http://a/b/c/.g"),
        ("g..", "http://a/b/c/g.."),
        ("..g", "http://a/b/c/..g"),
        ("./../g", "http://a/b/g"),
        ("./g/.", "http://a/b/c/g/"),
        ("g/./h", "http://a/b/c/g/h"),
        ("g/../h", "http://a/b/c/h"),
        ("g;x=1/./y", "http://a/b/c/g;x=1/y"),
        ("g;x=1/../y", "http://a/b/c/y"),
        ("g?y/./x", "http://a/b/c/g?y/./x"),
        ("g?y/../x", "http://a/b/c/g?y/../x"),
    ],
)
def test_a_relative_location_is_resolved_as_rfc_3986_says(location: str, text: str) -> None:
    assert join(parse("http://a/b/c/d;p?q"), location).text == text


@pytest.mark.parametrize(
    "location", ["g:h", "http:g", "///etc/passwd", "/\\evil.example", "\\\\evil.example", "/a\r\nb"]
)
def test_a_location_that_parsers_read_differently_is_refused(location: str) -> None:
    with pytest.raises(UrlInvalid):
        join(parse("http://a/b/c/d;p?q"), location)


def test_a_redirect_within_a_host_keeps_its_port_and_scheme() -> None:
    assert join(parse("https://a.example:8443/x"), "/y").origin == ("https", "a.example", 8443)
    assert join(parse("https://a.example:8443/x"), "//b.example/y").origin[0] == "https"


def test_bytes_of_a_location_that_are_no_utf_8_are_sent_back_as_they_came() -> None:
    location = b"/caf\xe9/\xc5\x82".decode("utf-8", "surrogateescape")
    assert join(parse("https://a.example/"), location).target == "/caf%E9/%C5%82"
    with pytest.raises(UrlInvalid):
        join(parse("https://a.example/"), b"//caf\xe9.example/".decode("utf-8", "surrogateescape"))
