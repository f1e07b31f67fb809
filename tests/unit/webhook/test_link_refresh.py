"""Asking for new links: in batches, signed, within a time, and not while the process ends."""

from __future__ import annotations

import json
from threading import Event
from typing import TYPE_CHECKING, Any

from tests.fakes.clock import FakeClock
from tests.fakes.receiver import SECRET, Answer, Received, Receiver

from packmule.jobs.reads import FailedLink
from packmule.outbound.addresses import AddressRules
from packmule.outbound.post import Poster
from packmule.outbound.resolver import Resolver
from packmule.outbound.urls import parse
from packmule.webhook.link_refresh import MOST_LINKS, SECONDS, LinkRefresher
from packmule.webhook.signing import parse_secrets

if TYPE_CHECKING:
    from collections.abc import Callable

HASH = "0123456789abcdef0123456789abcdef"


def links(count: int) -> list[FailedLink]:
    return [FailedLink(n, f"https://old.example/{n}?Expires=1", None) for n in range(count)]


def refresher(receiver: Receiver, **more: Any) -> LinkRefresher:
    return LinkRefresher(
        url=parse(receiver.url),
        poster=Poster(Resolver(ttl=0.0), None, seconds=10.0),
        secrets=parse_secrets(SECRET),
        rules=AddressRules(),
        max_url_length=100,
        rewrites=frozenset(),
        **more,
    )


def asked(received: Received) -> list[int]:
    return [link["position"] for link in received.document["data"]["links"]]


def renewed(received: Received) -> Answer:
    """Answer with a new link for every file."""
    urls = {str(n): f"https://new.example/{n}" for n in asked(received)}
    return Answer(200, body=json.dumps({"urls": urls}).encode())


def test_many_links_are_asked_for_in_several_questions() -> None:
    with Receiver(renewed) as receiver:
        found = refresher(receiver).refresh(HASH, links(2 * MOST_LINKS + 1), Event())
        assert found == {n: f"https://new.example/{n}" for n in range(2 * MOST_LINKS + 1)}
        assert [len(asked(each)) for each in receiver.received] == [MOST_LINKS, MOST_LINKS, 1]
        assert len({each.id for each in receiver.received}) == 3
        assert receiver.wrong == []


def test_a_link_that_is_too_long_or_leads_inside_is_left_out() -> None:
    urls = {
        "0": "https://new.example/" + "x" * 100,
        "1": "http://127.0.0.1/",
        "2": "https://n.example/",
    }
    with Receiver(lambda _: Answer(200, body=json.dumps({"urls": urls}).encode())) as receiver:
        found = refresher(receiver).refresh(HASH, links(3), Event())
    assert found == {2: "https://n.example/"}


def answers_after(clock: FakeClock, seconds: float) -> Callable[[Received], Answer]:
    def answer(received: Received) -> Answer:
        clock.advance(seconds)
        return renewed(received)

    return answer


def test_once_the_time_is_over_no_further_question_is_sent() -> None:
    clock = FakeClock()
    with Receiver(answers_after(clock, SECONDS)) as receiver:
        found = refresher(receiver, steady=clock).refresh(HASH, links(MOST_LINKS + 1), Event())
        assert sorted(found) == list(range(MOST_LINKS))
        assert len(receiver.received) == 1


def test_a_pause_that_would_take_too_long_is_not_made() -> None:
    busy = Answer(503, (("Retry-After", "3600"),))
    with Receiver(lambda _: busy) as receiver:
        assert refresher(receiver).refresh(HASH, links(1), Event()) == {}
        assert len(receiver.received) == 1


def test_a_process_that_is_to_end_asks_nothing() -> None:
    stop = Event()
    stop.set()
    with Receiver(renewed) as receiver:
        assert refresher(receiver).refresh(HASH, links(1), stop) == {}
        assert receiver.received == []
