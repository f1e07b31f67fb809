"""The command line: which commands there are, and how errors are told."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner

from packmule import __version__
from packmule.cli import COMMANDS, main
from packmule.errors import StorageFailed, UsageError
from packmule.settings import TABLE

if TYPE_CHECKING:
    from packmule.errors import PackmuleError


def test_every_command_of_the_list_can_be_asked_for_help() -> None:
    for name in COMMANDS:
        for option in ("-h", "--help"):
            ended = CliRunner().invoke(main, [name, option])
            assert ended.exit_code == 0, ended.output


def test_what_serve_starts_by_itself_is_not_shown() -> None:
    shown = CliRunner().invoke(main, ["--help"]).output
    for name in ("serve", "worker", "api", "pack", "settings", "openapi"):
        assert f"\n  {name} " in shown
    assert "\n  migrate " not in shown


def test_a_command_that_is_none_is_said() -> None:
    ended = CliRunner().invoke(main, ["nonsense"])
    assert ended.exit_code == 2
    assert "No such command" in ended.output


def test_a_mistyped_command_or_option_is_answered_with_the_one_that_was_meant() -> None:
    for typed, meant in ((["stauts"], "'status'"), (["pack", "--hlep"], "'--help'")):
        ended = CliRunner().invoke(main, typed)
        assert ended.exit_code == 2
        assert f"Did you mean {meant}?" in ended.output


def test_the_help_names_the_variables() -> None:
    text = CliRunner().invoke(main, ["-h"]).output
    assert "PACKMULE_SERVER" in text
    assert "PACKMULE_API_KEY" in text


def test_a_reader_that_has_enough_ends_a_command_quietly() -> None:
    command = f"{sys.executable} -m packmule manual | head -n 1"
    done = subprocess.run(["/bin/bash", "-c", command], capture_output=True, text=True, check=True)
    assert (done.stdout.count("\n"), done.stderr) == (1, "")


def test_the_version_is_told() -> None:
    assert CliRunner().invoke(main, ["--version"]).output == f"packmule, version {__version__}\n"


@pytest.mark.parametrize(
    ("error", "code"), [(UsageError("Mend it."), 2), (StorageFailed("The disk is gone."), 1)]
)
def test_an_error_is_a_sentence_and_an_exit_code(
    error: PackmuleError, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_environment: object) -> None:
        raise error

    monkeypatch.setattr("packmule.settings.read", fail)
    ended = CliRunner().invoke(main, ["migrate"])
    assert (ended.exit_code, ended.stderr) == (code, f"Error: {error}\n")


def test_every_setting_that_is_no_secret_is_a_flag_of_serve() -> None:
    text = CliRunner().invoke(main, ["serve", "--help"]).output
    for setting in TABLE:
        flag = f"--{setting.field.replace('_', '-')} "
        assert (flag in text) is not setting.secret


def test_settings_lists_every_setting() -> None:
    lines = CliRunner().invoke(main, ["settings"]).output.splitlines()
    assert [line.split()[0] for line in lines] == [setting.name for setting in TABLE]


def test_openapi_writes_the_description() -> None:
    document = json.loads(CliRunner().invoke(main, ["openapi"]).output)
    assert "/api/archive/create" in document["paths"]


def test_serve_imports_neither_server_nor_database() -> None:
    code = "import sys, packmule.cli.serve; print([m for m in sys.modules])"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert "packmule.cli.supervisor" in found
    for heavy in ("sqlalchemy", "pydantic", "fastapi", "granian", "pycurl", "asyncio"):
        assert f"'{heavy}'" not in found


@pytest.mark.parametrize("name", ["serve", "pack", "list"])
def test_networks_are_allowed_by_the_same_option_everywhere(name: str) -> None:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    assert "--allow-networks" in [flag for option in command.params for flag in option.opts]
