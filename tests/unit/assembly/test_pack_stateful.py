"""Any sequence of runs, interruptions, crashes and other requests ends in the right archive.

Each step is a run of `pack` into the same archive, for one of a few requests, which is left alone,
stopped, killed, cut off the power or given a full disk at any of its operations on files; or
somebody meddles with what a run has left. Whatever happened: `out.zip`, where there is one, is a
whole archive of what was asked for; only errors for people are raised; and a run that is left
alone, for whichever request, would always end in the archive, which is tried in copies of the
folder.
"""

from __future__ import annotations

import random
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from tests.fakes.crashes import Crash, Kind, lay_out
from tests.unit.assembly.packing_bench import SIZES, Bench

from packmule.errors import PackmuleError
from packmule.jobs.model import OnError, OnHtml

if TYPE_CHECKING:
    from collections.abc import Iterator

REQUESTS = (
    ("small.bin", "placed.bin", "large.bin", "kept.bin", "empty.bin"),
    ("large.bin", "placed.bin", "film.mp4"),
    ("gone.bin", "placed.bin", "film.mp4", "small.bin"),
)
PAGES = {"film.mp4"}
GONE = {"gone.bin"}

requests = st.sampled_from(REQUESTS)
held = st.sampled_from([None, "placed.bin", "large.bin"])
kinds = st.sampled_from(Kind)
operations = st.lists(st.integers(0, 24), min_size=1, max_size=4, unique=True)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with Bench(tmp_path_factory.mktemp("first")) as made:
        yield made


class Runs(RuleBasedStateMachine):
    bench: Bench

    def __init__(self) -> None:
        super().__init__()
        self.bench.use(Path(tempfile.mkdtemp(dir=self.bench.folder.parent)))
        self.request: tuple[str, ...] = REQUESTS[0]
        self.on_html = OnHtml.REPORT
        # What `out.zip` may be: an archive of one of these requests.
        self.archives: list[tuple[tuple[str, ...], OnHtml]] = []

    def pack(
        self,
        request: tuple[str, ...],
        on_html: OnHtml,
        on_error: OnError = OnError.SKIP,
        *,
        hold: str | None = None,
        stop_after: int | None = None,
        crash: Crash | None = None,
    ) -> None:
        self.request, self.on_html = request, on_html
        if hold in request:
            self.bench.hold(str(hold), 150_000)
            stop_after = stop_after or 4
        archive = (request, on_html)
        try:
            packed = self.bench.pack(
                self.bench.sources(*request), on_error=on_error, on_html=on_html,
                stop_after=stop_after, crash=crash,
            )  # fmt: skip
        except PackmuleError:
            self.archives.append(archive)
        else:
            crashed = crash is not None and crash.happened
            if crashed:
                self.archives.append(archive)
            elif packed.size is not None:
                self.archives = [archive]
                assert [path.name for path in self.bench.folder.iterdir()] == ["out.zip"]
        finally:
            self.bench.release()

    @rule(request=requests, on_html=st.sampled_from(OnHtml), on_error=st.sampled_from(OnError))
    def run_to_the_end(self, request: tuple[str, ...], on_html: OnHtml, on_error: OnError) -> None:
        self.pack(request, on_html, on_error)

    @rule(request=requests, on_html=st.sampled_from(OnHtml), hold=held, after=st.integers(1, 4))
    def stop(self, request: tuple[str, ...], on_html: OnHtml, hold: str | None, after: int) -> None:
        self.pack(request, on_html, hold=hold, stop_after=after)
        self.try_each_request()

    @rule(
        request=requests, on_html=st.sampled_from(OnHtml), hold=held, kind=kinds, at=operations,
        seed=st.integers(0, 10**6),
    )  # fmt: skip
    def crash(
        self,
        *,
        request: tuple[str, ...],
        on_html: OnHtml,
        hold: str | None,
        kind: Kind,
        at: list[int],
        seed: int,
    ) -> None:
        before = self.request
        crash = Crash(self.bench.folder, kind, at, random.Random(seed))
        self.pack(request, on_html, hold=hold, crash=crash)
        for files in crash.copies:
            self.try_in_a_copy(files, before)
            self.try_in_a_copy(files, request)

    @rule(name=st.sampled_from(sorted(SIZES)))
    def change_a_file(self, name: str) -> None:
        self.bench.change(f"{name}.bin")

    @rule(length=st.sampled_from([None, 0, 100_000, 400_000]))
    def lose_of_the_part(self, length: int | None) -> None:
        if not self.bench.part.exists():
            return
        if length is None:
            self.bench.part.unlink()
        else:
            self.bench.part.write_bytes(self.bench.part.read_bytes()[:length])
        self.try_each_request()

    @invariant()
    def an_archive_is_whole_and_of_what_was_asked_for(self) -> None:
        if self.bench.out.exists():
            self.bench.check_any([(names, left_out(on_html)) for names, on_html in self.archives])

    def try_each_request(self) -> None:
        files = {path.name: path.read_bytes() for path in self.bench.folder.iterdir()}
        for request in REQUESTS:
            self.try_in_a_copy(files, request)

    def try_in_a_copy(self, files: dict[str, bytes], request: tuple[str, ...]) -> None:
        """Fail unless a run that is left alone would end in the right archive."""
        folder = self.bench.folder
        self.bench.use(Path(tempfile.mkdtemp(dir=folder.parent)))
        lay_out(files, self.bench.folder)
        self.bench.out.unlink(missing_ok=True)
        sources = self.bench.sources(*request)
        self.bench.pack(sources, on_error=OnError.SKIP, on_html=self.on_html)
        self.bench.check_any([(request, left_out(self.on_html))])
        shutil.rmtree(self.bench.folder)
        self.bench.use(folder)

    def teardown(self) -> None:
        shutil.rmtree(self.bench.folder)


def left_out(on_html: OnHtml) -> set[str]:
    """List what is never in an archive."""
    return GONE | (PAGES if on_html is OnHtml.FAIL else set())


def test_whatever_came_before_a_run_that_is_left_alone_ends_in_the_right_archive(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Runs, "bench", bench, raising=False)
    examples = max(1, settings().max_examples // 2)
    run_state_machine_as_test(Runs, settings=settings(max_examples=examples, stateful_step_count=5))
