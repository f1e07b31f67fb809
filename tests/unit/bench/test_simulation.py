"""The simulation agrees with what can be calculated: queues, one host's limit, network, CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from bench.simulation import Load, Shape, Work, mean_wait, simulate

if TYPE_CHECKING:
    import random

ALONE = Shape(workers=1, jobs_at_once=1, transfers=1, per_host=1, cores=1)


def load(**more: object) -> Load:
    given: dict[str, object] = {
        "jobs_a_second": 1.0,
        "files": 1,
        "hosts": 1,
        "latency": lambda _: 0.0,
        "size": lambda _: 0.0,
        **more,
    }
    return Load(**given)  # type: ignore[arg-type]


def exponential(mean: float) -> object:
    def draw(rng: random.Random) -> float:
        return rng.expovariate(1 / mean)

    return draw


@pytest.mark.parametrize(("workers", "busy"), [(1, 0.5), (3, 0.8), (10, 0.7)])
def test_jobs_of_one_file_wait_as_long_as_erlang_says(workers: int, busy: float) -> None:
    shape = Shape(workers=workers, jobs_at_once=1, transfers=1, per_host=1)
    arrivals, service = workers * busy / 2.0, 2.0
    given = load(jobs_a_second=arrivals, latency=exponential(service))
    said = simulate(given, shape, jobs=10_000, warm=1_000, seed=3)
    assert said.mean_wait == pytest.approx(mean_wait(workers, arrivals, service), rel=0.1)


def test_erlangs_formula_gives_what_is_in_the_tables() -> None:
    # M/M/1: rho / (mu - lambda); M/M/2 with rho 0.75: 9/7 of the mean service.
    assert mean_wait(1, 0.5, 1.0) == pytest.approx(1.0)
    assert mean_wait(2, 1.5, 1.0) == pytest.approx(9 / 7)


def test_one_host_gives_a_worker_so_many_files_at_once_and_two_workers_twice() -> None:
    given = load(jobs_a_second=1000.0, files=80, latency=lambda _: 1.0)
    one = simulate(given, Shape(workers=1), jobs=4)
    two = simulate(given, Shape(workers=2), jobs=4)
    # 320 files, 8 at once, a second each.
    assert max(one.took) == pytest.approx(40.0, abs=0.1)
    assert max(two.took) > 20.0 - 0.1


def test_the_transfers_of_a_worker_bound_it_where_hosts_are_many() -> None:
    given = load(jobs_a_second=1000.0, files=320, hosts=100_000, latency=lambda _: 1.0)
    said = simulate(given, Shape(workers=1, per_host=320), jobs=1)
    assert said.took == [pytest.approx(10.0, abs=0.1)]


def test_what_was_fetched_leaves_no_quicker_than_the_network() -> None:
    shape = Shape(workers=1, jobs_at_once=100, network=10.0)
    given = load(jobs_a_second=1e6, size=lambda _: 5.0)
    said = simulate(given, shape, jobs=100)
    assert said.moved == 500.0
    assert max(said.took) == pytest.approx(50.0, abs=0.1)


def test_the_processor_is_charged_for_jobs_files_and_bytes() -> None:
    given = load(files=3, size=lambda _: 10.0)
    said = simulate(given, ALONE, jobs=2, work=Work(job=1.0, file=0.5, byte=0.1))
    assert said.cpu == pytest.approx(2 * (1.0 + 3 * (0.5 + 1.0)))
    assert max(said.took) >= 1.0 + 3 * 1.5
