"""The cases of the table over the real client, kind by kind: what was reached, what was refused.

Owns how a case of each kind is played and what is right for it. Leaves the sockets to
`everywhere`, the world to `world`, the environment's cases to `environment`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count, takewhile
from typing import TYPE_CHECKING

from tests.addresses.everywhere import BODY, Answer, Asked, always, plain
from tests.addresses.island import OWN_ADDRESSES
from tests.addresses.world import SITE
from tests.cases import ssrf

from packmule.errors import FailureCode
from packmule.outbound.addresses import parse_networks
from packmule.outbound.outcomes import Answered
from packmule.outbound.post import Poster
from packmule.outbound.resolver import Resolver
from packmule.outbound.urls import UrlInvalid, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.addresses.world import Outcome, World

REFUSED = {FailureCode.URL_INVALID, FailureCode.ADDRESS_NOT_ALLOWED}
NOT_FOLLOWED = REFUSED | {FailureCode.REDIRECTS}
_TAG = 'ETag: "one"'


@dataclass
class Report:
    """What came of a kind's cases; `public` is where connections were wanted."""

    cases: int = 0
    wrong: list[str] = field(default_factory=list)
    false_refusals: list[str] = field(default_factory=list)
    leaks: list[str] = field(default_factory=list)
    public: set[tuple[str, int]] = field(default_factory=set)

    def add(self, name: str, fault: str | None, *, wanted: bool = False) -> None:
        """Count a case; `wanted` tells that it should have been let through."""
        self.cases += 1
        if fault is not None:
            self.wrong.append(f"{name}: {fault}")
            if wanted:
                self.false_refusals.append(name)

    def close(self, world: World) -> Report:
        """Find the connections that nobody wanted."""
        strangers = world.connections() - self.public
        self.leaks = sorted(f"{address}, port {port}" for address, port in strangers)
        return self


def _fault(case: ssrf.Case, outcome: Outcome, at: int, codes: set[FailureCode]) -> str | None:
    """Say what is wrong with what came of a case; None for nothing."""
    failure = outcome.failures.get(at)
    if case.allowed:
        return None if outcome.entries.get(at) == BODY else f"not fetched: {failure}"
    if failure is None:
        return "fetched"
    if failure.code not in codes:
        return f"failed otherwise: {failure}"
    said = failure.detail.replace(case.host or case.ip, "")
    told = [one for one in case.resolves_to or () if one in said]
    return f"tells an address: {failure.detail}" if told else None


def _web(world: World) -> tuple[int, int]:
    return world.origin.port, world.origin.tls_port


def _reach(world: World, report: Report, addresses: Iterable[str]) -> None:
    """Note addresses that may be connected to, on the ports of the web."""
    for address in addresses:
        report.public |= {(plain(world.at(address)), port) for port in _web(world)}


def ip(world: World) -> Report:
    """Each address twice: written in the link, and as the answer for a name."""
    report, cases = Report(), ssrf.cases("ip")
    written = [f"http://[{c.ip}]/" if ":" in c.ip else f"http://{c.ip}/" for c in cases]
    named = {f"{case.id}.example": [case.ip] for case in cases}
    outcome = world.fetch(
        [*written, *(f"http://{name}/" for name in named)], lambda host, _port: named[host]
    )
    for at, case in enumerate(cases):
        by_link = _fault(case, outcome, at, REFUSED)
        by_name = _fault(case, outcome, at + len(cases), REFUSED)
        report.add(case.id, by_link or by_name, wanted=case.allowed)
    _reach(world, report, (case.ip for case in cases if case.allowed))
    return report.close(world)


def url(world: World) -> Report:
    """Each link as it is written; names lead where the table says, all others to a public site."""
    report, cases = Report(), ssrf.cases("url")
    answers: dict[str, list[str]] = defaultdict(lambda: [SITE])
    for case in cases:
        try:
            asked = parse(case.url)
        except UrlInvalid:
            continue
        if case.resolves_to is not None:
            answers[asked.host] = list(case.resolves_to)
        if case.allowed:
            hosts = [asked.host] if asked.is_address else answers[asked.host]
            report.public |= {(host, asked.port) for host in hosts}
    outcome = world.fetch([case.url for case in cases], lambda host, _port: answers[host])
    for at, case in enumerate(cases):
        report.add(case.id, _fault(case, outcome, at, REFUSED), wanted=case.allowed)
    return report.close(world)


def dns(world: World) -> Report:
    """Each answer for its name."""
    report, cases = Report(), ssrf.cases("dns")
    answers = {case.host: [world.at(one) for one in case.resolves_to or ()] for case in cases}
    links = [world.link(f"http://{case.host}/") for case in cases]
    outcome = world.fetch(links, lambda host, _port: answers[host])
    for at, case in enumerate(cases):
        codes = REFUSED if case.resolves_to else {FailureCode.DNS}
        report.add(case.id, _fault(case, outcome, at, codes), wanted=case.allowed)
        _reach(world, report, (case.resolves_to or ()) if case.allowed else ())
    return report.close(world)


# What makes the client ask again, and so look the name up again.


def _redirecting(asked: Asked) -> Answer:
    return Answer(302, (f"Location: /{asked.number}", "Connection: close"), cut=0)


def _overloaded(_asked: Asked) -> Answer:
    return Answer(503, ("Connection: close",), cut=0)


def _cutting(asked: Asked) -> Answer:
    """Send one byte more in each answer, then break off."""
    if not asked.number:
        return Answer(200, (_TAG,), BODY, cut=1)
    part = BODY[asked.number :]
    whole = f"Content-Range: bytes {asked.number}-{len(BODY) - 1}/{len(BODY)}"
    length = f"Content-Length: {len(part)}"
    return Answer(206, (_TAG, whole, length), part, cut=1)


def rebind(world: World) -> Report:
    """Each series of answers, at redirects, at retries and at resumes."""
    report = Report()
    _reach(world, report, [SITE])
    for case in ssrf.cases("rebind"):
        wanted = {FailureCode.ADDRESS_NOT_ALLOWED if any(case.answers[-1]) else FailureCode.DNS}
        if not _is_public(case.answers[0]):
            wanted = {FailureCode.ADDRESS_NOT_ALLOWED}
        faults = [
            fault
            for script in (_redirecting, _overloaded, _cutting)
            if (fault := _rebound(world, case, script, wanted)) is not None
        ]
        report.add(case.id, "; ".join(faults) or None)
    return report.close(world)


def _is_public(answer: Iterable[str]) -> bool:
    return set(answer) == {SITE}


def _rebound(
    world: World, case: ssrf.Case, script: Callable[[Asked], Answer], wanted: set[FailureCode]
) -> str | None:
    """Play one series; say what is wrong."""
    asked_so_far = count()

    def look_up(_host: str, _port: int) -> list[str]:
        answer = case.answers[min(next(asked_so_far), len(case.answers) - 1)]
        return [world.at(one) for one in answer]

    world.begin(script)
    outcome = world.fetch([world.link(f"http://{case.host}/")], look_up)
    failure = outcome.failures.get(0)
    good = sum(1 for _ in takewhile(_is_public, case.answers))
    if failure is None or failure.code not in wanted:
        return f"{script.__name__}: {failure}"
    if len(world.origin.asked) != good:
        return f"{script.__name__}: {len(world.origin.asked)} requests where {good} are right"
    return None


def redirect(world: World) -> Report:
    """Each chain; every name leads to a public site."""
    report = Report()
    _reach(world, report, [SITE])
    for case in ssrf.cases("redirect"):
        report.add(case.id, _redirected(world, case), wanted=case.verdict == "allow")
    return report.close(world)


def _redirected(world: World, case: ssrf.Case) -> str | None:
    endless = case.chain == (f"302 {case.url}",)
    world.begin(partial(_hop, world, case.chain, endless))
    outcome = world.fetch([world.link(case.url)], lambda _host, _port: [world.at(SITE)])
    failure = outcome.failures.get(0)
    asked = world.origin.asked
    if any("authorization" in one.fields for one in asked):
        return "it showed credentials"
    if case.verdict == "allow":
        fetched = outcome.entries.get(0) == BODY
        return None if fetched and len(asked) == len(case.chain) + 1 else f"not fetched: {failure}"
    if case.verdict in {"no follow", "no auth", "block or no follow"}:
        return None if len(asked) == 1 else f"{len(asked)} requests"
    if failure is None or failure.code not in NOT_FOLLOWED:
        return f"not refused: {failure}"
    return None


def _hop(world: World, chain: tuple[str, ...], endless: bool, asked: Asked) -> Answer:  # noqa: FBT001
    if not endless and asked.number >= len(chain):
        return Answer()
    status, _, rest = chain[0 if endless else asked.number].partition(" ")
    if status.startswith("3"):
        return Answer(int(status), (f"Location: {world.link(rest)}",))
    return Answer(int(status), (rest,), hint=rest if rest.startswith("Link") else None)


def webhook(world: World) -> Report:
    """Each webhook of the table, and each address and answer as one, really sent to."""
    report = Report()
    for case in ssrf.cases("webhook"):
        report.add(case.id, _posted(world, case, case.url, []), wanted=case.allowed)
    for case in ssrf.cases("dns"):
        answer = [world.at(one) for one in case.resolves_to or ()]
        fault = _posted(world, case, world.link(f"http://{case.host}/hook"), answer)
        report.add(case.id, fault, wanted=case.allowed)
        _reach(world, report, (case.resolves_to or ()) if case.allowed else ())
    if world.tap is not None:
        for case in ssrf.cases("ip"):
            written = f"http://[{case.ip}]/" if ":" in case.ip else f"http://{case.ip}/"
            by_link = _posted(world, case, written, [])
            by_name = _posted(world, case, "http://hooks.example/", [case.ip])
            report.add(case.id, by_link or by_name, wanted=case.allowed)
            _reach(world, report, [case.ip] if case.allowed else [])
    return report.close(world)


def _posted(world: World, case: ssrf.Case, link: str, answer: list[str]) -> str | None:
    """Send a message as the program does; say what is wrong with what came of it."""
    try:
        url = parse(link)
    except UrlInvalid:
        return "not read" if case.allowed else None
    resolver = Resolver(lambda _host, _port: answer, ttl=0.0, failure_ttl=0.0)
    ca_file = str(world.authority)
    found = Poster(resolver, world.rules, ca_file=ca_file, seconds=5.0).post(url, {}, b"")
    resolver.close()
    if case.allowed:
        return None if found == Answered(200) else f"not sent: {found}"
    if isinstance(found, Answered):
        return "sent"
    codes = REFUSED | ({FailureCode.DNS} if not answer else set())
    return None if found.code in codes else f"failed otherwise: {found}"


def own(world: World) -> Report:
    """Each of this machine's own public addresses: no source, unless the operator opens it."""
    report = Report()
    links = [f"http://[{one}]/" if ":" in one else f"http://{one}/" for one in OWN_ADDRESSES]
    refused = world.fetch(links, lambda _host, _port: [])
    opened = replace(world.rules, allow_networks=parse_networks(",".join(OWN_ADDRESSES)))
    for at, link in enumerate(links):
        failure = refused.failures.get(at)
        right = failure is not None and failure.code is FailureCode.ADDRESS_NOT_ALLOWED
        report.add(link, None if right else f"not refused: {failure}")
    report.leaks = report.close(world).leaks
    world.begin(always)
    fetched = world.fetch(links, lambda _host, _port: [], rules=opened)
    for at, link in enumerate(links):
        right = fetched.entries.get(at) == BODY
        fault = None if right else f"not fetched: {fetched.failures.get(at)}"
        report.add(f"{link}, opened", fault, wanted=True)
    return report
