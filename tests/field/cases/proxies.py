"""Networks whose only way out is a proxy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fakes.egress_proxies import HttpProxy, Socks5Proxy
from tests.fakes.raw_origin import Asked, RawOrigin, response
from tests.field.case import case

if TYPE_CHECKING:
    import socket

    from tests.field.case import Field

KIND = "Proxies"
BODY = b"hello"


def _handler(_: Asked, _socket: socket.socket) -> bytes:
    return response(body=BODY)


@case(
    kind=KIND,
    comes="a proxy for HTTP, and one for SOCKS5, with a password",
    does="goes through the proxy of `PACKMULE_EGRESS_PROXY`, but never to a private address",
    source="https://github.com/sublimehq/package_control/issues/683 "
    "https://github.com/wkentaro/gdown/pull/32",
)
def proxy_with_a_password(field: Field) -> None:
    for kind in (HttpProxy, Socks5Proxy):
        with RawOrigin(_handler) as origin, kind(password=("ann", "secret")) as proxy:
            settings = {"EGRESS_PROXY": proxy.url(login="ann:secret")}
            assert field.pack(f"{origin.url}/a.bin", **settings).entries == {"a.bin": BODY}
            private = field.pack("http://10.0.0.1/a.bin", **settings)
            assert "[address-not-allowed]" in private.stderr
        assert proxy.asked == [("127.0.0.1", origin.port)]


@case(
    kind=KIND,
    comes="a proxy that wants a password, or does not let a host be reached",
    does="fails at once, says that it was the proxy, and what to do",
    source="https://github.com/sublimehq/package_control/issues/683",
)
def proxy_that_refuses(field: Field) -> None:
    for answer in ("407 Proxy Authentication Required", "403 Forbidden"):
        with HttpProxy(answer=answer) as proxy:
            packed = field.pack("https://127.0.0.1/a.bin", EGRESS_PROXY=proxy.url())
        assert packed.codes == ["connect"]
        assert "proxy" in packed.report["failures"][0]["detail"]
        assert proxy.connections == 1
