"""What is asked for is what the link says, byte for byte, and what an answer leads to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.faults.objects import serve, version
from tests.faults.origin import Origin
from tests.faults.packing import run

from packmule.errors import FailureCode

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.origin import Exchange

BODY = version("asked", 1000)


@pytest.mark.parametrize(
    "path",
    [
        "/a.bin",
        "/a%c3%a9.bin?sig=%2f%2B",
        "/%7euser/../b.bin",
        "/plain.bin?x=1&y=a+b",
        "/a%C3%A9/%e2%82%ac",
    ],
)
def test_a_signed_link_arrives_as_it_was_signed(path: str, tmp_path: Path) -> None:
    with Origin(lambda x: serve(x, BODY)) as origin:
        outcome = run([origin.url(path), origin.url("/after.bin")], tmp_path / "out.zip")
    assert outcome.entries == {"0": BODY.data, "1": BODY.data}
    assert sorted(target for target, _ in origin.asked) == sorted([path, "/after.bin"])


def test_a_redirect_in_raw_utf_8_is_followed_as_it_was_meant(tmp_path: Path) -> None:
    def script(x: Exchange) -> None:
        if x.target == "/file.bin":
            x.raw(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: /caf\xc3\xa9.bin\r\n\r\n")
        else:
            serve(x, BODY)

    with Origin(script) as origin:
        assert run([origin.url()], tmp_path / "out.zip").entries == {"0": BODY.data}
    assert origin.asked[-1][0] == "/caf%C3%A9.bin"


def test_a_redirect_in_bytes_that_are_no_utf_8_is_sent_back_as_it_came(tmp_path: Path) -> None:
    def script(x: Exchange) -> None:
        if x.target == "/file.bin":
            x.raw(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: /caf\xe9.bin\r\n\r\n")
        else:
            serve(x, BODY)

    with Origin(script) as origin:
        assert run([origin.url()], tmp_path / "out.zip").entries == {"0": BODY.data}
    assert origin.asked[-1][0] == "/caf%E9.bin"


def test_a_damaged_wrapper_is_told_with_its_tries(tmp_path: Path) -> None:
    def script(x: Exchange) -> None:
        x.head(200, "Content-Encoding: gzip", "Content-Length: 14")
        x.body(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03nope")

    with Origin(script) as origin:
        (failure,) = run([origin.url()], tmp_path / "out.zip").failures.values()
    assert (failure.code, failure.attempts) == (FailureCode.BAD_RESPONSE, 1)
