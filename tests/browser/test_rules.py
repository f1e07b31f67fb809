"""What is written twice says the same twice: the rules of links, and the list of failure codes."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.outbound.test_link_list import LINES

from packmule.errors import FailureCode
from packmule.outbound.link_list import read_lines
from packmule.outbound.urls import UrlInvalid, parse
from packmule.web.language import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

pytestmark = pytest.mark.needs("chromium")

# Import one of the page's modules, from where the page has it, and say what an expression gives.
CALL = """async given => {
  const place = document.querySelector("script[type=module]").src.replace("page.js", "%s");
  const module = await import(place);
  return %s;
}"""

SCHEMES = ["https://", "HTTP://", "ftp://", "https:/", "https:", "//", "", "javascript:"]
HOSTS = [
    *("example.org", "EXAMPLE.org.", "a_b.example", "localhost", "", ".", "a..b", ".a", "a b"),
    *("-a.org", "a-.org", "a%20b.org", "a!b.org", f"{'x' * 63}.org", f"{'x' * 64}.org"),
    *("192.0.2.1", "192.0.2.1.", "192.0.2", "192.0.2.256", "192.0.2.01", "0x7f.1", "2130706433"),
    *("[2001:db8::1]", "[::ffff:192.0.2.1]", "[2001:db8]", "[fe80::1%eth0]", "[::g]", "[", "[]"),
    *("a:b", "a]", "ann@example.org", "ann:pw@example.org", ".".join(["x" * 60] * 5)),
]
PORTS = ["", ":", ":0", ":80", ":080", ":65535", ":65536", ":8x", ":-1"]
TARGETS = ["", "/", "/a b", "/a?b=c#d", "?q", "#f", "/%zz", "/ä/日", "/a\\b", "/a\x00b", "/a\tb"]
LONG = [
    "https://example.org/" + each
    for each in (
        "a" * 8172,
        "a" * 8173,
        " " * 2723 + "a" * 3,
        " " * 2723 + "a" * 4,
        "?" + "ä" * 1361,
        "?" + "ä" * 1362,
        "/" + "<" * 2723 + "a" * 2,
        "/" + "<" * 2723 + "a" * 3,
    )
]


def call(page: Page, module: str, expression: str, given: Any = None) -> Any:
    return page.evaluate(CALL % (module, expression), given)


def told(key: str, values: dict[str, str] | None = None) -> str:
    return LANGUAGES["en"](key, **(values or {}))


def verdict(text: str) -> str | None:
    try:
        parse(text)
    except UrlInvalid as error:
        return error.detail
    return None


def test_page_and_server_say_the_same_of_every_link(
    page: Page, record_property: Callable[[str, object], None]
) -> None:
    links = ["".join(parts).strip() for parts in product(SCHEMES, HOSTS, PORTS, TARGETS)] + LONG
    said = call(page, "link_rules.js", "given.map(module.fault)", links)
    said = [found and told(*found) for found in said]
    differing = {
        link: (mine, theirs)
        for link, mine, theirs in zip(links, said, map(verdict, links), strict=True)
        if mine != theirs
    }
    assert differing == {}
    assert None in said
    record_property("links", len(links))


def test_every_failure_has_its_words_and_no_other() -> None:
    for language in LANGUAGES.values():
        codes = {
            key.removeprefix("failure.")
            for key in language.strings
            if key.startswith("failure.") and not key.endswith(".advice")
        }
        assert codes - {"other"} == set(FailureCode)


NUMBERS = {
    "module.bytes(999)": "999 bytes",
    "module.bytes(1_234_567)": "1.2 MB",
    "module.duration(0.2)": "1 s",
    "module.duration(5399)": "90 min",
    "module.duration(604_800)": "7 days",
    "module.t('count.files', { count: 1 })": "1 file",
    "module.t('count.files', { count: 10_000 })": "10,000 files",
}


@pytest.mark.long
def test_numbers_read_as_people_write_them(page: Page) -> None:
    said = {expression: call(page, "language.js", expression) for expression in NUMBERS}
    assert said == NUMBERS


@pytest.mark.long
def test_page_and_server_find_the_same_links_in_every_line(page: Page) -> None:
    said = call(page, "link_list.js", "given.map(module.read)", list(LINES))
    assert said == [
        [
            {"number": each.line, "url": each.url, "name": each.name or ""}
            for each in read_lines(text)
        ]
        for text in LINES
    ]
