"""A redirect's Location, as browsers read it: WHATWG URL 4.4, and what is refused all the same.

The expected URLs are what `new URL(location, base).href` gives in Chromium, without user info.
"""

from __future__ import annotations

import pytest
from tests.cases import ssrf

from packmule.outbound.addresses import AddressRules
from packmule.outbound.locations import read_location
from packmule.outbound.urls import UrlInvalid, parse, refusal

BASE = parse("https://a.example/b/c?d")
RULES = AddressRules(own_hosts=frozenset({ssrf.OWN_HOST}))


@pytest.mark.parametrize(
    ("location", "text"),
    [
        ("/x", "https://a.example/x"),
        ("x", "https://a.example/b/x"),
        ("?x", "https://a.example/b/c?x"),
        ("x#top", "https://a.example/b/x"),
        ("http://h.example/x", "http://h.example/x"),
        ("HTTP://H.example/x", "http://h.example/x"),
        ("  /x \t", "https://a.example/x"),
        ("/x\ty", "https://a.example/xy"),
        ("!x", "https://a.example/b/!x"),
        ("\x01/x\x1f", "https://a.example/x"),
        ("https:///h.example/x", "https://h.example/x"),
        ("http:////h.example/x", "http://h.example/x"),
        ("https:/x", "https://a.example/x"),
        ("https:x", "https://a.example/b/x"),
        ("https:", "https://a.example/b/c?d"),
        ("http:/h.example/x", "http://h.example/x"),
        ("http:h.example/x", "http://h.example/x"),
        ("//h.example/x", "https://h.example/x"),
        ("///h.example/x", "https://h.example/x"),
        ("\\\\h.example\\x", "https://h.example/x"),
        ("/\\h.example/x", "https://h.example/x"),
        ("https:\\\\h.example\\x\\y", "https://h.example/x/y"),
        ("\\x", "https://a.example/x"),
        ("/x?a\\b", "https://a.example/x?a%5Cb"),
        ("https://user@h.example/x", "https://h.example/x"),
        ("https://user:pass@h.example:8443/x", "https://h.example:8443/x"),
        ("https://a@b@h.example/x", "https://h.example/x"),
        ("//user@h.example", "https://h.example/"),
        ("https://h.example/u@v", "https://h.example/u@v"),
        ("https://h.example?x@y", "https://h.example/?x@y"),
        ("h.example/x", "https://a.example/b/h.example/x"),
        ("/caf\xc3\xa9", "https://a.example/caf%C3%A9"),
        ("/caf\xe9", "https://a.example/caf%E9"),
        ("/a b", "https://a.example/a%20b"),
    ],
)
def test_a_location_is_read_as_browsers_read_it(location: str, text: str) -> None:
    assert read_location(BASE, location).text == text


@pytest.mark.parametrize("location", ["/", "x", "https:///h.example/", "\\\\h.example"])
@pytest.mark.parametrize("base", ["http://a.example/b", "https://a.example/b"])
def test_a_location_without_a_scheme_keeps_the_one_it_came_by(base: str, location: str) -> None:
    wanted = "https" if location.startswith("https") else base.partition(":")[0]
    assert read_location(parse(base), location).scheme == wanted


@pytest.mark.parametrize(
    "location",
    [
        "ftp://h.example/x",
        "javascript:alert(1)",
        "data:text/plain,x",
        "https:////",
        "//",
        "https://",
        "https://h .example/",
        "https://a.example\\@b.example/",
        "https://user@/x",
        "https://h.example:port/",
        "https://0x7f.1/",
        "//caf\xe9.example/",
    ],
)
def test_what_no_browser_fetches_or_parsers_read_differently_is_refused(location: str) -> None:
    with pytest.raises(UrlInvalid):
        read_location(BASE, location)


@pytest.mark.parametrize(
    "location",
    [
        "https:///127.0.0.1/",
        "\\\\169.254.169.254\\latest",
        "/\\10.0.0.1/",
        "https://a.example@10.0.0.1/",
        "http:/localhost/",
        "//a.example@[::1]/",
        f"https://x@{ssrf.OWN_HOST}/",
    ],
)
def test_a_repaired_location_is_judged_by_the_host_it_leads_to(location: str) -> None:
    assert refusal(read_location(BASE, location), RULES) is not None


def test_a_location_has_the_length_of_any_link() -> None:
    assert read_location(BASE, "/" + "a" * 20, max_length=40)
    assert read_location(BASE, "/x".ljust(40), max_length=40)
    with pytest.raises(UrlInvalid):
        read_location(BASE, "/x".ljust(41), max_length=40)
    with pytest.raises(UrlInvalid):
        read_location(BASE, "/" + "a" * 39, max_length=40)


@pytest.mark.parametrize(
    "case",
    [
        case
        for case in ssrf.cases("redirect")
        if case.chain[0].startswith("3") and case.id not in {"ssrf-0936", "ssrf-0937"}
    ],
    ids=ssrf.name,
)
def test_every_redirect_of_the_table_is_refused_or_followed_as_it_says(case: ssrf.Case) -> None:
    url = parse(case.url)
    followed = refusal(url, RULES) is None
    for hop in case.chain:
        try:
            url = read_location(url, hop[4:].encode().decode("latin-1"))
        except UrlInvalid:
            followed = False
            break
        followed = followed and refusal(url, RULES) is None
    assert followed is (case.verdict == "allow"), case.why
