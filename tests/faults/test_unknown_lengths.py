"""A body whose length nobody announces: it is whole only when the origin has said that it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.faults.objects import serve, version
from tests.faults.origin import Origin
from tests.faults.packing import run

from packmule.errors import FailureCode

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.faults.origin import Exchange

BODY = version("unknown-length", 102_400)
CUT, STEP = 50_000, 20_000


def _cut_chunks(x: Exchange) -> None:
    """Send the head and the first bytes of a chunked body, and cut the connection."""
    x.head(200, "Transfer-Encoding: chunked", *BODY.fields)
    x.raw(b"%x\r\n" % CUT)
    x.body(BODY.data[:CUT])
    x.raw(b"\r\n")
    x.close()


def _short_part(x: Exchange, start: int) -> None:
    """Answer a resume with less than was asked for, and without the total (RFC 9110 15.3.7)."""
    part = BODY.data[start : start + STEP]
    span = f"Content-Range: bytes {start}-{start + len(part) - 1}/*"
    x.head(206, span, f"Content-Length: {len(part)}", *BODY.fields)
    x.body(part)


def _confirmed(x: Exchange) -> None:
    x.head(416, f"Content-Range: bytes */{len(BODY.data)}", "Content-Length: 0", *BODY.fields)


def _unconfirmed(x: Exchange) -> None:
    x.head(416, "Content-Length: 0")


@pytest.mark.parametrize("end", [_confirmed, _unconfirmed])
def test_short_parts_of_a_body_of_unknown_length_are_asked_for_until_the_origin_confirms_its_end(
    end: Callable[[Exchange], None], tmp_path: Path
) -> None:
    def script(x: Exchange) -> None:
        if x.start is None:
            return _cut_chunks(x) if not x.number else serve(x, BODY)
        if x.start >= len(BODY.data):
            return end(x)
        return _short_part(x, x.start)

    with Origin(script) as origin:
        outcome = run([origin.url()], tmp_path / "out.zip")
    assert outcome.entries == {"0": BODY.data}
    parts = [start for _, start in origin.asked[:5]]
    assert parts == [None, 50_000, 70_000, 90_000, 102_400]


def test_a_body_whose_end_nobody_confirms_is_a_named_failure(tmp_path: Path) -> None:
    def script(x: Exchange) -> None:
        if x.start is None:
            return _cut_chunks(x)
        if x.start >= len(BODY.data):
            return _unconfirmed(x)
        return _short_part(x, x.start)

    with Origin(script) as origin:
        outcome = run([origin.url()], tmp_path / "out.zip")
    assert outcome.entries == {}
    assert outcome.failures[0].code is FailureCode.TRUNCATED
