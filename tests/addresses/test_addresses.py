"""No link, name, answer, redirect or surrounding leads the real client to where it must not go.

Each case of the table is played over real sockets: in a network of our own in which every address
answers, and, as far as it can be shown there, on loopback. `make addresses` prints the figures.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tests.addresses import island
from tests.addresses.run import KINDS, NEED_EVERY_ADDRESS
from tests.cases import ssrf

ROOT = Path(__file__).parents[2]
RIGHT: dict[str, list[str]] = {"wrong": [], "false_refusals": [], "leaks": []}

pytestmark = [pytest.mark.needs("openssl"), pytest.mark.timeout(400)]
in_an_island = pytest.mark.needs("unshare", "ip")


def report(kind: str, *flags: str) -> dict[str, Any]:
    """Run a kind's cases in a process of their own."""
    if "--loopback" not in flags and (why := _why_no_island()) is not None:
        pytest.skip(f"this machine makes no network of our own: {why}")
    done = subprocess.run(
        [sys.executable, "-m", "tests.addresses.run", "--json", *flags, kind],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)[kind]
    return found


@cache
def _why_no_island() -> str | None:
    return island.why_impossible()


@in_an_island
@pytest.mark.parametrize("kind", KINDS)
def test_in_a_network_where_every_address_answers_each_case_ends_as_the_table_says(
    kind: str,
) -> None:
    found = report(kind)
    least = 2 * len(island.OWN_ADDRESSES) if kind == "own" else len(ssrf.cases(kind))
    assert found.pop("cases") >= least
    assert found == RIGHT


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in NEED_EVERY_ADDRESS])
def test_on_loopback_each_case_ends_as_the_table_says(kind: str) -> None:
    found = report(kind, "--loopback")
    assert found.pop("cases") >= len(ssrf.cases(kind))
    assert found == RIGHT


def test_every_kind_of_the_table_is_played() -> None:
    assert set(KINDS) - {"own"} == {case.kind for case in ssrf.ALL}


@pytest.mark.parametrize(
    ("packet", "where"),
    [
        ("4500003c000040004006000001020304a9fea9fe9c400050000000000000000050020000", "S"),
        ("4500003c000040004006000001020304a9fea9fe9c400050000000000000000050120000", None),
        ("4500003c000040004011000001020304a9fea9fe9c4000500008000000000000", "S"),
        ("4500003c000040004001000001020304a9fea9fe9c400050000000000000000050020000", None),
    ],
)
def test_the_tap_tells_first_packets_and_datagrams_from_all_others(
    packet: str, where: str | None
) -> None:
    wanted = ("169.254.169.254", 80) if where else None
    assert island.destination(bytes.fromhex(packet)) == wanted


def test_the_tap_reads_ipv6_as_well() -> None:
    fields = "9c400050000000000000000050020000"  # from port 40000 to 80, SYN
    head = "6000000000140640"  # 20 bytes of TCP
    packet = head + "20010db8" + "0" * 24 + "fd00" + "0" * 27 + "1" + fields
    assert island.destination(bytes.fromhex(packet)) == ("fd00::1", 80)
    assert socket.inet_pton(socket.AF_INET6, "fd00::1").hex() in packet
