"""New links on the command line: their form, and errors that repeat no secret."""

from __future__ import annotations

import click
import pytest

from packmule.cli.new_links import NewLink, read_new_links
from packmule.errors import UsageError


def test_a_list_has_a_position_and_a_link_a_line() -> None:
    lines = ["# new\n", "\n", "3=https://x/a?b=c\n", " 12\thttps://y/ \n", "4 = https://z/"]
    assert read_new_links(lines) == {3: "https://x/a?b=c", 12: "https://y/", 4: "https://z/"}


@pytest.mark.parametrize("line", ["https://x/?s3cret", "3=", "x=https://x/?s3cret", "1=a b"])
def test_an_error_names_the_line_and_not_the_link(line: str) -> None:
    with pytest.raises(UsageError, match="Line 2 is not a position and a link") as error:
        read_new_links(["1=https://x/", line])
    assert "s3cret" not in str(error.value)
    with pytest.raises(click.BadParameter, match="not a position and a link"):
        NewLink().convert(line, None, None)
