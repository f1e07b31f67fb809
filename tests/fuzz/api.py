"""Requests made up from the OpenAPI document, sent to the running program.

Owns what is sent and what every answer is held to: no 5xx, and an answer that the document allows.
The document knows no hash that exists and no link that can be fetched, so half of the requests get
one of each. Leaves making up values to schemathesis, starting the program to its caller.
"""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING, Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode, checks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hypothesis.strategies import DataObject
    from schemathesis import Case
    from tests.spec.service import Service

CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
_LONGEST_WAIT = 0.05
_HASHES = 10  # kept at most
_MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)


class ApiFuzzer:
    """Sends requests to one running program and counts them by status."""

    def __init__(self, service: Service, links: Sequence[str]) -> None:
        self.statuses: Counter[int] = Counter()
        self._service = service
        self._links = list(links)
        self._hashes = [
            service.completed(*links[:1]),
            service.create(f"{links[0]}/missing"),
            service.create(*links),
        ]
        self._some_links = st.lists(st.sampled_from(self._links), min_size=1, max_size=3)
        self._session = requests.Session()
        self._session.trust_env = False

    @property
    def sent(self) -> int:
        """Count the requests that were sent and answered as they should be."""
        return self.statuses.total()

    def run(self, examples: int) -> None:
        """Send at least so many requests, spread over all operations; raises at the first fault."""
        document = schemathesis.openapi.from_url(f"{self._service.url}/openapi.json")
        # One that schemathesis cannot read has no `ok`, and ends this.
        found: Any = document.get_all_operations()
        operations = [each.ok() for each in found]
        kinds = [(each, mode) for mode in _MODES for each in operations]
        while self.sent < examples and kinds:
            share = -(-(examples - self.sent) // len(kinds))
            kinds = [kind for kind in kinds if self._fuzz(*kind, share)]

    def _fuzz(self, operation: Any, mode: GenerationMode, share: int) -> bool:
        """Send up to so many requests; False where nothing of the kind can be made up."""
        goal = self.sent + share

        @settings(
            max_examples=share,
            deadline=None,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
            print_blob=False,
        )
        @seed(random.getrandbits(64))  # a new one each time, and no word about it
        @given(case=operation.as_strategy(generation_mode=mode), data=st.data())
        def send(case: Case[Any], data: DataObject) -> None:
            if self.sent < goal:
                self._send(case, data)

        before = self.sent
        try:
            send()
        except Unsatisfiable:
            # A parameter that is any string cannot be a wrong one.
            if mode is GenerationMode.POSITIVE:
                raise
            return False
        return self.sent > before

    def _send(self, case: Case[Any], data: DataObject) -> None:
        # What is drawn depends on no answer: Hypothesis may begin the same example again.
        has_job, has_links = data.draw(st.booleans()), data.draw(st.booleans())
        which, kept = data.draw(st.integers(0, _HASHES - 1)), data.draw(st.integers(1, _HASHES - 1))
        links = data.draw(self._some_links)
        if "archive_hash" in case.path_parameters and has_job:
            case.path_parameters["archive_hash"] = self._hashes[which % len(self._hashes)]
            self._wait_briefly(case.query)
        body = case.body
        if isinstance(body, dict) and isinstance(body.get("urls"), list) and has_links:
            body["urls"] = [*links]
        answer = case.call(base_url=self._service.url, session=self._session, timeout=60)
        case.validate_response(answer, checks=CHECKS)
        self.statuses[answer.status_code] += 1
        if answer.status_code == requests.codes.accepted and "archive_hash" in answer.json():
            self._hashes[kept:] = [answer.json()["archive_hash"]]

    def _wait_briefly(self, query: Any) -> None:
        """Let no long poll be long."""
        wait = query.get("wait") if isinstance(query, dict) else None
        if isinstance(wait, int | float) and wait > _LONGEST_WAIT:
            query["wait"] = _LONGEST_WAIT
