"""Random faults, restarts in between: one version whole, or a named failure.

A client drives the state machine as the loop does. It counts tries by itself and knows from the
model of the origin what must be held, so it can tell a splice, a byte asked for twice, a try too
many and a delay out of bounds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.outbound.faulty_origin import KINDS, Answer, Fault, Origin, answer

from packmule.errors import FailureCode
from packmule.outbound.outcomes import (
    DiscardBody,
    Fail,
    Finished,
    Follow,
    Retry,
    TakeBody,
    TryFailed,
)
from packmule.outbound.transfer import (
    OVERLAP_DIFFERS,
    START,
    Limits,
    TransferState,
    begin,
    conclude,
    judge,
    range_fields,
)

LIMITS = Limits(
    attempts=4,
    least_progress=16,
    redirects=3,
    first_delay=0.5,
    longest_delay=2.0,
    longest_retry_after=5.0,
    overlap=32,
    least_overlap=16,
)
NOW = 1_772_445_600.0
LASTING = frozenset({FailureCode.CHANGED, FailureCode.BAD_RESPONSE, FailureCode.REDIRECTS})


@dataclass
class Client:
    """Drives the state machine as the loop does, and checks each step against the model."""

    origin: Origin
    state: TransferState = START
    held: bytearray = field(default_factory=bytearray)
    most: int = 0
    fruitless: int = 0
    requests: int = 0
    must_resume: bool = False
    distrusts: bool = False
    wrapped: bool = False
    probing: bool = False
    is_free: bool = False
    last: Answer = field(default_factory=lambda: Answer(None))

    def ask(self, fault: Fault | None) -> Retry | Fail | Finished | Follow:
        """Make one request, and tell what it leads to."""
        if fault is not None and fault.changed:
            self.origin.change(by=7 * (fault.at % 2))
        must_resume = self.must_resume and bool(self.held)
        if self.probing and (len(self.held) < LIMITS.least_overlap or self.state.total is None):
            must_resume = False
        self.state = begin(self.state, LIMITS)
        if self.state.kept == 0:
            self.held.clear()
        assert self.state.kept == len(self.held)
        fields = dict(line.decode().split(": ") for line in range_fields(self.state, LIMITS))
        start, condition = None, fields.get("If-Range")
        if fields:
            first = len(self.held)
            if condition is None:  # the bytes before the cut come again
                assert len(self.held) >= LIMITS.least_overlap
                assert self.probing or not {"tag", "date"} & self.origin.validators
                first = max(0, first - LIMITS.overlap)
            else:
                assert not self.probing
                assert not condition.startswith("W/")
            assert fields["Range"] == f"bytes={first}-"
            assert not self.distrusts, (
                "a part is asked for again of an origin that gave a wrong one"
            )
            start = first
        else:
            assert not must_resume, "the whole is asked for, though a part would do"
            assert not self.held
        self.requests += 1
        self.is_free = False
        self.last = answer(self.origin, fault, start, condition)
        outcome = self._read(self.last)
        self._count(outcome)
        return outcome

    def _read(self, got: Answer) -> Retry | Fail | Finished | Follow:
        broken: TryFailed | None = got.broken
        if got.head is not None:
            self.state, verdict = judge(self.state, got.head, LIMITS, now=NOW)
            if isinstance(verdict, DiscardBody):
                if isinstance(verdict.after, Retry) and got.head.status in {200, 206, 416}:
                    if verdict.after.fruitful:
                        assert not self.probing, "an origin is probed a second time"
                        self.probing = self.is_free = True
                    else:
                        self.must_resume, self.distrusts = False, True
                return verdict.after
            assert isinstance(verdict, TakeBody)
            assert verdict.start in {0, len(self.held)}
            self.origin.told = verdict.total is not None
            if verdict.start == 0:
                sure = bool({"tag", "date"} & self.origin.validators)
                self.wrapped = "content-encoding" in got.head.fields
                page = got.head.content_type == "text/html"
                self.distrusts = self.state.distrust_ranges
                self.must_resume = sure and not page and not self.distrusts
            body = got.body
            if verdict.repeated:
                again, body = body[: verdict.repeated], body[verdict.repeated :]
                at = len(self.held) - verdict.repeated
                if again != self.held[at : at + len(again)]:
                    body, broken = b"", OVERLAP_DIFFERS
            del self.held[verdict.start :]
            self.held += body
        self.state, outcome = conclude(self.state, len(self.held), broken, LIMITS)
        if isinstance(outcome, Retry) and outcome.cause.code is FailureCode.CHANGED:
            self.must_resume, self.distrusts = False, True
        return outcome

    def _count(self, outcome: Retry | Fail | Finished | Follow) -> None:
        """Count as the contract says: progress is beyond all that was ever held, and no drip."""
        if isinstance(outcome, Finished | Follow):
            return
        cause = outcome.cause if isinstance(outcome, Retry) else outcome.failure
        no_progress = {FailureCode.STALLED, FailureCode.CHANGED}
        gained = len(self.held) - self.most if cause.code not in no_progress else 0
        cheap = self.is_free or (isinstance(outcome, Retry) and outcome.busy)
        if gained >= LIMITS.least_progress:
            self.fruitless = 1
        else:
            self.fruitless += not cheap
        if cause.code is not FailureCode.CHANGED:  # else they are not trusted
            self.most = max(self.most, len(self.held))
        if isinstance(outcome, Fail):
            too_late = "asks to come back" in cause.detail
            assert self.fruitless >= LIMITS.attempts or cause.code in LASTING or too_late
            return
        assert self.fruitless < LIMITS.attempts
        if outcome.named_by_origin:
            assert self.last.head is not None
            named = float(self.last.head.fields["retry-after"])
            assert outcome.delay == max(named, LIMITS.first_delay)
            assert named <= LIMITS.longest_retry_after
        else:
            doubled = LIMITS.first_delay * 2 ** max(0, self.fruitless - 1)
            usual = min(LIMITS.longest_delay, doubled)
            assert outcome.delay == usual or (outcome.delay == 0.0 and outcome.fruitful)

    def lose(self, fault: Fault) -> None:
        """Let bytes go between tries, as little memory or a kill does."""
        kept = max(0, len(self.held) - fault.forgotten)
        if fault.restarted and self.wrapped:
            kept = 0  # a checkpoint knows of no coding, so nothing of it is kept
        del self.held[kept:]
        self.state = self.state._replace(kept=kept)
        if fault.restarted:
            s = self.state
            self.state = TransferState(kept, s.total, s.etag, s.last_modified, s.content_type, kept)
            self.most, self.fruitless, self.distrusts, self.probing = kept, 0, False, False


FAULTS = st.builds(
    Fault,
    kind=st.sampled_from(KINDS),
    at=st.integers(0, 1000),
    changed=st.sampled_from([False, False, True]),
    forgotten=st.sampled_from([0, 0, 0, 1, 5, 40, 1000]),
    restarted=st.sampled_from([False, False, False, True]),
)
VALIDATORS = [
    frozenset({"tag"}),
    frozenset({"tag", "date"}),
    frozenset({"date"}),
    frozenset({"weak", "date"}),
    frozenset({"weak"}),
    frozenset[str](),
]
ORIGINS = st.builds(
    Origin,
    size=st.sampled_from([0, 1, 15, 16, 17, 100, 333]),
    validators=st.sampled_from(VALIDATORS),
)


def play(origin: Origin, faults: list[Fault]) -> None:
    """Play faults, then an origin that is well, to the end; check what came of it."""
    client = Client(origin)
    bound = len(faults) + LIMITS.attempts + LIMITS.redirects
    for number in count():
        assert number <= bound, "there is no end to its tries"
        fault = faults[number] if number < len(faults) else None
        outcome = client.ask(fault)
        if isinstance(outcome, Finished):
            assert bytes(client.held) == origin.data
            return
        if isinstance(outcome, Fail):
            assert outcome.failure.attempts == client.state.attempts > 0
            assert outcome.failure.detail
            return
        if fault is not None and not isinstance(outcome, Follow):
            client.lose(fault)


@settings(max_examples=10 * settings().max_examples)
@given(ORIGINS, st.lists(FAULTS, max_size=12))
def test_whatever_an_origin_does_a_file_is_one_version_or_its_failure_is_named(
    origin: Origin, faults: list[Fault]
) -> None:
    play(origin, faults)


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("kind", ["cut", "chunks"])
@pytest.mark.parametrize("at", [300, 1000])
@pytest.mark.parametrize("validators", VALIDATORS)
def test_another_version_of_the_same_length_is_never_joined_though_if_range_is_ignored(
    validators: frozenset[str], at: int, kind: str, *, restarted: bool
) -> None:
    first = Fault(kind, at, restarted=restarted)
    play(Origin(100, validators), [first, Fault("careless", changed=True)])


@settings(max_examples=2 * settings().max_examples)
@given(st.lists(st.integers(16, 90), min_size=1, max_size=30))
def test_cuts_with_progress_in_between_cost_no_byte_twice_and_no_patience(steps: list[int]) -> None:
    origin = Origin(2700, frozenset({"tag"}))
    client, sent = Client(origin), 0
    for step in steps:
        left = origin.size - len(client.held)
        at = -(-step * 1000 // left)  # rounded up: at least `step` bytes come
        outcome = client.ask(Fault("cut", at))
        sent += len(client.last.body)
        if isinstance(outcome, Finished):
            break
        assert isinstance(outcome, Retry)
        assert outcome.fruitful
    else:
        assert isinstance(client.ask(None), Finished)
        sent += len(client.last.body)
    assert bytes(client.held) == origin.data
    assert sent == origin.size


@given(st.integers(1, 20), st.sampled_from(["silent", "error", "stall", "unwilling"]))
def test_without_progress_the_tries_are_as_many_as_the_limit(faults: int, kind: str) -> None:
    client = Client(Origin(100, frozenset({"tag"})))
    for number in count(1):
        fault = Fault("busy", 4) if kind == "error" else Fault(kind, 300 * (kind == "stall"))
        outcome = client.ask(fault if number <= faults else None)
        if not isinstance(outcome, Retry):
            break
    assert client.requests == min(faults + 1, LIMITS.attempts)
    assert isinstance(outcome, Fail if faults >= LIMITS.attempts else Finished)
