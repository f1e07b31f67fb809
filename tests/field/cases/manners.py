"""Identity and manners: what hosts ask of the programs that download from them."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from tests.fakes.raw_origin import Asked, RawOrigin, response
from tests.field.case import case

from packmule import __version__

if TYPE_CHECKING:
    import socket

    from tests.field.case import Field

KIND = "Identity and manners"
BODY = b"here it is"


@case(
    kind=KIND,
    comes="403 for a User-Agent without a contact",
    does="sends its version, and the contact of `PACKMULE_CONTACT`; without one, fails and says to "
    "set it",
    source="https://github.com/IsraelHikingMap/Site/issues/1573 "
    "https://github.com/openzim/sotoki/issues/252",
)
def contact_wanted(field: Field) -> None:
    def handler(asked: Asked, _socket: socket.socket) -> bytes:
        if "@" in asked.fields.get("user-agent", ""):
            return response(body=BODY)
        return response("403 Forbidden", body=b"set a User-Agent with a contact")

    with RawOrigin(handler) as origin:
        packed = field.pack(f"{origin.url}/a.bin", CONTACT="ops@example.org")
        without = field.pack(f"{origin.url}/a.bin")
    assert without.codes == ["http-status"]
    assert "PACKMULE_CONTACT" in without.report["failures"][0]["detail"]
    assert packed.entries == {"a.bin": BODY}
    agents = [asked.fields["user-agent"] for asked in origin.seen]
    assert agents == [f"Packmule/{__version__} (ops@example.org)", f"Packmule/{__version__}"]


def _seconds(field: Field, files: int, size: int, **settings: str) -> float:
    """Pack so many files at once; return the time from the first request to the end."""
    began: list[float] = []

    def handler(_: Asked, _socket: socket.socket) -> bytes:
        began.append(time.monotonic())
        return response(body=bytes(size))

    with RawOrigin(handler) as origin:
        packed = field.pack(*(f"{origin.url}/{n}.bin" for n in range(files)), **settings)
        ended = time.monotonic()
    assert [len(body) for body in packed.entries.values()] == [size] * files
    return ended - began[0]


@case(
    kind=KIND,
    comes="a line that others share, and a limit for each download that their sum exceeds",
    does="keeps the sum of all transfers to `PACKMULE_MAX_RATE`",
    source="https://github.com/rogerfar/rdt-client/issues/1028, "
    "https://github.com/ja7ad/hydra/issues/207",
)
def rate_of_all(field: Field) -> None:
    assert _seconds(field, files=4, size=25_000, MAX_RATE="200 kB") >= 0.95 * 0.5


@case(
    kind=KIND,
    comes="the same for ten seconds",
    does="keeps to the rate within 5 %",
    source="https://github.com/rogerfar/rdt-client/issues/1028",
    slow=True,
)
def rate_to_five_percent(field: Field) -> None:
    # The end of the run, after the last byte, takes some time of its own.
    assert 9.5 <= _seconds(field, files=8, size=2_500_000, MAX_RATE="2 MB") <= 11


@case(
    kind=KIND,
    comes="a host that documents a limit of two connections, or of a rate",
    does="keeps to it: documented limits of known hosts, and those of `PACKMULE_HOST_LIMITS`",
    source="https://github.com/organicmaps/wikiparser/issues/27, "
    "https://github.com/dbpedia/distributed-extraction-framework/issues/21",
)
def limits_of_a_host(field: Field) -> None:
    lock, at_once, most = threading.Lock(), [0], [0]

    def handler(_: Asked, _socket: socket.socket) -> bytes:
        with lock:
            at_once[0] += 1
            most[0] = max(most[0], at_once[0])
        time.sleep(0.02)
        with lock:
            at_once[0] -= 1
        return response(body=BODY)

    with RawOrigin(handler) as origin:
        urls = [f"{origin.url}/{n}.bin" for n in range(12)]
        packed = field.pack(*urls, HOST_LIMITS="127.0.0.1=2")
    assert len(packed.entries) == 12
    assert most[0] == 2
    rate = "127.0.0.1=4@200kB"
    assert _seconds(field, files=4, size=25_000, HOST_LIMITS=rate) >= 0.95 * 0.5
