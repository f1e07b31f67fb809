"""`packmule pack`: what its help says, and which lists it takes."""

from __future__ import annotations

import io
import json
import signal
import sys
from typing import TYPE_CHECKING, Any

import click
import pytest
from click.testing import CliRunner

from packmule.cli.pack import StopRequest, pack, read_sources
from packmule.settings import TABLE, read

if TYPE_CHECKING:
    from collections.abc import Iterator
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


@pytest.mark.parametrize("field", ["transfers", "transfers_per_host"])
def test_the_help_tells_the_default_that_the_setting_has(field: str) -> None:
    text = CliRunner().invoke(pack, ["--help"]).output
    option = " ".join(text.split(f"--{field.replace('_', '-')} ", 1)[1].split())
    default = next(setting.default for setting in TABLE if setting.field == field)
    assert option.split("[default: ", 1)[1].startswith(f"{default}]")
    assert getattr(read({}), field) == int(default)


@pytest.mark.parametrize("name", ["a\0b.txt", "half \ud800.txt"])
def test_a_name_that_no_job_may_have_is_refused_with_its_link(name: str) -> None:
    links = ["https://example.org/a", {"url": "https://example.org/b", "name": name}]
    listing = io.BytesIO(json.dumps(links).encode())
    with pytest.raises(click.UsageError, match=r"the name of link 2 has"):
        read_sources((), listing)
