"""Lists of links, in all their forms."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packmule.outbound.link_list import ListedLink, ListInvalid, read_bytes, read_lines, read_text

A, B = "https://example.org/a.png", "https://example.org/b.png?x=1,2;3"
C = "http://example.org/c"


def found(text: str) -> list[tuple[str, str | None]]:
    return [(link.url, link.name) for link in read_text(text)]


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("", []),
        ("\n \n# only a remark\n", []),
        (f"{A}\n{B}\n", [(A, None), (B, None)]),
        (f"{A}", [(A, None)]),
        (f"\ufeff{A}\r\n  {B}  \r\n", [(A, None), (B, None)]),
        (f"{A}\r{B}\r", [(A, None), (B, None)]),
        (f"# mine\n\n{A}\tmay/a b.png\n# more\n{B}\t\n", [(A, "may/a b.png"), (B, None)]),
        (f"url,name\n{A},a.png\n{C},\n", [(A, "a.png"), (C, None)]),
        (f'\ufeff"URL"; "Name"\n"{A}";"x;y"\n', [(A, "x;y")]),
        (f"id,url\n1,{A}\n2,\n\n3,{A}\n", [(A, None), (A, None)]),
        (f'name,url\n"two\nlines","{B}"\n', [(B, "two\nlines")]),
        (f"name\turl\nx\t{A}\n", [(A, "x")]),
        (f"url\n{A}\n", [(A, None)]),
        (f"sep=;\nurl;name\n{A};a.png\n", [(A, "a.png")]),
        (f"url,name\n# mine\n{A},a.png\n", [(A, "a.png")]),
        ("url,name\n", []),
        (f"{A},a.png\n", [(f"{A},a.png", None)]),
    ],
)
def test_a_text_or_a_table_is_read(text: str, links: list[tuple[str, str | None]]) -> None:
    assert found(text) == links


LINES = {
    f"{A},": [A],
    f'"{A}",': [A],
    f"'{A}';": [A],
    f"`{A}`": [A],
    f"<{A}>": [A],
    f"<{A}><{C}>": [A, C],
    f"{A} {C}": [A, C],
    f"{A},{C}": [A, C],
    f"{A}; {C}": [A, C],
    f'"{A}", "{C}"': [A, C],
    f"{A}\t{C}": [A, C],
    f"{A} HTTP://example.org/d": [A, "HTTP://example.org/d"],
    f"{A}?u={C}": [f"{A}?u={C}"],
    f"https://archive.example/2020/{C}": [f"https://archive.example/2020/{C}"],
    "https://example.org/a, b;c d.png": ["https://example.org/a, b;c d.png"],
    "https://example.org/?a=1&amp;sig=x&amp;c=2": ["https://example.org/?a=1&sig=x&c=2"],
    "https://example.org/?a=1&amp;b=2&c=3": ["https://example.org/?a=1&amp;b=2&c=3"],
    "https://example.org/R&amp;D.pdf": ["https://example.org/R&amp;D.pdf"],
    '"': ['"'],
    ",;": [],
    "\ufeffhttps://example.org/": ["https://example.org/"],
}


@pytest.mark.parametrize(("line", "links"), LINES.items())
def test_the_links_of_a_line_are_found(line: str, links: list[str]) -> None:
    assert [link.url for link in read_lines(line)] == links


def test_a_name_belongs_to_the_last_link_of_its_line_and_lines_count_from_1() -> None:
    links = read_lines(f"\n{A} {C}\tc.png\n#\n{B}")
    assert [(link.line, link.url, link.name) for link in links] == [
        (2, A, None), (2, C, "c.png"), (4, B, None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        json.dumps([A, {"url": B, "name": "b.png"}]),
        json.dumps([A, {"url": B, "name": "b.png", "size": 1}], indent=2),
        json.dumps({"urls": [A, {"url": B, "name": "b.png"}], "name": "x.zip"}),
        f'{{"url": "{A}"}}\n\n{{"url": "{B}", "name": "b.png"}}\n',
        f'["{A}"]\n[{{"url": "{B}", "name": "b.png"}}]',
    ],
)
def test_json_is_read(text: str) -> None:
    assert found(text) == [(A, None), (B, "b.png")]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[", "not valid JSON"),
        ("{}", "item 1 is neither"),
        ("[1]", "item 1 is neither"),
        (f'["{A}", {{"uri": "x"}}]', "item 2 is neither"),
        (f'{{"url": "{A}"}}\nnothing', "line 2"),
        (f'{{"url": "{A}"}}\n7', "line 2 is neither"),
        ("[" * 100_000 + "\n[", "line 1"),
    ],
)
def test_json_that_is_no_list_of_links_is_said(text: str, why: str) -> None:
    with pytest.raises(ListInvalid, match=why):
        read_text(text)


@pytest.mark.parametrize(
    "data",
    [
        f"{A}\n{C}".encode(),
        b"\xef\xbb\xbf" + f"{A}\n{C}".encode(),
        f"{A}\r\n{C}\r\n".encode("utf-16"),
        b"\xfe\xff" + f"{A}\r\n{C}\r\n".encode("utf-16-be"),
        b"# \xe9t\xe9\n" + f"{A}\n{C}".encode(),
        ("url,name\r\n" + f"{A},\r\n{C},\r\n").encode("utf-16"),
    ],
)
def test_the_encodings_of_windows_are_read(data: bytes) -> None:
    assert [link.url for link in read_bytes(data)] == [A, C]


def test_one_line_in_latin_1_leaves_the_others_as_they_are() -> None:
    data = f"{A}\tmüde.png\n".encode() + f"{C}\tmüde.png\n".encode("latin-1")
    assert [link.name for link in read_bytes(data)] == ["müde.png", "müde.png"]


LINKS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1).map(
    lambda rest: "https://example.org/" + rest.replace("&amp;", "").rstrip(",;")
)


@given(st.lists(LINKS.filter(lambda link: "http" not in link[1:])))
def test_links_a_line_each_are_all_found(links: list[str]) -> None:
    assert [link.url for link in read_lines("\n".join(links))] == links


@given(st.text() | st.binary())
def test_anything_is_a_list_of_links_or_refused_with_a_sentence(given: str | bytes) -> None:
    try:
        links = read_text(given) if isinstance(given, str) else read_bytes(given)
    except ListInvalid as error:
        links = []
        said = error.detail
    else:
        said = "is not refused"
    assert said.startswith("is not ")
    assert all(link.url for link in links)


@pytest.mark.parametrize("unit", [" ", ",", "; ", "<", ">", '"', "http", "https://a ", "\ta"])
def test_a_megabyte_of_garbage_is_read_in_linear_time(unit: str) -> None:
    # Quadratic time would take hours here, and the suite's time-out would end it.
    read_lines("x" + unit * (2**20 // len(unit)))


def test_a_table_or_json_may_say_what_is_known_of_a_file() -> None:
    known = [
        ListedLink(2, A, None, sha256="ab", size=5), ListedLink(3, C, "b.png", md5="cd"),
    ]  # fmt: skip
    assert read_text(f"size,url,sha256,name,md5\n5,{A},ab,,\n,{C},,b.png,cd\n") == known
    items = [{"url": A, "sha256": "ab", "size": 5}, {"url": C, "name": "b.png", "md5": "cd"}]
    assert [
        one._replace(line=one.line + 1, unit="line") for one in read_text(json.dumps(items))
    ] == known


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (f"url,size\n{A},5 MB", "line 2"),
        (f"url,size\n{A},5\n{B},-5", "line 3"),
        (json.dumps([A, {"url": B, "size": "5"}]), "item 2"),
        (json.dumps([{"url": B, "size": True}]), "item 1"),
    ],
)
def test_a_size_that_is_no_number_of_bytes_is_said(text: str, where: str) -> None:
    with pytest.raises(ListInvalid, match=f"the size in {where} must be a whole number of bytes"):
        read_text(text)
