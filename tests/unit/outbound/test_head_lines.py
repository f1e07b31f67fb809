"""Lines of a head that are none: they say nothing, and stop nothing."""

from __future__ import annotations

import pytest

from packmule.outbound.head import HeadIncomplete, parse


@pytest.mark.parametrize("line", [b": 500\r\n", b":\x00", b"no colon\r\n", b"HTTP/1.1 \r\n", b""])
def test_a_line_without_a_name_says_nothing(line: bytes) -> None:
    read = parse([b"HTTP/1.1 200 OK\r\n", line, b"A: b\r\n", b"\r\n"])
    assert (read.status, read.fields["a"]) == (200, "b")
    with pytest.raises(HeadIncomplete):
        parse([line])


def test_a_date_of_any_length_costs_nothing() -> None:
    date = b"Date: Mon, 05 Jan 2026 10:00:00 GMT" + b" " * 60_000 + b"x\r\n"
    assert parse([b"HTTP/1.1 200 OK\r\n", date, b"\r\n"]).sent_at is None
