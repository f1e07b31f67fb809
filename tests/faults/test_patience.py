"""Patience over real sockets: an origin that names a time is heard, a dying one is not hammered."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from email.utils import formatdate
from typing import TYPE_CHECKING

import pytest
from tests.faults.objects import serve, version
from tests.faults.origin import Origin
from tests.faults.packing import LIMITS, LOOP, run

from packmule.errors import FailureCode

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.faults.origin import Exchange

BODY = version("patience", 5000)


@pytest.mark.parametrize("form", ["seconds", "date", "date by another clock"])
@pytest.mark.parametrize("status", [429, 503])
def test_a_time_that_the_origin_names_is_kept(form: str, status: int, tmp_path: Path) -> None:
    asked_at: list[float] = []

    def script(x: Exchange) -> None:
        asked_at.append(time.monotonic())
        if x.number:
            return serve(x, BODY)
        now = int(time.time()) + (7200 if form == "date by another clock" else 0)
        later = "1" if form == "seconds" else formatdate(now + 1, usegmt=True)
        date = f"Date: {formatdate(now, usegmt=True)}"
        return x.head(status, f"Retry-After: {later}", date, "Content-Length: 0")

    with Origin(script) as origin:
        assert run([origin.url()], tmp_path / "out.zip").entries == {"0": BODY.data}
    # Our own back-off would be 0.02 s.
    assert asked_at[1] - asked_at[0] >= 1.0


@pytest.mark.parametrize("status", [429, 503])
def test_a_time_that_is_too_far_fails_all_files_of_the_host_at_once(
    status: int, tmp_path: Path
) -> None:
    def script(x: Exchange) -> None:
        x.head(status, "Retry-After: 86400", "Content-Length: 0")

    with Origin(script) as origin:
        outcome = run([origin.url(f"/{n}") for n in range(60)], tmp_path / "out.zip")
    assert len(outcome.failures) == 60
    assert "86,400 s" in outcome.failures[0].detail
    assert len(origin.asked) < 60


def test_a_busy_host_is_waited_for_however_often_it_says_so(tmp_path: Path) -> None:
    """Ten times as many refusals as tries: each file is refused until its turn comes."""
    served, lock = [0], threading.Lock()

    def script(x: Exchange) -> None:
        with lock:
            served[0] += 1
            good = served[0] % 10 == 0
        if good:
            return serve(x, BODY)
        return x.head(429, "Content-Length: 0")

    with Origin(script) as origin:
        outcome = run([origin.url(f"/{n}") for n in range(8)], tmp_path / "out.zip")
    assert outcome.failures == {}
    assert len(outcome.entries) == 8


@pytest.mark.parametrize("end", ["500", "cut"])
def test_a_dying_host_costs_no_more_than_its_budget_of_retries(end: str, tmp_path: Path) -> None:
    files, budget = 40, 10
    origin = _asked_for(files, _dying(end), budget, tmp_path)
    assert files <= len(origin.asked) <= files + budget


def test_a_host_that_is_well_pays_for_the_tries_of_its_files(tmp_path: Path) -> None:
    """Each third file fails once: twice as many retries as the budget, and none is refused."""
    files, budget = 60, 10

    def script(x: Exchange) -> None:
        if x.number or int(x.target[1:]) % 3:
            return serve(x, BODY)
        return x.head(500, "Content-Length: 0")

    with Origin(script) as origin:
        links = [origin.url(f"/{n}") for n in range(files)]
        loop = replace(LOOP, limits=replace(LIMITS, host_retries=budget))
        outcome = run(links, tmp_path / "out.zip", loop=loop)
    assert outcome.failures == {}
    assert len(outcome.entries) == files


def test_a_dying_host_takes_no_other_host_with_it(tmp_path: Path) -> None:
    with Origin(_dying("500")) as dying, Origin(lambda x: serve(x, BODY)) as good:
        links = [dying.url(f"/{n}") for n in range(20)] + [good.url(f"/{n}") for n in range(20)]
        loop = replace(LOOP, limits=replace(LIMITS, host_retries=5))
        outcome = run(links, tmp_path / "out.zip", loop=loop)
    assert sorted(outcome.failures) == list(range(20))
    assert all(outcome.entries[str(n)] == BODY.data for n in range(20, 40))


def test_a_host_that_falls_silent_is_given_up_for_all_its_files(tmp_path: Path) -> None:
    files = 60
    with Origin(lambda x: x.close()) as origin:
        links = [origin.url(f"/{n}") for n in range(files)]
        outcome = run(links, tmp_path / "out.zip")
    assert {one.code for one in outcome.failures.values()} == {FailureCode.BAD_RESPONSE}
    assert len(outcome.failures) == files
    assert len(origin.asked) < files


def test_a_host_in_trouble_is_asked_for_less_at_once(tmp_path: Path) -> None:
    open_now, most, lock = 0, [0], threading.Lock()

    def script(x: Exchange) -> None:
        nonlocal open_now
        with lock:
            open_now += 1
            most.append(open_now)
        x.pause(0.02)
        with lock:
            open_now -= 1
        x.head(500, "Content-Length: 0")

    _asked_for(40, script, 10, tmp_path)
    assert max(most) <= LOOP.transfers_per_host
    assert most[-1] == 1


def _dying(end: str) -> Callable[[Exchange], None]:
    def script(x: Exchange) -> None:
        if end == "500":
            return x.head(500, "Content-Length: 0")
        x.head(200, "Content-Length: 5000")
        x.body(BODY.data[:100])
        return x.close()

    return script


def _asked_for(files: int, script: Callable[[Exchange], None], budget: int, folder: Path) -> Origin:
    """Ask for many files of a host that has no budget for their retries; all must fail."""
    with Origin(script) as origin:
        links = [origin.url(f"/{n}") for n in range(files)]
        loop = replace(LOOP, limits=replace(LIMITS, host_retries=budget))
        outcome = run(links, folder / "out.zip", loop=loop)
    assert len(outcome.failures) == files
    return origin
