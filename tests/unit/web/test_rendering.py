"""Templates: every value is escaped, and none is forgotten."""

from __future__ import annotations

import pytest
from jinja2 import UndefinedError

from packmule.web.language import LANGUAGES
from packmule.web.rendering import render

HOSTILE = "<script>&\"'"


def problem(**values: object) -> str:
    known = {"title": "Oops", "up": "", "asks_for_key": False}
    return render("no_script_problem.html", LANGUAGES["en"], **(known | values))


def test_every_value_is_escaped() -> None:
    page = problem(title=HOSTILE, problem={"title": HOSTILE, "detail": HOSTILE})
    assert HOSTILE not in page
    assert "<script" not in page
    assert page.count("&lt;script&gt;&amp;&#34;&#39;") == 3


def test_a_value_that_is_missing_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        problem()


def reference(text: str) -> str:
    page = render("api_reference.html", title="Name", description=text, operations=[], schemas=[])
    return page.partition("<h1>Name: the API</h1>\n")[2].partition("<p>For programs")[0].strip()


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("Plain.", "<p>Plain.</p>"),
        ("One.\n\nTwo.", "<p>One.</p>\n<p>Two.</p>"),
        ("A `<b>` tag", "<p>A <code>&lt;b&gt;</code> tag</p>"),
        ("[A<B](#a) or `c`", '<p><a href="#a">A&lt;B</a> or <code>c</code></p>'),
        ("<i> & [x](http://y)", "<p>&lt;i&gt; &amp; [x](http://y)</p>"),
        ("one ` alone", "<p>one ` alone</p>"),
    ],
)
def test_the_markup_of_a_sentence_becomes_html(text: str, html: str) -> None:
    assert reference(text) == html
