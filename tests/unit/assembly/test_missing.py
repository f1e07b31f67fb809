"""The entry that tells what is missing: whole, without secrets, under a name of its own."""

from __future__ import annotations

import pytest

from packmule.assembly.missing import report, without_secrets
from packmule.errors import Failure, FailureCode
from packmule.jobs.model import DoneEntry, FailedEntry, Source

FAILED = FailedEntry(1, "may/a.png", Failure(FailureCode.DNS, "example.org is not known"))
SOURCES = [Source(0, "https://example.org/0"), Source(1, "https://u:p@example.org/1?key=secret")]


def named(*names: str) -> list[DoneEntry]:
    return [DoneEntry(position, name, 0, 0, 0, 0, 0) for position, name in enumerate(names)]


def test_nothing_missing_is_no_entry() -> None:
    assert report(SOURCES, [], named("a")) is None


def test_each_missing_file_is_told_in_the_callers_order() -> None:
    other = FailedEntry(0, "", Failure(FailureCode.HTTP_STATUS, "it answers 404", 404))
    told = report(SOURCES, [FAILED, other], named("a"))
    assert told is not None
    assert told.body.decode() == (
        "These files could not be fetched and are not in this archive.\n\n"
        "url: https://example.org/0\ncode: http-status\ndetail: it answers 404\n\n"
        "url: https://example.org/1\nname: may/a.png\ncode: dns\n"
        "detail: example.org is not known\n"
    )


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (["a"], "_missing.txt"),
        (["_missing.txt"], "_missing (1).txt"),
        (["_MISSING.TXT", "_missing (1).txt"], "_missing (2).txt"),
        (["_missing.txt/a"], "_missing (1).txt"),
    ],
)
def test_its_name_is_no_other_entrys(names: list[str], wanted: str) -> None:
    told = report(SOURCES, [FAILED], named(*names))
    assert told is not None
    assert told.name == wanted


def test_a_strangers_text_stays_on_its_line() -> None:
    source = Source(1, "https://example.org/\x1b[2J\nname: x\ud800")
    told = report([SOURCES[0], source], [FAILED], named("a"))
    assert told is not None
    assert b"\x1b" not in told.body
    assert told.body.count(b"\nname: ") == 1


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("https://u:p@h.example:8443/a?b#c", "https://h.example:8443/a"),
        ("https://h.example/a", "https://h.example/a"),
        ("https://[/x?secret", "(no URL)"),
    ],
)
def test_a_link_is_told_without_what_may_be_secret(url: str, wanted: str) -> None:
    assert without_secrets(url) == wanted
