"""Every byte at its place, whatever comes in whichever order: sizes, interruptions, changes."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.archives import contents, gaps
from tests.fakes.resources import FakeResources, Try, body, head

from packmule.assembly.assembly import Assembly
from packmule.assembly.disk.blocks import BLOCK_BYTES
from packmule.errors import Failure, FailureCode
from packmule.jobs.model import Remembered, Source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from packmule.outbound.fetch import Fetch

SMALL = 256 * 1024
SIZES = st.one_of(
    st.sampled_from([0, 1, 4095, 4096, 4097, SMALL - 1, SMALL, SMALL + 1]),
    st.sampled_from([BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 2 * BLOCK_BYTES]),
    st.integers(0, 20_000),
    st.integers(SMALL, 1_400_000),
)


@dataclass(frozen=True)
class Cut:
    """The connection breaks after this share of the body; then it goes on as said."""

    share: float
    then: str


@dataclass(frozen=True)
class Script:
    """What one origin does."""

    size: int
    announced: bool
    cuts: tuple[Cut, ...]
    fails: bool

    def final_size(self) -> int:
        """Tell the length of the version that is sent at last."""
        return self.size + 1000 * sum(cut.then == "longer" for cut in self.cuts)

    def final(self) -> bytes:
        """Give the body that must be in the archive."""
        return self.version(len([cut for cut in self.cuts if cut.then != "resume"]))

    def version(self, number: int) -> bytes:
        """Give a version of the body; the number counts how often it was replaced."""
        replaced = [cut for cut in self.cuts if cut.then != "resume"][:number]
        size = self.size + 1000 * sum(cut.then == "longer" for cut in replaced)
        return body(size, number)


CUTS = st.builds(Cut, st.floats(0, 1), st.sampled_from(["resume", "changed", "longer"]))
SCRIPTS = st.builds(
    Script,
    SIZES,
    st.booleans(),
    st.lists(CUTS, max_size=3).map(tuple),
    st.sampled_from([False, False, False, True]),
)


def play(fetch: Fetch, script: Script) -> Iterator[bool]:
    """Be the origin of one source; yield after each step, False where it must wait."""
    version = 0
    content = script.version(version)
    attempt = _begin(fetch, script, content, 0)
    for cut in script.cuts:
        goal = max(attempt.at, int(len(content) * cut.share))
        yield from _send(attempt, goal)
        fetch.receiver.rest()
        start = fetch.receiver.kept
        if cut.then != "resume":
            version += 1
            content, start = script.version(version), 0
        attempt = _begin(fetch, script, content, start)
    if script.fails:
        fetch.receiver.fail(Failure(FailureCode.TRUNCATED, "the script says so"))
        return
    yield from _send(attempt, len(content))
    fetch.receiver.finish()


def _begin(fetch: Fetch, script: Script, content: bytes, start: int) -> Try:
    total = len(content) if script.announced else None
    return Try(fetch, content).begin(head(total), start, total)


def _send(attempt: Try, goal: int) -> Iterator[bool]:
    while attempt.at < goal:
        attempt.piece = min(16 * 1024, goal - attempt.at)
        yield attempt.step()


def interleave(resources: FakeResources, assembly: Assembly, plays: list[Iterator[bool]]) -> None:
    """Let eight at a time take steps in an order of the generator's choice, to their end."""
    chance = random.Random(len(plays))
    waiting = list(plays)
    active: list[Iterator[bool]] = []
    refused = 0
    while waiting or active:
        while waiting and len(active) < 8:
            active.append(waiting.pop(0))
        chosen = chance.choice(active)
        for _ in range(chance.randrange(1, 40)):
            step = next(chosen, None)
            refused = 0 if step else refused + 1
            if step is None:
                active.remove(chosen)
                break
            if not step:
                break
        if refused > 4 * len(active) or chance.random() < 0.05:
            # All wait for room, or for a checkpoint that forgets what they overwrite.
            assembly.checkpoint()
            assembly.recorded()
            resources.writer.wait()
            resources.loop.turn()


def assembled(path: Path, scripts: list[Script], blocks: int) -> dict[str, bytes]:
    """Assemble what these origins send; give what a reader finds."""
    resources = FakeResources(blocks)
    try:
        sources = [Source(n, f"http://127.0.0.1/{n}", f"{n}.bin") for n, _ in enumerate(scripts)]
        assembly = Assembly(sources, Remembered(), path, resources.real)
        assembly.start()
        (fetches,) = resources.loop.fetches.values()
        plays = [play(fetch, script) for fetch, script in zip(fetches, scripts, strict=True)]
        interleave(resources, assembly, plays)
        assembly.stop()
        assert assembly.error is None
        assert assembly.is_resolved
        finished, size = assembly.finish()
        assembly.close()
        assert finished.stat().st_size == size
        assert gaps(finished) == []
        assert resources.pool.all_back
        return contents(finished)
    finally:
        resources.close()


@pytest.mark.timeout(300)
@given(st.lists(SCRIPTS, min_size=1, max_size=12), st.sampled_from([1, 2, 3, 8]))
def test_every_byte_is_right_whatever_comes(
    tmp_path_factory: pytest.TempPathFactory, scripts: list[Script], blocks: int
) -> None:
    found = assembled(tmp_path_factory.mktemp("archive") / "a.zip", scripts, blocks)
    told = found.pop("_missing.txt", b"").count(b"\ncode: ")
    assert told == sum(script.fails for script in scripts)
    assert list(found) == [f"{n}.bin" for n, script in enumerate(scripts) if not script.fails]
    for n, script in enumerate(scripts):
        if not script.fails:
            assert found[f"{n}.bin"] == script.final(), script
