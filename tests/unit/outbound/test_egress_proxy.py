"""The proxy's setting: what is read, and that what is wrong is never repeated."""

from __future__ import annotations

import pytest

from packmule.outbound.egress_proxy import EgressProxy, parse_proxy

LOGIN = ("ann", "p@ss:word")


@pytest.mark.parametrize(
    ("text", "proxy"),
    [
        ("http://proxy.example.org:3128", EgressProxy("http", "proxy.example.org", 3128)),
        ("HTTP://Proxy.example.org:80/", EgressProxy("http", "proxy.example.org", 80)),
        ("http://squid:3128", EgressProxy("http", "squid", 3128)),
        ("https://10.0.0.5:8443", EgressProxy("https", "10.0.0.5", 8443)),
        ("socks5://[fd00::1]:1080", EgressProxy("socks5", "fd00::1", 1080)),
        ("socks5h://ann:p%40ss%3Aword@p:1", EgressProxy("socks5h", "p", 1, LOGIN)),
        ("http://ann@p:1", EgressProxy("http", "p", 1, ("ann", ""))),
    ],
)
def test_a_proxy_is_a_scheme_a_host_a_port_and_perhaps_a_login(
    text: str, proxy: EgressProxy
) -> None:
    assert parse_proxy(text) == proxy


def test_nothing_is_no_proxy() -> None:
    assert parse_proxy("") is None


@pytest.mark.parametrize(
    "text",
    [
        "proxy.example.org:3128",
        "ftp://secret@p:1",
        "socks4://secret@p:1",
        "http://u:secret@p",
        "http://u:secret@p:0",
        "http://u:secret@p:65536",
        "http://u:secret@p:x",
        "http://u:secret@:3128",
        "http://u:secret@p:1/path",
        "http://u:secret@p:1?query",
        "http://u:secret@p:1#fragment",
        "http://u:sec ret@p:1",
        "http://u:secret@0127.1:1",
        "http://u:secret@[fd00::1:1",
        "secret",
    ],
)
def test_what_is_no_proxy_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ValueError, match="use a form like") as refused:
        parse_proxy(text)
    assert "secret" not in str(refused.value)
    assert "u:" not in str(refused.value)


def test_its_login_is_not_shown() -> None:
    proxy = parse_proxy("http://ann:secret@p:3128")
    assert proxy is not None
    assert "secret" not in repr(proxy)
    assert proxy.url == "http://p:3128"


@pytest.mark.parametrize(
    ("scheme", "names"),
    [
        ("socks5", ("192.0.2.1", "192.0.2.2", "2001:db8::1")),
        ("socks5h", ()),
        ("http", ()),
        ("https", ()),
    ],
)
def test_only_socks5_is_told_addresses_and_those_of_ipv4_first(
    scheme: str, names: tuple[str, ...]
) -> None:
    proxy = EgressProxy(scheme, "p", 1)
    assert proxy.names(("2001:db8::1", "192.0.2.1", "192.0.2.2")) == names
    assert proxy.resolves_names is not bool(names)


@pytest.mark.parametrize(
    ("proxy", "source", "forwards"),
    [
        ("http", "http", True),
        ("https", "http", True),
        ("http", "https", False),
        ("socks5", "http", False),
    ],
)
def test_http_is_forwarded_by_http_proxies_and_everything_else_tunnelled(
    proxy: str, source: str, *, forwards: bool
) -> None:
    one = EgressProxy(proxy, "p", 1)
    assert one.forwards(source) is forwards
    # In a tunnel a 407 is the origin's.
    assert one.wants_login(407, source) is forwards
    assert not one.wants_login(403, source)
