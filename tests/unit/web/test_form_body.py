"""A form is decoded in bounded memory, and becomes what the API takes."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest

from packmule.web.bounds import RequestBounds
from packmule.web.form_body import Form, read_form, read_key
from packmule.web.problems import Problem

BOUNDS = RequestBounds(max_urls=3, max_url_length=100)


def form(links: str, **fields: str) -> Form:
    return read_form(urlencode({**fields, "links": links}).encode())


def links_of(form: Form) -> object:
    return json.loads(form.as_json(BOUNDS))["urls"]


def status_of(form: Form) -> int:
    with pytest.raises(Problem) as problem:
        form.as_json(BOUNDS)
    return problem.value.status


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_links_with_their_numbers(end: str) -> None:
    given = form(end.join(["# a list", "", "  a \t b ", "c+d&e"]) + end)
    assert links_of(given) == [{"url": "a", "name": "b"}, "c+d&e"]
    assert given.line_numbers == [3, 4]


def test_a_line_end_need_not_be_escaped() -> None:
    assert links_of(read_form(b"links=a\r\nb\nc")) == ["a", "b", "c"]


@pytest.mark.parametrize("body", [b"", b"links=", b"name=x", b"links=%0A%0A"])
def test_no_line_is_no_link(body: bytes) -> None:
    assert links_of(read_form(body)) == []


def test_lines_are_counted_before_they_are_decoded() -> None:
    assert links_of(form("\n" * 1006)) == []
    assert status_of(form("\n" * 1007)) == 422
    assert status_of(read_form(b"links=" + b"%0A" * 1007 + b"%ff")) == 422


def test_the_length_of_a_line_is_bounded_before_it_is_decoded() -> None:
    assert status_of(read_form(b"links=a%0A" + b"%ff" * 400_000)) == 422


@pytest.mark.parametrize(
    "body",
    [
        b"links=%ff",
        b"links=\xff",
        b"name=%ff",
        b"&" * 20,
        b"name=" + b"x" * 65_537,
        b"x" * 65_537,
    ],
)
def test_what_cannot_be_decoded_is_400(body: bytes) -> None:
    with pytest.raises(Problem) as problem:
        read_form(body).as_json(BOUNDS)
    assert problem.value.status == 400


def test_the_key_is_read_from_the_fields_that_are_whole() -> None:
    assert read_key(b"key=abc&links=https", is_whole=False) == "abc"
    assert read_key(b"links=https&key=abc", is_whole=True) == "abc"
    assert read_key(b"links=https&key=abc", is_whole=False) is None
    assert read_key(b"links=https&key=", is_whole=True) is None


def test_a_list_is_shown_again_if_it_is_not_too_long() -> None:
    assert form("a\nb", name="c").shown() == {"links": "a\nb", "name": "c"}
    assert form("a" * 3_000_000, name="c").shown() == {"name": "c"}


def test_the_checkbox_asks_for_a_manifest() -> None:
    for value, asked in (("true", True), ("bagit", "bagit"), ("x", "x")):
        assert json.loads(form("a", manifest=value).as_json(BOUNDS))["manifest"] == asked
    assert "manifest" not in json.loads(form("a").as_json(BOUNDS))
