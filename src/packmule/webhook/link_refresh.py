"""Ask the operator's service for new links in place of those that have expired.

Owns the question, the answer, and their bounds: each question names at most `MOST_LINKS` files, is
sent at most `TRIES` times, and all of a job's questions at a time end within `SECONDS`. The
question is signed like a webhook (`signing.py`). A new link passes the checks of links in `create`;
its addresses pass the guard when it is fetched. No link is ever logged.

    POST  {"type": "links.expired", "timestamp": …, "data": {"archive_hash": …, "links": [
              {"position": 3, "url": "https://…", "name": "a.mp4" or null}]}}
    200   {"urls": {"3": "https://…"}}
"""

from __future__ import annotations

import json
import logging
import secrets
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from packmule.jobs.storable_text import why_unstorable
from packmule.outbound import urls
from packmule.outbound.outcomes import TryFailed
from packmule.outbound.share_links import rewritten
from packmule.outbound.urls import UrlInvalid
from packmule.telemetry.metrics import LINK_REFRESHES
from packmule.webhook.signing import headers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from threading import Event

    from packmule.jobs.reads import FailedLink
    from packmule.outbound.addresses import AddressRules
    from packmule.outbound.outcomes import Answered
    from packmule.outbound.post import Poster
    from packmule.outbound.urls import Url
    from packmule.webhook.signing import Secrets

_log = logging.getLogger(__name__)

MOST_LINKS = 100
TRIES = 3
SECONDS = 60.0
MOST_BODY = 2 * 1024 * 1024

_CONTENT = {"content-type": "application/json"}
_OK = 200
_LATER = frozenset({408, 425, 429})
_SERVER_ERROR = 500
_FIRST_PAUSE = 1.0


@dataclass(frozen=True, slots=True)
class LinkRefresher:
    """Asks one service, at `url`. `clock` gives seconds since the epoch, `steady` never jumps."""

    url: Url = field(repr=False)
    poster: Poster
    secrets: Secrets = field(repr=False)
    rules: AddressRules
    max_url_length: int
    rewrites: frozenset[str]
    clock: Callable[[], float] = time.time
    steady: Callable[[], float] = time.monotonic

    def refresh(self, hash_: str, links: Sequence[FailedLink], stop: Event) -> dict[int, str]:
        """Return new links by position, for as many of the files as the service has any.

        Ends early once `stop` is set.
        """
        until = self.steady() + SECONDS
        found: dict[int, str] = {}
        for at in range(0, len(links), MOST_LINKS):
            some = links[at : at + MOST_LINKS]
            body = self._question(hash_, some)
            answer = self._ask(body, until, stop)
            if answer is None:
                break
            found |= self._usable(some, answer)
        LINK_REFRESHES.inc("received", by=len(found))
        LINK_REFRESHES.inc("missing", by=len(links) - len(found))
        _log.info("links refreshed asked=%d received=%d", len(links), len(found))
        return found

    def _question(self, hash_: str, links: Sequence[FailedLink]) -> bytes:
        now = datetime.fromtimestamp(self.clock(), UTC).isoformat().replace("+00:00", "Z")
        data = {"archive_hash": hash_, "links": [link._asdict() for link in links]}
        question = {"type": "links.expired", "timestamp": now, "data": data}
        return json.dumps(question, ensure_ascii=False).encode()

    def _ask(self, body: bytes, until: float, stop: Event) -> Mapping[str, Any] | None:
        """Send a question until there is an answer; None where there is none."""
        name, pause = f"msg_{secrets.token_hex(16)}", _FIRST_PAUSE
        for _ in range(TRIES):
            if stop.is_set() or self.steady() >= until:
                return None
            signed = headers(self.secrets, name, int(self.clock()), body)
            answer = self.poster.post(self.url, _CONTENT | signed, body, keep=MOST_BODY)
            found = _read(answer)
            if not isinstance(found, str):
                return found
            _log.warning("link refresh failed reason=%s", found)
            if not _may_come_later(answer):
                return None
            asked_for = None if isinstance(answer, TryFailed) else answer.retry_after
            pause = max(pause, asked_for or 0.0)
            if self.steady() + pause >= until or stop.wait(pause):
                return None
            pause *= 4
        return None

    def _usable(self, links: Sequence[FailedLink], answer: Mapping[str, Any]) -> dict[int, str]:
        """Return the links of an answer that were asked for, are new, and may be fetched."""
        found: dict[int, str] = {}
        for link in links:
            new = answer.get(str(link.position))
            if not isinstance(new, str) or new == link.url:
                continue
            if (fault := self._fault_of(new)) is None:
                found[link.position] = new
            else:
                _log.warning("new link refused position=%d reason=%s", link.position, fault)
        return found

    def _fault_of(self, link: str) -> str | None:
        """Say why a link cannot be used, without repeating it; None if it can."""
        if (unfit := why_unstorable(link)) is not None:
            return f"it {unfit}"
        try:
            url = urls.parse(rewritten(link, self.rewrites), max_length=self.max_url_length)
        except UrlInvalid as error:
            return error.detail
        refused = urls.refusal(url, self.rules)
        return None if refused is None else refused[0].value


def _read(answer: Answered | TryFailed) -> Mapping[str, Any] | str:
    """Return the links of an answer by position, or why there are none."""
    if isinstance(answer, TryFailed):
        return answer.detail
    if answer.status != _OK:
        return f"the service answered {answer.status}"
    try:
        found = json.loads(answer.body)["urls"]
    except (ValueError, KeyError, TypeError, RecursionError):
        found = None
    if not isinstance(found, dict):
        return "the response is not JSON with an object `urls`"
    return found


def _may_come_later(answer: Answered | TryFailed) -> bool:
    if isinstance(answer, TryFailed):
        return not answer.lasting
    return answer.status in _LATER or answer.status >= _SERVER_ERROR
