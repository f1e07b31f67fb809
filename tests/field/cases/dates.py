"""Dates of files."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.fakes.raw_origin import Asked, RawOrigin, response
from tests.field.case import case

if TYPE_CHECKING:
    import socket

    from tests.field.case import Field

DATES = {
    "/none.bin": [],
    "/unreadable.bin": ["Last-Modified: yesterday"],
    "/epoch.bin": ["Last-Modified: Thu, 01 Jan 1970 00:00:00 GMT"],
    "/good.bin": ["Last-Modified: Sat, 02 Mar 2024 10:00:00 GMT"],
}


@case(
    kind="Dates",
    comes="no Last-Modified, an unreadable one, or one before 1980",
    does="dates the file at the time it was fetched",
    source="public reports",
)
def file_without_a_date(field: Field) -> None:
    def handler(asked: Asked, _socket: socket.socket) -> bytes:
        return response(fields=DATES[asked.path], body=b"x")

    with RawOrigin(handler) as origin:
        modified = field.pack(*(origin.url + path for path in DATES)).modified
    years = {name: date[0] for name, date in modified.items()}
    now = time.localtime().tm_year
    assert years.pop("good.bin") == 2024
    assert all(year in {now - 1, now, now + 1} for year in years.values()), years
