"""`packmule pack`: what its help says, and what it refuses."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from packmule.cli import main
from packmule.cli.pack import StopRequest, pack
from packmule.settings import TABLE, read

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@pytest.fixture
def own_signals() -> Iterator[None]:
    """Restore the signal handlers and the trace function afterwards."""
    handlers, trace = [signal.getsignal(each) for each in SIGNALS], sys.gettrace()
    yield
    sys.settrace(trace)
    for each, handler in zip(SIGNALS, handlers, strict=True):
        signal.signal(each, handler)


@pytest.mark.timeout(30)
@pytest.mark.usefixtures("own_signals")
def test_a_signal_may_interrupt_the_handler_of_another_at_any_line() -> None:
    stop = StopRequest()
    stop.listen()
    assert not stop.is_set()
    lines: list[str] = []

    def interrupt(frame: FrameType, event: str, _argument: Any) -> Any:
        if event == "line":
            lines.append(frame.f_code.co_name)
            signal.raise_signal(signal.SIGINT)
        return interrupt

    sys.settrace(interrupt)
    signal.raise_signal(signal.SIGTERM)
    sys.settrace(None)
    assert lines
    assert stop.is_set()


@pytest.mark.parametrize("field", ["transfers", "transfers_per_host", "attempts"])
def test_the_help_tells_the_default_that_the_setting_has(field: str) -> None:
    text = CliRunner().invoke(main, ["pack", "--help"]).output
    option = " ".join(text.split(f"--{field.replace('_', '-')} ", 1)[1].split())
    default = next(setting.default for setting in TABLE if setting.field == field)
    assert option.split("[default: ", 1)[1].startswith(f"{default}]")
    assert getattr(read({}), field) == int(default)


LINK = "https://example.org/a.png"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([LINK], "Missing option '-o'"),
        ([LINK, "-o", "-"], "cannot be written to standard output"),
        ([LINK, "-o", "no/folder/x.zip"], "the folder no/folder does not exist"),
        ([LINK, "-o", "x.zip", "--limit-rate", "fast"], "Invalid value for '--limit-rate'"),
        ([LINK, "-o", "x.zip", "--attempts", "0"], "Invalid value for '--attempts'"),
        ([LINK, "-o", "x.zip", "--user-agent", "ü"], "Invalid value for '--user-agent'"),
        ([LINK, "-o", "x.zip", "--header", "example.org", "Range: bytes=0-"], "cannot be set"),
        ([LINK, "-o", "x.zip", "--header", "example.org", "@missing"], "cannot read missing"),
        ([LINK, "-o", "x.zip", "--header", "example.org/x", "A: b"], "leave out the path"),
        (["ftp://example.org/", "-o", "x.zip"], "1 of 1 link is invalid"),
        (["ftp://example.org/", "--dry-run"], "1 of 1 link is invalid"),
    ],
)
def test_what_cannot_be_packed_is_refused_before_anything_is_fetched(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = CliRunner().invoke(main, ["pack", *arguments])
    assert ended.exit_code == 2
    assert message in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_headers_are_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "headers"
    file.write_text("Authorization: Bearer secret\n\nX-Two: 2\n")
    context = pack.make_context("pack", [LINK, "--header", "example.org", f"@{file}"])
    assert context.params["headers"][("https", "example.org", 443)][-2:] == (
        b"Authorization: Bearer secret",
        b"X-Two: 2",
    )


@pytest.mark.parametrize("option", ["--manifest", "--manifest=sums", "--manifest=bagit"])
def test_a_link_behind_the_option_for_a_manifest_stays_a_link(option: str) -> None:
    ended = CliRunner().invoke(main, ["pack", "-o", "x.zip", option, "ftp://example.org/a"])
    assert "1 of 1 link is invalid" in ended.output
    ended = CliRunner().invoke(main, ["pack", "-o", "x.zip", "--manifest=md5"])
    assert "Invalid value for '--manifest'" in ended.output
