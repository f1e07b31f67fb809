"""`packmule keys new`: what it prints is a key, and the entry that lets it in."""

from __future__ import annotations

from click.testing import CliRunner

from packmule.cli import main
from packmule.settings import read
from packmule.web.api_keys import Keyring


def test_a_new_key_is_printed_with_its_entry() -> None:
    printed = CliRunner().invoke(main, ["keys", "new", "ann"])
    assert printed.exit_code == 0
    words = dict(line.split() for line in printed.output.splitlines())
    assert set(words) == {"key", "entry"}
    settings = read({"PACKMULE_API_KEYS": words["entry"]})
    assert Keyring(settings.api_keys).owner(words["key"]) == "ann"
    assert words["key"] not in words["entry"]


def test_a_name_that_is_none_is_refused() -> None:
    refused = CliRunner().invoke(main, ["keys", "new", "ann and bob"])
    assert refused.exit_code == 2
    assert "letters, digits" in refused.stderr
