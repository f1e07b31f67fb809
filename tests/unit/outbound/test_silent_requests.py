"""A small request that stays silent is sent again on a new connection, over real HTTP."""

from __future__ import annotations

import threading
import zipfile
from typing import TYPE_CHECKING

import pytest
from tests.fakes.origin import Origin, Request, Resource

from packmule.assembly.pack import pack
from packmule.assembly.resources import AssemblyLimits, SharedResources
from packmule.jobs.model import Source
from packmule.outbound.addresses import AddressRules, parse_networks
from packmule.outbound.loop_settings import LoopSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RULES = AddressRules(allow_networks=parse_networks("127.0.0.0/8"))
SILENT_SECONDS = 4.0
OTHERS = 40


@pytest.fixture
def origin() -> Iterator[Origin]:
    """Give an origin that does not respond to the first request for one file of many."""
    with Origin() as made:
        for number in range(OTHERS):
            made.put(f"/{number}", b"small")

        def first_is_silent(_request: Request) -> Resource | None:
            is_first = len(made.requests_for("/silent")) == 1
            return Resource(b"late", latency=SILENT_SECONDS) if is_first else None

        made.put("/silent", b"again", instead=first_is_silent)
        yield made


def packed(origin: Origin, folder: Path) -> list[bytes]:
    """Pack all its files; return them in their order, the silent one first."""
    links = ["/silent", *(f"/{number}" for number in range(OTHERS))]
    sources = [Source(n, origin.url(link), f"{n}.txt") for n, link in enumerate(links)]
    resources = SharedResources(RULES, LoopSettings(), AssemblyLimits(min_free_bytes=0))
    try:
        pack(sources, folder / "out.zip", resources, threading.Event())
    finally:
        resources.close()
    with zipfile.ZipFile(folder / "out.zip") as archive:
        return [archive.read(name) for name in archive.namelist()]


def test_the_request_is_sent_again_and_only_the_second_response_counts(
    origin: Origin, tmp_path: Path
) -> None:
    assert packed(origin, tmp_path) == [b"again", *[b"small"] * OTHERS]
    assert len(origin.requests_for("/silent")) == 2


def test_a_host_that_counts_requests_is_waited_for(origin: Origin, tmp_path: Path) -> None:
    origin.resources["/1"].headers["X-RateLimit-Limit"] = "5000"
    assert packed(origin, tmp_path) == [b"late", *[b"small"] * OTHERS]
    assert len(origin.requests_for("/silent")) == 1
