"""A worker that ends finishes what ends in time, and hands over the rest at once."""

from __future__ import annotations

from dataclasses import replace
from threading import Event

import pytest
from tests.fakes.clock import FakeClock

from packmule.assembly.draining import Drain, PatientStop, ends_within
from packmule.errors import Failure, FailureCode
from packmule.jobs.model import Progress, WaitingFile

# Half a gigabyte is missing, at 50 MB/s: ten seconds.
NEARLY = Progress(3, 2, 0, 500_000_000, 1_000_000_000, 50_000_000.0)
# Two minutes.
FAR = replace(NEARLY, bytes_total=6_500_000_000)
WAITS = WaitingFile(1, None, Failure(FailureCode.TIMEOUT, "no answer"), 0.0)


@pytest.mark.parametrize(
    ("progress", "seconds", "ends"),
    [
        (NEARLY, 10.0, True),
        (NEARLY, 9.0, False),
        (NEARLY, 0.0, False),
        (replace(NEARLY, bytes_total=None), 1e9, False),
        (replace(NEARLY, bytes_per_second=0.0), 1e9, False),
        (replace(NEARLY, waiting=(WAITS,)), 1e9, False),
        (replace(NEARLY, bytes_done=1_000_000_000, bytes_per_second=0.0), 1.0, True),
        (replace(NEARLY, bytes_done=1_000_000_000), 0.0, False),
    ],
)
def test_a_job_ends_in_time_if_its_rest_comes_in_time(
    progress: Progress, seconds: float, *, ends: bool
) -> None:
    assert ends_within(progress, seconds) is ends


def test_seven_tenths_of_the_time_are_for_jobs_and_count_from_the_first_look() -> None:
    clock, stop = FakeClock(), Event()
    drain = Drain(stop, 30.0, clock)
    assert drain.left() is None
    clock.advance(1000)
    stop.set()
    assert drain.left() == pytest.approx(21.0)
    clock.advance(20)
    assert drain.left() == pytest.approx(1.0)
    clock.advance(20)
    assert drain.left() == 0.0


@pytest.mark.parametrize(
    ("process_stops", "run_stops", "progress", "stops"),
    [
        (False, False, NEARLY, False),
        (False, True, NEARLY, True),  # others wait for its place
        (True, True, NEARLY, False),
        (True, True, FAR, True),
        (True, False, FAR, True),
    ],
)
def test_a_run_goes_on_only_while_the_process_ends_and_its_job_will_be_done(
    progress: Progress, *, process_stops: bool, run_stops: bool, stops: bool
) -> None:
    process, run = Event(), Event()
    drain = Drain(process, 30.0, FakeClock())
    for event, is_set in ((process, process_stops), (run, run_stops)):
        if is_set:
            event.set()
    assert PatientStop(run, drain, lambda: progress).is_set() is stops


def test_without_a_drain_a_run_stops_when_it_is_asked() -> None:
    run = Event()
    patient = PatientStop(run, None, lambda: NEARLY)
    assert not patient.is_set()
    run.set()
    assert patient.is_set()
