"""docs/cli.md is what the commands say of themselves.

`UPDATE_DOCS=1 make test ARGS=tests/unit/cli` updates it.
"""

from __future__ import annotations

import os
import re
import subprocess

import pytest
from tests.house.generated import assert_holds
from tests.house.tree import read

from packmule.cli import COMMANDS, exits, main
from packmule.cli.reference import as_manual, as_markdown
from packmule.settings import TABLE

DOCUMENT = "docs/cli.md"


def test_the_document_holds_the_help_of_every_command() -> None:
    assert_holds(DOCUMENT, as_markdown(main), suite="tests/unit/cli")


def test_every_command_but_the_hidden_ones_stands_in_the_document() -> None:
    headings = re.findall(r"^## packmule (\S+)$", read(DOCUMENT), re.MULTILINE)
    assert headings == [name for name in COMMANDS if name != "migrate"]


def test_every_exit_code_is_explained_and_no_other() -> None:
    told = {int(code) for code in re.findall(r"^\| (\d+) \|", read(DOCUMENT), re.MULTILINE)}
    assert told == {0} | {code for code in vars(exits).values() if isinstance(code, int)}


def test_every_command_that_ends_by_itself_tells_its_exit_codes() -> None:
    document = read(DOCUMENT)
    for name in (
        "create",
        "status",
        "files",
        "fetch",
        "cancel",
        "retry",
        "delete",
        "pack",
        "verify",
    ):
        [page] = re.findall(
            rf"^## packmule {name}\n\n```text\n(.*?)^```", document, re.MULTILINE | re.DOTALL
        )
        assert "Exit status: 0" in page


@pytest.mark.needs("man")
def test_the_manual_page_is_set_without_a_warning_and_has_every_command_and_setting() -> None:
    done = subprocess.run(
        ["man", "--warnings=w", "--local-file", "-"],
        input=as_manual(main),
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "MANWIDTH": "110", "PAGER": "cat"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    page = re.sub(r".\x08", "", done.stdout)
    assert page.startswith("PACKMULE(1)")
    for name in COMMANDS.keys() - {"api", "migrate"}:
        assert f"\n   packmule {name}\n" in page
    for each in TABLE:
        assert f"\n       {each.name}" in page
    # Lines that stand as they are come out as they went in.
    for line in as_markdown(main).splitlines():
        if line.startswith("  "):
            assert f"       {line}\n" in page
