"""A host that was met before is greeted by the TLS session of then: one round trip less.

Over real TLS, for connections of one job and of the next (RFC 8446 2.2, RFC 5077).
"""

from __future__ import annotations

import ssl
import threading
from typing import TYPE_CHECKING

import pytest
from tests.addresses import everywhere
from tests.fakes.raw_origin import Asked, RawOrigin, response

from packmule.assembly.pack import pack
from packmule.assembly.resources import AssemblyLimits, SharedResources
from packmule.jobs.model import Source
from packmule.outbound.addresses import AddressRules, parse_networks
from packmule.outbound.loop_settings import LoopSettings

if TYPE_CHECKING:
    import socket
    from pathlib import Path

RULES = AddressRules(allow_networks=parse_networks("127.0.0.0/8"))


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_session_is_used_again_by_later_connections_and_jobs(
    tmp_path: Path, version: ssl.TLSVersion
) -> None:
    authority = everywhere.certificate(tmp_path, ["127.0.0.1"])
    tls = everywhere.served_by(authority)
    tls.minimum_version = tls.maximum_version = version
    reused: list[bool | None] = []

    def answer(_asked: Asked, connection: socket.socket) -> bool:
        assert isinstance(connection, ssl.SSLSocket)
        reused.append(connection.session_reused)
        connection.sendall(response(fields=["Connection: close"], body=b"a file"))
        connection.unwrap()  # OpenSSL gives up a session of TLS 1.2 whose end was not announced
        return False

    loop = LoopSettings(transfers_per_host=1, ca_file=str(authority))
    resources = SharedResources(RULES, loop, AssemblyLimits(min_free_bytes=0))
    try:
        with RawOrigin(answer, tls=tls) as origin:
            for job in "ab":
                sources = [Source(n, f"{origin.url}/{job}{n}.txt") for n in range(2)]
                pack(sources, tmp_path / f"{job}.zip", resources, threading.Event())
    finally:
        resources.close()
    assert reused == [False, True, True, True]
