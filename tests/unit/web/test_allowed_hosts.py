"""Which hosts a request may name, and how the settings list hosts and origins."""

from __future__ import annotations

import pytest

from packmule.web.allowed_hosts import (
    AllowedHosts,
    BadHost,
    ForeignHost,
    allowed_hosts,
    own_origin,
    parse_hosts,
    parse_origins,
)

HOSTS = allowed_hosts("https://Zip.Example.org:8443/pack", parse_hosts("packmule, *.Internal.Test"))


@pytest.mark.parametrize(
    "host",
    [
        "zip.example.org",
        "ZIP.EXAMPLE.ORG",
        "zip.example.org.",
        "zip.example.org:1",
        "zip.example.org:",
        "packmule:8000",
        "a.internal.test",
        "b.a.internal.test",
        "localhost",
        "LOCALHOST:8000",
        "app.localhost",
        "127.0.0.1",
        "192.0.2.1:8000",
        "[::1]",
        "[::1]:8000",
        "[2001:DB8::1]:80",
        "[::ffff:127.0.0.1]",
    ],
)
def test_our_own_hosts_are_allowed(host: str) -> None:
    HOSTS.check([host], "1.1")


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8000",
        "zip.example.org.evil.example",
        "evil-zip.example.org",
        "example.org",
        "internal.test",  # a wildcard is for the names below
        "xinternal.test",
        "localhost.evil.example",
        "notlocalhost",
        "127.0.0.1.evil.example",
        "xn--bcher-kva.example",
    ],
)
def test_other_hosts_are_foreign(host: str) -> None:
    with pytest.raises(ForeignHost, match=host.partition(":")[0]):
        HOSTS.check([host], "1.1")


@pytest.mark.parametrize(
    "host",
    [
        "evil.example, localhost",
        "localhost,evil.example",
        "localhost evil.example",
        "localhost@evil.example",
        "evil.example@localhost",
        "user:pass@localhost",
        "localhost/evil",
        "localhost#",
        "http://localhost",
        "localhost:8000:8000",
        "localhost:port",
        "localhost:123456",
        ":8000",
        ".",
        "..localhost",
        "localhost..",
        "[::1",
        "[::1]x",
        "[localhost]",
        "::1",
        "127.1",
        "127.0.0.1.",
        "0x7f000001",
        "2130706433",
        "zip.example.org\x00",
        "lo\u0441alhost",
        "*.internal.test",
        ".".join("a" * 30_000),
    ],
)
def test_a_host_that_can_be_read_in_two_ways_is_refused(host: str) -> None:
    with pytest.raises(BadHost, match="not a valid host name"):
        HOSTS.check([host], "1.1")


def test_several_hosts_are_refused_even_if_they_are_equal() -> None:
    with pytest.raises(BadHost, match="2 Host headers"):
        HOSTS.check(["localhost", "localhost"], "1.1")


def test_only_http_1_0_may_leave_the_host_out() -> None:
    none: list[str]
    for none in ([], [""]):
        HOSTS.check(none, "1.0")
        for version in ("1.1", "2"):
            with pytest.raises(BadHost, match="no Host header"):
                HOSTS.check(none, version)
    with pytest.raises(ForeignHost):
        HOSTS.check(["evil.example"], "1.0")


def test_without_settings_only_addresses_and_localhost_are_allowed() -> None:
    AllowedHosts().check(["localhost"], "1.1")
    with pytest.raises(ForeignHost):
        AllowedHosts().check(["zip.example.org"], "1.1")


@pytest.mark.parametrize("url", ["http://[2001:db8::1]:8000", "http://192.0.2.1"])
def test_a_public_url_may_be_an_address(url: str) -> None:
    allowed_hosts(url, ()).check([url.removeprefix("http://")], "1.1")


def test_names_beyond_ascii_are_compared_as_browsers_send_them() -> None:
    hosts = allowed_hosts("https://b\u00fccher.example", parse_hosts("*.caf\u00e9.example"))
    hosts.check(["xn--bcher-kva.example"], "1.1")
    hosts.check(["zip.xn--caf-dma.example"], "1.1")


def test_hosts_are_listed_between_commas() -> None:
    assert parse_hosts(" packmule ,, Zip.example.ORG. ,*.example.org") == (
        "packmule",
        "zip.example.org",
        "*.example.org",
    )
    assert parse_hosts("") == ()


@pytest.mark.parametrize(
    "text",
    ["*", "*.", "zip.*.org", "https://zip.example.org", "zip.example.org:80", "a b", "*.*.org"],
)
def test_what_is_no_host_name_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="not a host name"):
        parse_hosts(text)


@pytest.mark.parametrize("text", ["127.0.0.1", "[::1]", "*.127.0.0.1"])
def test_an_address_need_not_be_listed(text: str) -> None:
    with pytest.raises(ValueError, match="always allowed"):
        parse_hosts(text)


def test_origins_are_written_as_browsers_write_them() -> None:
    assert parse_origins("HTTPS://App.example.org:443, http://localhost:3000,http://[::1]:80") == (
        "https://app.example.org",
        "http://localhost:3000",
        "http://[::1]",
    )
    assert parse_origins("") == ()


@pytest.mark.parametrize(
    "text",
    [
        "*",
        "null",
        "app.example.org",
        "https://app.example.org/",
        "https://app.example.org/path",
        "https://app.example.org?x",
        "https://user@app.example.org",
        "https://*.example.org",
        "https://app.example.org:0",
        "https://app.example.org:99999",
        "https://",
        "ftp://app.example.org",
        "https://[",
    ],
)
def test_what_is_no_origin_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="not a web origin"):
        parse_origins(text)


def test_the_origin_of_a_url_has_no_path_and_no_default_port() -> None:
    assert own_origin("https://Zip.example.org:443/pack") == "https://zip.example.org"
    assert own_origin("http://zip.example.org:8080") == "http://zip.example.org:8080"
    assert own_origin("http://[::1]:8000") == "http://[::1]:8000"
