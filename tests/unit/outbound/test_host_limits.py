"""Limits of hosts: the documented ones, and what an operator writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from packmule.outbound.fetch_scheduler import FetchScheduler
from packmule.outbound.host_limits import KNOWN, HostLimit, limit_for, parse_host_limits


def test_an_operators_list_is_read() -> None:
    assert parse_host_limits(
        "Example.org=3, cdn.example.net = 16@2.5MB,[2001:db8::1]=1@500kB,"
    ) == {
        "example.org": HostLimit(3),
        "cdn.example.net": HostLimit(16, 2_500_000.0),
        "2001:db8::1": HostLimit(1, 500_000.0),
    }
    assert parse_host_limits("") == {}
    assert parse_host_limits("a.example=1@1000")["a.example"].rate == 1000


@pytest.mark.parametrize(
    "text",
    ["example.org", "example.org=0", "example.org=1025", "=2", "a b=2", "-%=2", "example.org=2@",
     "example.org=2@0", "example.org=2@fast", "example.org=2@5TB", "example.org=1.5",
     "https://example.org=2", "example.org=99999999999999999999"],
)  # fmt: skip
def test_what_is_no_limit_is_refused_with_the_form(text: str) -> None:
    with pytest.raises(ValueError, match=r"use a form like example\.org=2 or example\.org=2@5MB"):
        parse_host_limits(text)


def test_a_name_stands_for_all_below_it_and_the_longest_counts() -> None:
    limits = parse_host_limits("example.org=3,big.example.org=9")
    assert limit_for("example.org", limits) == ("example.org", HostLimit(3))
    assert limit_for("a.b.example.org", limits) == ("example.org", HostLimit(3))
    assert limit_for("x.big.example.org", limits) == ("big.example.org", HostLimit(9))
    assert limit_for("notexample.org", limits) is None
    assert limit_for("org", limits) is None


def test_documented_limits_hold_unless_the_operator_says_otherwise() -> None:
    assert KNOWN["upload.wikimedia.org"] == HostLimit(2, 3_125_000.0)
    assert limit_for("export.arxiv.org", {}) == ("arxiv.org", HostLimit(1))
    assert limit_for("commons.wikimedia.org", {}) is None
    mine = {"wikimedia.org": HostLimit(4)}
    assert limit_for("upload.wikimedia.org", mine) == ("wikimedia.org", HostLimit(4))


def test_the_scheduler_keeps_to_them() -> None:
    scheduler = FetchScheduler(per_host=32, host_limits={"files.example": HostLimit(12)})
    assert scheduler.host(("https", "upload.wikimedia.org", 443)).limit == 2
    assert scheduler.host(("https", "a.files.example", 443)).limit == 12
    assert scheduler.host(("https", "other.example", 443)).limit == 8
    limited = scheduler.host(("https", "upload.wikimedia.org", 443))
    for now in range(100):
        limited.active = 2
        limited.respond(2, 1, 0.1)
        limited.came += 100_000 * now
        limited.measure(float(now))
    assert limited.limit == 2
    one = FetchScheduler(per_host=1)
    assert one.host(("https", "upload.wikimedia.org", 443)).limit == 1


def test_the_documents_name_every_known_host_with_its_limit() -> None:
    text = Path("docs/settings.md").read_text()
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| `")]
    told = {row[0].strip("|` "): row[1] for row in rows}
    assert all(told.get(name) == str(limit.connections) for name, limit in KNOWN.items())
