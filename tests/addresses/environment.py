"""The cases of the environment: `packmule pack` as a process, in surroundings that mean it ill.

Owns those surroundings: proxies, authorities and passwords that the table names, and all others
that programs of this kind are known to obey. Whatever they are, the site is reached directly, or
not at all.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zipfile import ZipFile

from tests.addresses import island
from tests.addresses.everywhere import BODY, Answer
from tests.addresses.kinds import Report
from tests.addresses.world import SITE
from tests.cases import ssrf

if TYPE_CHECKING:
    from pathlib import Path

    from tests.addresses.everywhere import Asked
    from tests.addresses.world import World

PROXIES = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
AUTHORITIES = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE")
_HOME = {
    ".netrc": "default login someone password something\n",
    ".curlrc": 'proxy = "http://{proxy}"\nuser = "someone:something"\n',
    ".hsts": 'example.com "20990101 00:00:00"\n',
    "alt-svc.txt": 'h1 example.com 80 h1 127.0.0.1 80 "20990101 00:00:00" 0 0\n',
}


@dataclass(frozen=True, slots=True)
class Ended:
    """What came of a process."""

    body: bytes | None
    code: str | None


def env(world: World) -> Report:
    """Each environment of the table, then the others that are known."""
    report = Report()
    site = world.at(SITE)
    web = (world.origin.port, world.origin.tls_port)
    report.public |= {(site, port) for port in web}
    home = _home(world)
    for case in ssrf.cases("env"):
        variables = {name: _here(world, value) for name, value in case.env}
        report.add(case.id, _direct(world, home, variables), wanted=True)
    everything = {name: f"http://{_proxy(world)}" for name in PROXIES} | {"CURL_HOME": str(home)}
    report.add("every proxy, and a home", _direct(world, home, everything), wanted=True)
    vouching = {name: str(world.authority) for name in AUTHORITIES}
    report.add("every authority", _unbelieved(world, home, vouching))
    report.add("HSTS", _stays_plain(world, home), wanted=True)
    report.add("Alt-Svc", _stays_here(world, home), wanted=True)
    return report.close(world)


def _proxy(world: World) -> str:
    """Where the canary listens that plays the proxy."""
    return "169.254.169.254:80" if world.tap is not None else f"127.0.0.1:{world.origin.port}"


def _here(world: World, value: str) -> str:
    return value.replace("169.254.169.254", _proxy(world)) if world.tap is None else value


def _home(world: World) -> Path:
    home = world.folder / "home"
    home.mkdir()
    for name, text in _HOME.items():
        (home / name).write_text(text.format(proxy=_proxy(world)))
    if world.tap is not None:
        island.know({"example.com": SITE}, world.folder)
    return home


def _link(world: World, scheme: str = "https") -> str:
    """A link to the site: by its name where the system's own look-up is ours to answer."""
    port = world.origin.tls_port if scheme == "https" else world.origin.port
    host = "example.com" if world.tap is not None else f"{world.at(SITE)}:{port}"
    return f"{scheme}://{host}/"


def _run(world: World, home: Path, variables: dict[str, str], *links: str) -> list[Ended]:
    """Run the program; tell what came of each link."""
    out = home / "out.zip"
    out.unlink(missing_ok=True)
    allowed = {} if world.tap is not None else {"PACKMULE_ALLOW_NETWORKS": f"{world.at(SITE)}/32"}
    surroundings = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "PACKMULE_MIN_FREE_BYTES": "0",
        "PACKMULE_ATTEMPTS": "1",
        "PACKMULE_TRANSFERS": "1",
    }
    done = subprocess.run(
        [sys.executable, "-m", "packmule", "pack", "--json", "--on-error", "skip",
         "-o", out, *links],
        cwd=home, env=surroundings | allowed | variables,
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    failures = {one["url"]: one["code"] for one in json.loads(done.stdout)["failures"]}
    bodies: list[bytes] = []
    if out.exists():
        with ZipFile(out) as opened:
            names = [name for name in opened.namelist() if name != "_missing.txt"]
            bodies = [opened.read(name) for name in names]
    rest = iter(bodies)
    return [
        Ended(None, failures[link]) if link in failures else Ended(next(rest), None)
        for link in links
    ]


def _believed(world: World) -> dict[str, str]:
    return {"PACKMULE_CA_FILE": str(world.authority)}


def _direct(world: World, home: Path, variables: dict[str, str]) -> str | None:
    """Have the site fetched over HTTP and HTTPS; say what is wrong."""
    world.begin(lambda _asked: Answer())
    links = (_link(world), _link(world, "http"))
    ended = _run(world, home, _believed(world) | variables, *links)
    if [one.body for one in ended] != [BODY, BODY]:
        return f"not fetched: {ended}"
    if any(
        {"authorization", "proxy-authorization"} & set(one.fields) for one in world.origin.asked
    ):
        return "it showed credentials"
    return None


def _unbelieved(world: World, home: Path, variables: dict[str, str]) -> str | None:
    """Have an authority vouch for the site that the operator has not named."""
    world.begin(lambda _asked: Answer())
    (ended,) = _run(world, home, variables, _link(world))
    return None if ended.code == "tls" and not world.origin.asked else f"believed: {ended}"


def _stays_plain(world: World, home: Path) -> str | None:
    """Have the site ask for HTTPS from now on: a plain link stays what it is (RFC 6797)."""
    world.begin(lambda _asked: Answer(fields=("Strict-Transport-Security: max-age=31536000",)))
    links = (_link(world), _link(world, "http"))
    _run(world, home, _believed(world), *links)
    ports = [one.port for one in world.origin.asked]
    return None if ports == [world.origin.tls_port, world.origin.port] else f"asked at {ports}"


def _stays_here(world: World, home: Path) -> str | None:
    """Have the site say that it is elsewhere too (RFC 7838): it is asked where the link says."""
    elsewhere = f'h2="{_proxy(world)}"; ma=86400, h1="127.0.0.1:{world.origin.port}"; ma=86400'

    def answer(_asked: Asked) -> Answer:
        return Answer(fields=(f"Alt-Svc: {elsewhere}", "Connection: close"))

    world.begin(answer)
    ended = _run(world, home, _believed(world), _link(world), f"{_link(world)}?again")
    asked = [(one.address, one.port) for one in world.origin.asked]
    here = (world.at(SITE), world.origin.tls_port)
    return None if asked == [here, here] else f"asked at {asked}: {ended}"
