"""The links that a command is given."""

from __future__ import annotations

import io

import click
import pytest

from packmule.cli.listing import gather

A, B = "https://example.org/a.png", "https://example.org/b.png?x=1,2;3"


def test_the_links_of_the_command_line_come_first() -> None:
    assert gather([A], io.BytesIO(f"{B}\tb.png".encode())) == [(A, None), (B, "b.png")]


def test_a_link_of_the_command_line_stays_as_it_is() -> None:
    assert gather([f"{A},{B};"], None) == [(f"{A},{B};", None)]


def test_a_list_that_cannot_be_read_is_said() -> None:
    with pytest.raises(click.UsageError, match="list of links is not valid JSON: line 2"):
        gather([], io.BytesIO(b'{"url": "https://example.org/a"}\n{"url": '))


def test_an_empty_list_is_said() -> None:
    with pytest.raises(click.UsageError, match="No links given"):
        gather([], io.BytesIO(b"# nothing\n"))
