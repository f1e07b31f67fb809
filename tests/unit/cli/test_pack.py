"""`packmule pack`: what its help says, and which lists it takes."""

from __future__ import annotations

import io

import click
import pytest
from click.testing import CliRunner

from packmule.cli.pack import pack, read_sources
from packmule.settings import TABLE, read


@pytest.mark.parametrize("field", ["transfers", "transfers_per_host"])
def test_the_help_tells_the_default_that_the_setting_has(field: str) -> None:
    text = CliRunner().invoke(pack, ["--help"]).output
    option = " ".join(text.split(f"--{field.replace('_', '-')} ", 1)[1].split())
    default = next(setting.default for setting in TABLE if setting.field == field)
    assert option.split("[default: ", 1)[1].startswith(f"{default}]")
    assert getattr(read({}), field) == int(default)


@pytest.mark.parametrize("name", ["a\0b.txt", "half \ud800.txt"])
def test_a_name_that_no_job_may_have_is_refused_with_its_link(name: str) -> None:
    listing = io.StringIO(f"https://example.org/a\nhttps://example.org/b\t{name}\n")
    with pytest.raises(click.UsageError, match=r"the name of link 2 has"):
        read_sources((), listing)
