"""Identity and manners: what hosts ask of the programs that download from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.field.case import case
from tests.field.raw_origin import Asked, RawOrigin, response

from packmule import __version__

if TYPE_CHECKING:
    import socket

    from tests.field.case import Field

KIND = "Identity and manners"
BODY = b"here it is"


@case(
    kind=KIND,
    comes="403 for a User-Agent without a contact",
    does="sends its version, and the contact of `PACKMULE_CONTACT`",
    source="https://github.com/IsraelHikingMap/Site/issues/1573",
)
def contact_wanted(field: Field) -> None:
    def handler(asked: Asked, _socket: socket.socket) -> bytes:
        if "@" in asked.fields.get("user-agent", ""):
            return response(body=BODY)
        return response("403 Forbidden", body=b"set a User-Agent with a contact")

    with RawOrigin(handler) as origin:
        packed = field.pack(f"{origin.url}/a.bin", CONTACT="ops@example.org")
        assert field.pack(f"{origin.url}/a.bin").codes == ["http-status"]
    assert packed.entries == {"a.bin": BODY}
    agents = [asked.fields["user-agent"] for asked in origin.seen]
    assert agents == [f"Packmule/{__version__} (ops@example.org)", f"Packmule/{__version__}"]
