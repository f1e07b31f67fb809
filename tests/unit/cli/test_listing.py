"""Lists of links, in both their forms."""

from __future__ import annotations

import io

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from packmule.cli.listing import gather, read

A, B = "https://example.org/a.png", "https://example.org/b.png?x=1,2;3"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("\n \n# only a remark\n", []),
        (f"{A}\n{B}\n", [(A, None), (B, None)]),
        (f"{A}", [(A, None)]),
        (f"\ufeff{A}\r\n  {B}  \r\n", [(A, None), (B, None)]),
        (f"# mine\n\n{A}\tmay/a b.png\n# more\n{B}\t\n", [(A, "may/a b.png"), (B, None)]),
        (
            f"url,name\n{A},a.png\n{B.split('?', maxsplit=1)[0]},\n",
            [(A, "a.png"), (B.split("?", maxsplit=1)[0], None)],
        ),
        (f'\ufeff"URL"; "Name"\n"{A}";"x;y"\n', [(A, "x;y")]),
        (f"id,url\n1,{A}\n2,\n\n3,{A}\n", [(A, None), (A, None)]),
        (f'name,url\n"two\nlines","{B}"\n', [(B, "two\nlines")]),
        (f"name\turl\nx\t{A}\n", [(A, "x")]),
        (f"url\n{A}\n", [(A, None)]),
        (f"url,name\n# mine\n{A},a.png\n", [(A, "a.png")]),
        ("url,name\n", []),
        (f"{A},a.png\n", [(f"{A},a.png", None)]),
    ],
)
def test_a_list_is_read(text: str, found: list[tuple[str, str | None]]) -> None:
    assert list(read(io.StringIO(text, newline=""))) == found


LINKS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1).filter(
    lambda link: not link.startswith("#") and "url" not in link.lower()
)


@given(st.lists(LINKS))
def test_links_a_line_each_are_all_found(links: list[str]) -> None:
    assert [url for url, _ in read(f"{link}\n" for link in links)] == links


@given(st.text())
def test_no_text_fails_in_another_way_than_by_a_sentence(text: str) -> None:
    try:
        gather([], io.StringIO(text, newline=""))
    except click.UsageError as error:
        assert "list" in error.message or "links" in error.message  # noqa: PT017


def test_the_links_of_the_command_line_come_first() -> None:
    assert gather([A], io.StringIO(B)) == [(A, None), (B, None)]


def test_what_is_no_text_is_said() -> None:
    with pytest.raises(click.UsageError, match="UTF-8"):
        gather([], io.TextIOWrapper(io.BytesIO(b"\xff\xfe"), encoding="utf-8"))
