"""What every test may ask for: a free port, a program, a Hypothesis profile.

Owns how tests behave in CI: there a missing program is an error, elsewhere a skip with its
reason, so that nothing is left out in silence. `.ci/run` says which package brings which program.
"""

from __future__ import annotations

import gc
import os
import random
import shutil
import signal
import socket
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.fakes.origin import Origin
    from tests.spec.service import Service

IN_CI = os.environ.get("CI", "").lower() in {"1", "true"}
# Set by .ci/run where packages cannot be installed: better most tests than none.
MAY_SKIP = not IN_CI or os.environ.get("PACKMULE_TESTS_MAY_SKIP") == "1"

# Servers of Debian live where a user's PATH does not look.
SEARCH_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])

# Below the kernel's ephemeral range, so that no outgoing connection takes a port meanwhile, and
# free of ports that links may not name (27017 and its neighbours are a database's).
PORTS = range(20_000, 27_000)

# Two cores shared with everything else: how long an example takes says nothing about the code.
# A test that wants more or fewer examples than others says so by a factor, `2 *
# settings().max_examples`, so that each profile counts for it too.
settings.register_profile(
    "dev", deadline=None, max_examples=15, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("ci", settings.get_profile("dev"), derandomize=True)
settings.register_profile("nightly", settings.get_profile("dev"), max_examples=300)
settings.register_profile("slow", settings.get_profile("dev"), max_examples=5_000)
# `make mutants`: the same examples in each run, and no time spent on making a failure small.
settings.register_profile(
    "mutants", settings.get_profile("ci"), max_examples=30, phases=[Phase.explicit, Phase.generate]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if IN_CI else "dev"))


def pytest_configure(config: pytest.Config) -> None:
    """Declare our own markers, and let programs that tests start be interrupted.

    A shell's background job ignores SIGINT, and so would all that it starts. The garbage collector
    waits until the tests are collected: of what that makes, nothing is garbage.
    """
    gc.disable()
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line(
        "markers", "long: takes long; run by `make test-all`, each night and before a release"
    )
    config.addinivalue_line(
        "markers", "needs(*programs): run only where these programs are installed"
    )


def pytest_collection_finish() -> None:
    """Keep the garbage collector away from what was imported: it stays, and there is much of it."""
    gc.collect()
    gc.freeze()
    gc.enable()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip, or in CI fail, a test whose programs are missing."""
    for marker in item.iter_markers("needs"):
        for program in marker.args:
            if shutil.which(program, path=SEARCH_PATH) is None:
                reason = f"needs the program {program!r}, which is not installed (see .ci/run)"
                (pytest.skip if MAY_SKIP else pytest.fail)(reason)


@pytest.fixture
def free_ports() -> Callable[[], int]:
    """Give a function that finds another TCP port of 127.0.0.1 on which nothing listens."""

    def find() -> int:
        while True:
            port = random.choice(PORTS)
            with socket.socket() as probe:
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    continue
            return port

    return find


@pytest.fixture
def free_port(free_ports: Callable[[], int]) -> int:
    """Find one TCP port of 127.0.0.1 on which nothing listens."""
    return free_ports()


@pytest.fixture
def tokyo() -> Iterator[None]:
    """Put this machine's clock nine hours ahead of UTC, as its operator may."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


# --- The running program, and an origin to fetch from: imported by whoever asks ------------------


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Run the program, once for each process of the test run.

    Tests leave it running and do not count on being alone.
    """
    from tests.spec.service import Service  # noqa: PLC0415

    # Two tries: what a dead origin's pauses are is no promise of the API.
    # The host is the browser tests' own.
    folder = tmp_path_factory.mktemp("service")
    with Service(folder, ATTEMPTS="2", ALLOW_HOSTS="plain.example") as running:
        yield running.start()


@pytest.fixture(scope="session")
def origin() -> Iterator[Origin]:
    """Run an origin, once for each process of the test run; a test uses paths of its own."""
    from tests.fakes.origin import Origin  # noqa: PLC0415

    with Origin() as running:
        yield running


# --- PostgreSQL: imported by whoever asks, so that this file stands alone ------------------------


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give the URL of the run's PostgreSQL server, started at the first question."""
    from tests.fakes.postgres import shared_server  # noqa: PLC0415

    return shared_server(tmp_path_factory.getbasetemp())


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """Give the URL of an empty database on PostgreSQL."""
    from tests.fakes.postgres import empty_database  # noqa: PLC0415

    return empty_database(postgres_server)


@pytest.fixture(scope="session")
def _postgres_with_tables(postgres_server: str) -> str:
    from tests.fakes.postgres import database_with_tables  # noqa: PLC0415

    return database_with_tables(postgres_server)


@pytest.fixture
def postgres_with_tables(_postgres_with_tables: str) -> str:
    """Give the URL of a database on PostgreSQL that has all tables, and nothing in them."""
    from tests.fakes.postgres import empty_tables  # noqa: PLC0415

    empty_tables(_postgres_with_tables)
    return _postgres_with_tables
