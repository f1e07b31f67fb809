"""Transfers through the operator's proxy: what reaches it, what never does, and whose fault it is.

Owns the address guard's promises with a proxy. Names are answered by the test, here and there
differently where that is the question.
"""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING
from zipfile import ZipFile

import pytest
from tests.addresses import everywhere
from tests.fakes.egress_proxies import HttpProxy, Socks5Proxy
from tests.fakes.raw_origin import Asked, RawOrigin, response

from packmule.assembly.pack import pack
from packmule.assembly.resources import AssemblyLimits, SharedResources
from packmule.errors import FailureCode
from packmule.jobs.model import OnError, Source
from packmule.outbound.addresses import AddressRules, parse_networks
from packmule.outbound.egress_proxy import parse_proxy
from packmule.outbound.loop_settings import LoopSettings
from packmule.outbound.resolver import Resolver
from packmule.outbound.transfer import Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.fakes.egress_proxies import EgressProxy

    from packmule.errors import Failure

BODY = b"what is public\n"
SITE = "93.184.216.34"
"""The address of every public name here; only a proxy can lead from it to the origin."""
PRIVATE = {"private.example": ["10.0.0.1"], "mixed.example": [SITE, "10.0.0.1"]}
LIMITS = Limits(attempts=2, first_delay=0.01)


@pytest.fixture
def site() -> Iterator[RawOrigin]:
    with RawOrigin(_answer) as origin:
        yield origin


def _answer(asked: Asked, connection: socket.socket) -> bytes | bool:
    if asked.path.startswith("/to/"):
        return response("302 Found", [f"Location: http://{asked.path.removeprefix('/to/')}"])
    if asked.path == "/rest" and asked.number == 1:
        connection.sendall(response(fields=['ETag: "a"'], body=BODY)[:-5])
        return False
    return response(fields=['ETag: "a"'], body=BODY)


def _look_up(host: str, _port: int) -> list[str]:
    if host.startswith("unknown."):
        raise socket.gaierror(socket.EAI_NONAME, "unknown")
    return PRIVATE.get(host, [SITE])


def fetch(
    folder: Path,
    proxy: str,
    link: str,
    *,
    allow: str = "",
    look_up: Callable[[str, int], list[str]] = _look_up,
    ca_file: Path | None = None,
) -> tuple[dict[str, bytes], Failure | None]:
    """Pack one link through a proxy; return the archive's entries and the failure."""
    settings = LoopSettings(
        connect_timeout=5.0,
        limits=LIMITS,
        proxy=parse_proxy(proxy),
        ca_file=str(ca_file) if ca_file else None,
    )
    out = folder / "out.zip"
    rules = AddressRules(allow_networks=parse_networks(allow))
    with SharedResources(
        rules, settings, AssemblyLimits(min_free_bytes=0), resolver=Resolver(look_up=look_up)
    ) as resources:
        packed = pack(
            [Source(0, link, None)], out, resources, threading.Event(),
            on_error=OnError.FAIL, interval=0.02,
        )  # fmt: skip
    if packed.size is None:
        return {}, packed.failed[0].failure
    with ZipFile(out) as archive:
        return {name: archive.read(name) for name in archive.namelist()}, None


def leads(site: RawOrigin) -> dict[tuple[str, int], tuple[str, int]]:
    """Have proxies lead from any public name, and its address, to the site."""
    hosts = ("a.example", "unknown.example", SITE)
    return {(host, site.port): ("127.0.0.1", site.port) for host in hosts}


def test_plain_links_are_forwarded_exactly_as_they_are_written(
    site: RawOrigin, tmp_path: Path
) -> None:
    link = f"http://a.example:{site.port}/x%2fy/file.bin?signature=a%2bb"
    with HttpProxy(leads=leads(site)) as proxy:
        entries, _ = fetch(tmp_path, proxy.url(), link)
    assert entries == {"file.bin": BODY}
    assert [each.target for each in proxy.requests] == [link]
    assert [each.path for each in site.seen] == ["/x%2fy/file.bin?signature=a%2bb"]
    assert "proxy-authorization" not in site.seen[0].fields


@pytest.mark.needs("openssl")
def test_secure_links_are_tunnelled_and_the_proxys_head_is_not_the_origins(
    tmp_path: Path,
) -> None:
    authority = everywhere.certificate(tmp_path, ["a.example"])
    with (
        RawOrigin(_answer, tls=everywhere.served_by(authority)) as secure,
        HttpProxy(leads=leads(secure)) as proxy,
    ):
        link = f"https://a.example:{secure.port}/file.bin"
        entries, _ = fetch(tmp_path, proxy.url(), link, ca_file=authority)
    assert entries == {"file.bin": BODY}
    assert [each.target for each in proxy.requests] == [f"a.example:{secure.port}"]


@pytest.mark.needs("openssl")
def test_the_way_to_a_proxy_may_be_secure(site: RawOrigin, tmp_path: Path) -> None:
    authority = everywhere.certificate(tmp_path, ["127.0.0.1"])
    link = f"http://a.example:{site.port}/file.bin"
    with HttpProxy(leads=leads(site), tls=everywhere.served_by(authority)) as proxy:
        entries, _ = fetch(tmp_path, proxy.url("https"), link, ca_file=authority)
        _, failure = fetch(tmp_path, proxy.url("https"), f"{link}?untrusted")
    assert entries == {"file.bin": BODY}
    assert failure is not None
    assert (failure.code, failure.attempts) == (FailureCode.TLS, 1)
    assert "proxy" in failure.detail


def test_a_cut_file_is_resumed_through_the_proxy(site: RawOrigin, tmp_path: Path) -> None:
    with Socks5Proxy(leads=leads(site)) as proxy:
        link = f"http://a.example:{site.port}/rest"
        entries, _ = fetch(tmp_path, proxy.url(), link)
    assert list(entries.values()) == [BODY]
    assert len(proxy.asked) == 2


@pytest.mark.parametrize(("scheme", "named"), [("socks5", SITE), ("socks5h", "a.example")])
def test_socks5_is_told_the_checked_address_and_socks5h_the_name(
    site: RawOrigin, tmp_path: Path, scheme: str, named: str
) -> None:
    with Socks5Proxy(leads=leads(site)) as proxy:
        link = f"http://a.example:{site.port}/file.bin"
        entries, _ = fetch(tmp_path, proxy.url(scheme), link)
    assert entries == {"file.bin": BODY}
    assert proxy.asked == [(named, site.port)]


@pytest.mark.parametrize("scheme", ["http", "socks5h"])
def test_a_name_that_only_the_proxy_can_resolve_is_fetched(
    site: RawOrigin, tmp_path: Path, scheme: str
) -> None:
    kind: type[EgressProxy] = HttpProxy if scheme == "http" else Socks5Proxy
    with kind(leads=leads(site)) as proxy:
        link = f"http://unknown.example:{site.port}/file.bin"
        entries, _ = fetch(tmp_path, proxy.url(scheme), link)
    assert entries == {"file.bin": BODY}


def test_a_name_that_we_resolve_for_the_proxy_must_have_an_address(tmp_path: Path) -> None:
    with Socks5Proxy() as proxy:
        _, failure = fetch(tmp_path, proxy.url(), "http://unknown.example/file.bin")
    assert failure is not None
    assert failure.code is FailureCode.DNS
    assert not proxy.connections


KINDS = [("http", HttpProxy), ("socks5", Socks5Proxy), ("socks5h", Socks5Proxy)]


@pytest.mark.parametrize(("scheme", "kind"), KINDS)
@pytest.mark.parametrize(
    "link",
    [
        "http://10.0.0.1/",
        "https://10.0.0.1/",
        "http://[::1]/",
        "http://169.254.169.254/latest/meta-data",
        "http://localhost/",
        "http://private.example/",
        "https://private.example/",
        "http://mixed.example/",
        f"http://{SITE}:25/",
    ],
)
def test_what_is_not_public_is_never_asked_of_a_proxy(
    tmp_path: Path, scheme: str, kind: type[EgressProxy], link: str
) -> None:
    with kind() as proxy:
        _, failure = fetch(tmp_path, proxy.url(scheme), link)
    assert failure is not None
    assert failure.code is FailureCode.ADDRESS_NOT_ALLOWED
    assert not proxy.connections


@pytest.mark.parametrize(("scheme", "kind"), KINDS)
@pytest.mark.parametrize("target", ["10.0.0.1/", "private.example/", "localhost/"])
def test_no_redirect_leads_a_proxy_to_what_is_not_public(
    site: RawOrigin, tmp_path: Path, scheme: str, kind: type[EgressProxy], target: str
) -> None:
    with kind(leads=leads(site)) as proxy:
        link = f"http://a.example:{site.port}/to/{target}"
        _, failure = fetch(tmp_path, proxy.url(scheme), link)
    assert failure is not None
    assert failure.code is FailureCode.ADDRESS_NOT_ALLOWED
    assert len(proxy.asked) == 1


@pytest.mark.parametrize(("scheme", "kind"), KINDS)
def test_a_public_address_of_this_machine_is_never_asked_of_a_proxy(
    tmp_path: Path, scheme: str, kind: type[EgressProxy], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "packmule.outbound.ssrf_guard.is_local_address", lambda address, _: address == SITE
    )
    with kind() as proxy:
        for link in (f"http://{SITE}/", "http://a.example/"):
            _, failure = fetch(tmp_path, proxy.url(scheme), link)
            assert failure is not None
            assert failure.code is FailureCode.ADDRESS_NOT_ALLOWED
    assert not proxy.connections


def test_the_environment_of_other_programs_leads_nothing_past_the_proxy(
    site: RawOrigin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "*")
    with HttpProxy(leads=leads(site)) as proxy:
        link = f"http://127.0.0.1:{site.port}/file.bin"
        entries, _ = fetch(tmp_path, proxy.url(), link, allow="127.0.0.0/8")
    assert entries == {"file.bin": BODY}
    assert proxy.asked == [("127.0.0.1", site.port)]


@pytest.mark.parametrize(
    ("scheme", "kind"), [("http", HttpProxy), ("https-link", HttpProxy), ("socks5", Socks5Proxy)]
)
def test_a_proxy_that_wants_a_login_gets_it_and_says_so_without(
    site: RawOrigin, tmp_path: Path, scheme: str, kind: type[EgressProxy]
) -> None:
    link = f"{'https' if scheme == 'https-link' else 'http'}://a.example:{site.port}/file.bin"
    scheme = scheme.removesuffix("s-link")
    with kind(leads=leads(site), password=("ann", "p@ss")) as proxy:
        if link.startswith("http:"):
            entries, _ = fetch(tmp_path, proxy.url(scheme, "ann:p%40ss"), link)
            assert entries == {"file.bin": BODY}
        for login in ("", "ann:wrong"):
            _, failure = fetch(tmp_path, proxy.url(scheme, login), f"{link}?{login}")
            assert failure is not None
            assert (failure.code, failure.attempts) == (FailureCode.CONNECT, 1)
            assert "password" in failure.detail
            assert "wrong" not in failure.detail


@pytest.mark.parametrize(
    ("kind", "answer", "words", "attempts"),
    [
        (HttpProxy, "401 Unauthorized", "wants a user name and password", 1),
        (HttpProxy, "403 Forbidden", "does not let a.example be reached", 1),
        (HttpProxy, "429 Too Many Requests", "cannot reach a.example", 2),
        (HttpProxy, "503 Service Unavailable", "cannot reach a.example", 2),
        (Socks5Proxy, 2, "does not let a.example be reached", 1),
        (Socks5Proxy, 4, "cannot reach a.example", 2),
        (Socks5Proxy, 5, "cannot reach a.example", 2),
        (Socks5Proxy, 99, "did not answer as a SOCKS5 proxy", 2),
    ],
)
def test_what_the_proxy_refuses_is_not_said_of_the_host(
    tmp_path: Path, kind: type[EgressProxy], answer: str | int, words: str, attempts: int
) -> None:
    with kind(answer=answer) as proxy:
        _, failure = fetch(tmp_path, proxy.url(), "https://a.example/file.bin")
    assert failure is not None
    assert (failure.code, failure.attempts) == (FailureCode.CONNECT, attempts)
    assert words in failure.detail
    assert str(proxy.port) not in failure.detail


@pytest.mark.parametrize("scheme", ["http", "https", "socks5", "socks5h"])
def test_a_proxy_that_is_down_is_named_as_what_cannot_be_reached(
    tmp_path: Path, scheme: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    _, failure = fetch(tmp_path, f"{scheme}://127.0.0.1:{port}", "http://a.example/file.bin")
    assert failure is not None
    assert failure.code is FailureCode.CONNECT
    assert "PACKMULE_EGRESS_PROXY" in failure.detail


def test_a_proxy_without_an_address_is_named(tmp_path: Path) -> None:
    _, failure = fetch(tmp_path, "http://proxy.invalid:3128", "http://a.example/file.bin")
    assert failure is not None
    assert "the egress proxy's host name has no address" in failure.detail
