"""The one URL parser: the table, what is kept, what is encoded, what is refused."""

from __future__ import annotations

from functools import partial

import pytest
from tests.cases import ssrf

from packmule.errors import FailureCode
from packmule.outbound.addresses import AddressRules, parse_networks, parse_ports
from packmule.outbound.urls import UrlInvalid, join, parse, refusal

RULES = AddressRules(own_hosts=frozenset({ssrf.OWN_HOST}))


def reached(case: ssrf.Case) -> bool:
    """Tell whether a connection would be made, the name resolving as the table says."""
    try:
        url = parse(case.url)
    except UrlInvalid:
        return False
    resolved = case.resolves_to is None or RULES.permits_all(case.resolves_to)
    return resolved and refusal(url, RULES) is None


@pytest.mark.parametrize("case", ssrf.cases("url") + ssrf.cases("webhook"), ids=ssrf.name)
def test_every_link_of_the_table_is_refused_or_taken_as_it_says(case: ssrf.Case) -> None:
    assert reached(case) is case.allowed, case.why


# --- what a URL is


def test_a_link_is_taken_apart_into_what_the_request_needs() -> None:
    url = parse("HTTPS://EXAMPLE.com:8443/File.PDF?x=1&y=%2F#page=2")
    assert url.origin == ("https", "example.com", 8443)
    assert url.target == "/File.PDF?x=1&y=%2F"
    assert url.text == "https://example.com:8443/File.PDF?x=1&y=%2F"
    assert not url.is_address


@pytest.mark.parametrize(
    ("text", "port", "normal"),
    [
        ("http://example.com:80/", 80, "http://example.com/"),
        ("https://example.com:443/", 443, "https://example.com/"),
        ("http://example.com:443/", 443, "http://example.com:443/"),
        ("http://example.com", 80, "http://example.com/"),
        ("https://example.com?x", 443, "https://example.com/?x"),
        ("https://example.com#x", 443, "https://example.com/"),
        ("https://example.com/?", 443, "https://example.com/?"),
        ("https://example.com./", 443, "https://example.com/"),
        ("https://example.com:/", 443, "https://example.com/"),
        ("https://example.com:0443/", 443, "https://example.com/"),
        ("https://example.com:08443/", 8443, "https://example.com:8443/"),
        ("http://example.com:1/", 1, "http://example.com:1/"),
        ("http://example.com:65535/", 65535, "http://example.com:65535/"),
        ("http://[2606:4700:0::1111]:8080/", 8080, "http://[2606:4700::1111]:8080/"),
    ],
)
def test_the_default_port_the_fragment_and_the_last_dot_are_left_out(
    text: str, port: int, normal: str
) -> None:
    url = parse(text)
    assert (url.port, url.text) == (port, normal)


def test_a_label_shows_neither_query_nor_fragment_and_is_what_a_log_gets() -> None:
    url = parse("https://example.com:8443/a.png?X-Signature=secret#s")
    assert url.label == "https://example.com:8443/a.png"
    assert repr(url) == "<Url https://example.com:8443/a.png>"


# --- path and query


@pytest.mark.parametrize(
    "target",
    [
        "/a%20b.jpg?x=1&y=%2F",
        "/%7euser/%e4%F6?sig=ab%2Bcd%3d",
        "/a/../b/./c//d",
        "/%2e%2e/x",
        "/a;v=1,2/@me/$&'()*+,=:!~?a[]=1&b=x|y&c=/?",
        "/fonts|a?{b}^`c",
        "/.well-known/x",
    ],
)
def test_what_may_stand_in_a_request_line_is_never_altered(target: str) -> None:
    assert parse(f"https://example.com{target}").target == target


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("/my file.jpg", "/my%20file.jpg"),
        ("/Zoë/猫.png?q=ł", "/Zo%C3%AB/%E7%8C%AB.png?q=%C5%82"),
        ('/a"<b>`{c}^', "/a%22%3Cb%3E%60%7Bc%7D%5E"),
        ('/?a"<b>', "/?a%22%3Cb%3E"),
        ("/100%.jpg", "/100%25.jpg"),
        ("/100%zz?5%", "/100%25zz?5%25"),
        ("/a\u00a0b", "/a%C2%A0b"),
    ],
)
def test_what_may_not_is_percent_encoded_as_utf_8(written: str, sent: str) -> None:
    assert parse(f"https://example.com{written}").target == sent


# --- refusals


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "empty"),
        (" https://example.com/", "begins or ends with a space"),
        ("https://example.com/\n", "line break"),
        ("https://exam\tple.com/", "control character"),
        ("https://example.com/a\\b", "backslash"),
        ("https://example.com/\ud800", "invalid character"),
        ("example.com/x", "must begin with"),
        ("//example.com/x", "must begin with"),
        ("ftp://example.com/x", "only http"),
        ("data:text/plain,hi", "only http"),
        ("https:/example.com/x", "two slashes"),
        ("https:example.com", "two slashes"),
        ("https:///x", "no host"),
        ("https://user@example.com/", "user name"),
        ("https://user:pass@example.com/", "user name"),
        ("https://example.com:0/", "port is not valid"),
        ("https://example.com:65536/", "port is not valid"),
        ("https://example.com:٨٠/", "port is not valid"),
        ("https://example.com:80:80/", "port is not valid"),
        ("https://[::1]8080/", "host and port"),
        ("https://::1/", "no host"),
        ("https://exa%6dple.com/", "%"),
    ],
)
def test_a_refusal_says_what_to_do(text: str, word: str) -> None:
    with pytest.raises(UrlInvalid, match=word) as refused:
        parse(text)
    assert refused.value.detail == str(refused.value)


def test_a_refusal_never_repeats_the_link() -> None:
    with pytest.raises(UrlInvalid) as refused:
        parse("https://user:hunter2@example.com/?token=hunter2")
    assert "hunter2" not in refused.value.detail


def test_a_link_longer_than_the_limit_is_refused_before_and_after_encoding() -> None:
    assert len(parse("https://e.example/" + "a" * 82, max_length=100).text) == 100
    for path in ("a" * 83, "é" * 20):
        with pytest.raises(UrlInvalid, match="longer than 100 characters"):
            parse("https://e.example/" + path, max_length=100)


def test_a_fragment_counts_though_it_is_never_sent() -> None:
    with pytest.raises(UrlInvalid, match="longer than 100 characters"):
        parse("https://e.example/#" + "a" * 82, max_length=100)


def test_a_link_has_at_most_8192_characters_where_nobody_says_otherwise() -> None:
    base = parse("https://e.example/")
    longest = "https://e.example/" + "a" * 8174
    assert parse(longest).text == join(base, longest).text == longest
    for read in (parse, partial(join, base)):
        with pytest.raises(UrlInvalid, match="longer than 8192 characters"):
            read(longest + "a")


# --- refusal before the look-up


def test_an_address_that_is_not_public_is_refused_by_the_host_alone() -> None:
    code, detail = refusal(parse("http://10.0.0.1/secret?x"), RULES) or ("", "")
    assert code is FailureCode.ADDRESS_NOT_ALLOWED
    assert detail == "10.0.0.1 is not on the public internet: use a link that anyone can open"


def test_a_closed_port_is_refused() -> None:
    code, detail = refusal(parse("http://example.com:6379/"), RULES) or ("", "")
    assert code is FailureCode.ADDRESS_NOT_ALLOWED
    assert "port 6379" in detail
    opened = AddressRules(allow_ports=parse_ports("6379"))
    assert refusal(parse("http://example.com:6379/"), opened) is None


@pytest.mark.parametrize("host", ["localhost", "redis", "router.local", "host.docker.internal"])
def test_a_private_name_is_refused_until_a_network_is_allowed(host: str) -> None:
    url = parse(f"http://{host}:8080/")
    assert refusal(url, RULES) is not None
    assert refusal(url, AddressRules(allow_networks=parse_networks("10.0.0.0/8"))) is None


def test_a_metadata_service_is_refused_by_name_whatever_is_allowed() -> None:
    rules = AddressRules(allow_networks=parse_networks("0.0.0.0/0 ::/0"))
    assert refusal(parse("http://metadata.google.internal/"), rules) is not None
    assert refusal(parse("http://metadata.packet.net/"), rules) is not None


def test_our_own_host_is_refused_as_a_source() -> None:
    assert refusal(parse("https://ZIP.example./archive/get/x.zip"), RULES) is not None
    assert refusal(parse("https://unzip.example/archive/get/x.zip"), RULES) is None


def test_an_allowed_address_is_not_refused() -> None:
    rules = AddressRules(allow_networks=parse_networks("127.0.0.0/8"))
    assert refusal(parse("http://127.0.0.1:8080/x"), rules) is None
    assert refusal(parse("http://[::1]:8080/x"), rules) is not None
