"""What a proxy at the network's exit promises: sources come through it, and nothing else is led."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zipfile import ZipFile

import pytest
from tests.fakes.egress_proxies import HttpProxy, Socks5Proxy
from tests.spec.service import Service
from tests.spec.test_pack import pack

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.egress_proxies import EgressProxy
    from tests.fakes.origin import Origin

SECRET = "correct-horse"  # noqa: S105 - it is of no use anywhere


@pytest.mark.parametrize("kind", [HttpProxy, Socks5Proxy])
def test_a_service_fetches_through_its_proxy_and_never_shows_the_password(
    origin: Origin, tmp_path: Path, kind: type[EgressProxy]
) -> None:
    url = origin.put("/proxied/a.txt", b"hello")
    with kind(password=("ann", SECRET)) as proxy:
        settings = {"EGRESS_PROXY": proxy.url(login=f"ann:{SECRET}"), "LOG_LEVEL": "debug"}
        with Service(tmp_path, **settings).start() as service:
            assert service.members(service.completed(url)) == {"a.txt": b"hello"}
            proxy.password = ("ann", "changed since")
            # Another host, so that no open connection is used again.
            failed = service.outcome(service.create(url.replace("127.0.0.1", "127.0.0.2")))
            assert failed["failures"][0]["code"] == "connect"
            assert "PACKMULE_EGRESS_PROXY" in failed["failures"][0]["detail"]
            assert SECRET not in f"{failed}{service.log}"
            assert f"egress proxy in use scheme={kind.scheme}" in service.log
    assert proxy.asked == [("127.0.0.1", origin.port)]


def test_pack_names_its_proxy_by_an_option(origin: Origin, tmp_path: Path) -> None:
    url = origin.put("/proxied/b.txt", b"hello")
    with HttpProxy() as proxy:
        done = pack(tmp_path, url, "-o", "out.zip", "--proxy", proxy.url())
    assert done.returncode == 0, done.stderr
    assert ZipFile(tmp_path / "out.zip").read("b.txt") == b"hello"
    assert len(proxy.requests) == 1


def test_a_link_to_a_private_address_never_reaches_the_proxy(tmp_path: Path) -> None:
    with HttpProxy() as proxy:
        done = pack(tmp_path, "http://10.0.0.1/a.txt", "-o", "out.zip", EGRESS_PROXY=proxy.url())
    assert "[address-not-allowed]" in done.stderr
    assert not proxy.connections


def test_what_is_no_proxy_stops_the_program_without_being_repeated(tmp_path: Path) -> None:
    done = pack(
        tmp_path, "http://a.example/", "-o", "out.zip", EGRESS_PROXY=f"ann:{SECRET}@proxy:3128"
    )
    assert done.returncode == 2
    assert "PACKMULE_EGRESS_PROXY: " in done.stderr
    assert SECRET not in done.stderr
