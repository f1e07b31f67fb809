"""A host: read in one way only, or refused with what to do about it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packmule.outbound.hosts import HostInvalid, is_private_name, read_host


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("example.com", "example.com"),
        ("EXAMPLE.Com", "example.com"),
        ("example.com.", "example.com"),
        ("r3---sn-4g5e.googlevideo.example", "r3---sn-4g5e.googlevideo.example"),
        ("my_bucket.s3.example", "my_bucket.s3.example"),
        ("3com.example", "3com.example"),
        ("1.example", "1.example"),
        ("-foo.example", "-foo.example"),
        ("foo-.example", "foo-.example"),
        ("a" * 63 + ".example", "a" * 63 + ".example"),
    ],
)
def test_a_plain_name_is_taken_in_lower_case_without_its_last_dot(text: str, host: str) -> None:
    assert read_host(text) == (host, False)


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("wrocław.example", "xn--wrocaw-6db.example"),
        ("WROCŁAW.Example", "xn--wrocaw-6db.example"),
        ("cafe\u0301.example", "xn--caf-dma.example"),  # decomposed, as macOS pastes it
        ("caf\u00e9.example", "xn--caf-dma.example"),
        ("straße.example", "xn--strae-oqa.example"),
        ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
        ("my_bucket.wrocław.example", "my_bucket.xn--wrocaw-6db.example"),
        ("xn--wrocaw-6db.example", "xn--wrocaw-6db.example"),
        ("☃.example", "xn--n3h.example"),
        ("i❤\ufe0f.example", "xn--i-7iq.example"),
        ("xn--i-7iq.example", "xn--i-7iq.example"),  # a heart: registered, though not IDNA 2008
    ],
)
def test_an_international_name_is_taken_in_punycode(text: str, host: str) -> None:
    assert read_host(text) == (host, False)


@pytest.mark.parametrize(
    "text",
    [
        "\uff11\uff12\uff17.0.0.1",  # fullwidth digits
        "①②⑦.0.0.1",  # enclosed ones
        "example。com",  # a foreign dot
        "exam\u00adple.com",  # soft hyphen
        "exam\u200bple.com",  # zero width space
        "exam\u2060ple.com",  # word joiner
        "\uff45xample.com",
        "\u212fxample.com",
        "boo\u212a.example",  # the Kelvin sign
        "\u017fsl.example",  # long s
        "xn--pokxncvks.example",
        "xn--a.example",  # decodes to nothing
        "xn--a-.example",  # decodes to plain ASCII
        "xn--.example",
        "\u0660.\u0660",
        "a\u05d0.example",  # directions mixed
        "\u0301a.example",
        "☃\u05d0.example",
        "☃\u200d☃.example",
        "\U0001f100.example",  # a digit with a full stop
        "Ⓐ.example",
        "\ud800.example",
        "ł" * 70 + ".example",
    ],
)
def test_a_name_in_disguise_is_refused(text: str) -> None:
    with pytest.raises(HostInvalid):
        read_host(text)


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("93.184.216.34", "93.184.216.34"),
        ("0.0.0.0", "0.0.0.0"),
        ("[2606:2800:220:1:248:1893:25C8:1946]", "2606:2800:220:1:248:1893:25c8:1946"),
        ("[0:0:0:0:0:0:0:1]", "::1"),
    ],
)
def test_an_address_is_taken_in_its_canonical_form(text: str, host: str) -> None:
    assert read_host(text) == (host, True)


@pytest.mark.parametrize(
    "text",
    [
        *("127.1", "0x7f.1", "0177.0.0.1", "127.0.0.01", "2130706433", "0x7f000001", "0", "0x"),
        *("256.0.0.1", "1.2.3.4.5", "foo.1", "foo.0x4", "127.0.0.1.", "1.2.3", "o177.0.0.1"),
        *("[127.0.0.1]", "[::1", "::1", "[]", "[:]", "[fe80::1%eth0]", "[fe80::1%25eth0]"),
        *("[::1]x", "[::127.0.0.1.]", "[1:2:3:4:5:6:7:8:9]", "[v1.a]"),
    ],
)
def test_any_other_notation_of_an_address_is_refused(text: str) -> None:
    with pytest.raises(HostInvalid):
        read_host(text)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "no host"),
        (".", "two dots"),
        ("a..b", "two dots"),
        ("ho%73t.example", "%"),
        ("exa mple.com", "space"),
        ("a" * 64 + ".example", "63"),
        (".".join(["a" * 60] * 5), "253"),
        ("a+b.example", "characters"),
        ("127.1", "four decimal numbers"),
        ("[fe80::1%eth0]", "zone"),
    ],
)
def test_a_refusal_says_what_is_wrong(text: str, word: str) -> None:
    with pytest.raises(HostInvalid, match=word):
        read_host(text)


@pytest.mark.parametrize(
    ("host", "private"),
    [
        ("localhost", True),
        ("redis", True),
        ("printer.local", True),
        ("a.b.localhost", True),
        ("host.docker.internal", True),
        ("nas.home.arpa", True),
        ("example.com", False),
        ("local.example", False),
        ("notlocal.co", False),
    ],
)
def test_a_name_is_private_without_a_dot_or_under_a_private_suffix(
    host: str, *, private: bool
) -> None:
    assert is_private_name(host) is private


@given(st.text() | st.from_regex(r"(xn--)?[a-z0-9.\-éß\u200d①٣]{1,40}", fullmatch=True))
def test_a_host_that_is_taken_is_ascii_and_is_taken_again_as_it_is(text: str) -> None:
    try:
        host, is_address = read_host(text)
    except HostInvalid:
        return
    assert host.isascii()
    assert read_host(f"[{host}]" if ":" in host else host) == (host, is_address)


@pytest.mark.parametrize(
    ("host", "detail"),
    [
        ("q" + "\u0315\u0300" * 250_000 + ".example", "a part longer than 63 characters"),
        ("\u00e9" * 1_000_000 + ".example", "a part longer than 63 characters"),
        ("\u00e9." * 1_000_000 + "example", "longer than 253 characters"),
    ],
)
def test_an_endless_host_is_refused_before_it_is_encoded(host: str, detail: str) -> None:
    # Encoding all of it would take minutes to hours: the test's time limit notices.
    with pytest.raises(HostInvalid) as refused:
        read_host(host)
    assert detail in refused.value.detail


def test_a_name_of_as_many_parts_as_may_be_is_taken() -> None:
    host = "a." * 126 + "b"
    assert read_host(host) == (host, False)
