"""Request headers for one origin: their form, which are refused, and who gets them."""

from __future__ import annotations

import pytest

from packmule.outbound.origin_headers import by_origin, parse_field, parse_origin

SITE = ("https", "example.org", 443)


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("example.org", SITE),
        ("Example.org:443", SITE),
        ("https://example.org/", SITE),
        ("example.org:8443", ("https", "example.org", 8443)),
        ("http://localhost:9000", ("http", "localhost", 9000)),
    ],
)
def test_a_host_means_https_and_another_scheme_is_written(
    text: str, origin: tuple[str, str, int]
) -> None:
    assert parse_origin(text) == origin


@pytest.mark.parametrize("text", ["", "ftp://x/", "example.org/path", "https://x/?q", "a b"])
def test_what_is_no_origin_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_origin(text)


def test_a_field_is_normalised() -> None:
    assert parse_field(" X-Token:  a b ") == b"X-Token: a b"


@pytest.mark.parametrize(
    "text",
    [
        "nothing", ": x", "Name:", "A B: x", "X: a\r\nHost: b", "X: ü", "Range: bytes=0-",
        "HOST: x", "user-agent: x", "Accept-Encoding: gzip", "Transfer-Encoding: chunked",
    ],
)  # fmt: skip
def test_a_field_of_another_form_or_that_a_transfer_needs_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"header|cannot be set"):
        parse_field(text)


def test_the_value_is_not_in_the_message() -> None:
    with pytest.raises(ValueError, match="form") as caught:
        parse_field("Authorization: s\u00e4cret")
    assert "cret" not in str(caught.value)


def test_fields_are_added_to_the_usual_ones_or_replace_them() -> None:
    other = ("https", "example.net", 443)
    found = by_origin([(SITE, b"accept: image/png"), (SITE, b"X: 1"), (other, b"Y: 2")])
    assert found == {
        SITE: (b"Accept-Encoding: identity", b"accept: image/png", b"X: 1"),
        other: (b"Accept: */*", b"Accept-Encoding: identity", b"Y: 2"),
    }
