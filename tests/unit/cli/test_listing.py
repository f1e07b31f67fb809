"""The links that a command is given."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import click
import pytest

from packmule.cli.listing import GivenLink, check, gather, items, note_duplicates
from packmule.errors import UsageError
from packmule.jobs.expected import Expected
from packmule.outbound.addresses import AddressRules
from packmule.outbound.urls import address_refused

if TYPE_CHECKING:
    from pathlib import Path

A, B = "https://example.org/a.png", "https://example.org/b.png?x=1,2;3"


def listing(text: str | bytes, name: str = "links.txt") -> io.BytesIO:
    found = io.BytesIO(text.encode() if isinstance(text, str) else text)
    found.name = name
    return found


def faults(*links: GivenLink) -> list[str]:
    with pytest.raises(UsageError) as caught:
        check(links, AddressRules(), 8192, frozenset())
    return str(caught.value).splitlines()


def test_the_links_of_the_command_line_come_first() -> None:
    assert gather([A], listing(f"# mine\n{B}\tb.png")) == [
        GivenLink(A, None, ""),
        GivenLink(B, "b.png", "links.txt:2"),
    ]


def test_a_link_of_the_command_line_stays_as_it_is() -> None:
    assert gather([f"{A},{B};"], None) == [GivenLink(f"{A},{B};", None, "")]


def test_a_list_that_cannot_be_read_is_said_with_its_file() -> None:
    with pytest.raises(UsageError, match=r"links\.json: the list is not valid JSON: line 2"):
        gather([], listing('{"url": "https://example.org/a"}\n{"url": ', "links.json"))


def test_an_empty_list_is_said() -> None:
    with pytest.raises(click.UsageError, match="No links given"):
        gather([], listing("# nothing\n"))


def test_a_file_in_a_links_place_is_recognised(tmp_path: Path) -> None:
    path = tmp_path / "urls.txt"
    path.write_text(A)
    with pytest.raises(UsageError, match=r"Did you mean -i .*urls\.txt\?"):
        gather([str(path)], None)


def test_a_place_is_a_line_or_an_item_of_json() -> None:
    assert gather([], listing(f"url,name\n{A},a\n{B},b\n"))[1].place == "links.txt:3"
    assert gather([], listing(json.dumps([A, B])))[1].place == "links.txt, item 2"
    assert gather([], listing(f'"{A}"\n{{"url": "{B}"}}\n'))[1].place == "links.txt:2"
    assert gather([], listing(A, "<stdin>"))[0].place == "stdin:1"


def test_every_invalid_link_is_told_with_its_place_and_without_its_query() -> None:
    links = gather(["nonsense"], listing(f"{A}\nftp://example.org/x?secret\nhttp://10.0.0.1/\n"))
    assert faults(*links) == [
        "3 of 4 links are invalid. Nothing was fetched.",
        "nonsense: the link must begin with http:// or https:// [url-invalid]",
        (
            "links.txt:2: ftp://example.org/x: only http:// and https:// links can be fetched"
            " [url-invalid]"
        ),
        f"links.txt:3: http://10.0.0.1/: {address_refused('10.0.0.1')[1]} [address-not-allowed]",
        "To fetch from your own network, allow it: --allow-networks 10.1.0.0/16",
    ]


def test_of_many_invalid_links_the_first_are_told_and_the_rest_counted() -> None:
    told = faults(*[GivenLink(f"ftp://example.org/{number}", None, "") for number in range(60)])
    assert len(told) == 52
    assert told[-1] == "… and 10 more."


@pytest.mark.parametrize("name", ["a\0b.txt", "half \ud800.txt"])
def test_a_name_that_no_job_may_have_is_refused_with_its_link(name: str) -> None:
    links = [A, {"url": B, "name": name}]
    told = faults(*gather([], listing(json.dumps(links))))
    assert told[0] == "1 of 2 links is invalid. Nothing was fetched."
    assert told[1].startswith("links.txt, item 2: https://example.org/b.png: the name has")


def test_good_links_pass() -> None:
    check(gather([A, B], None), AddressRules(), 8192, frozenset())


def test_links_listed_twice_are_noted_unless_their_names_differ() -> None:
    assert note_duplicates(gather([], listing(f"{A}\n{B}\n{A}\tagain.png\n"))) is None
    note = note_duplicates(gather([], listing(f"{A}\n{B}\n{A}\n{A}\n")))
    assert note is not None
    assert note.startswith(
        f"Note: 2 links listed more than once: links.txt:3: {A}, also at links.txt:1."
    )


def test_what_is_known_of_a_file_is_checked_and_asked_for() -> None:
    digest = "AB" * 32
    links = gather([A], listing(f"url,sha256,size\n{B.partition('?')[0]},{digest},5", "a.csv"))
    assert [link.expected for link in links] == [None, Expected(digest.lower(), None, 5)]
    url = B.partition("?")[0]
    assert items(links) == [(A, None), {"url": url, "sha256": digest.lower(), "size": 5}]
    with pytest.raises(UsageError, match=r"a\.csv:2: sha256 must be 64 hexadecimal digits"):
        gather([], listing(f"url,sha256\n{A},ab", "a.csv"))
