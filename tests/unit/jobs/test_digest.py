"""Digests tell one request from another."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace

import pytest
from tests.fakes.jobs import request

from packmule.jobs.digest import request_digest, sources_digest
from packmule.jobs.expected import Expected
from packmule.jobs.model import Manifest, OnError, Source


def test_equal_requests_have_equal_digests() -> None:
    assert request_digest(request(idempotency_key="a")) == request_digest(request(client="b"))
    assert re.fullmatch("[0-9a-f]{64}", request_digest(request()))


@pytest.mark.parametrize(
    "others",
    [
        (Source(0, "https://a.example/1"),),
        (Source(0, "https://a.example/1", "n"), Source(1, "https://a.example/2")),
        (Source(0, "https://a.example/2"), Source(1, "https://a.example/1")),
        (Source(0, "https://a.example/1"), Source(1, "https://a.example/2", "")),
        (Source(1, "https://a.example/1"), Source(0, "https://a.example/2")),
    ],
)
def test_other_links_other_names_or_another_order_have_another_digest(
    others: tuple[Source, ...],
) -> None:
    ours = (Source(0, "https://a.example/1"), Source(1, "https://a.example/2"))
    assert sources_digest(ours) != sources_digest(others)
    assert request_digest(replace(request(), sources=ours)) != request_digest(
        replace(request(), sources=others)
    )


def test_what_is_asked_beside_the_links_counts_in_a_requests_digest_alone() -> None:
    plain, skipping = request(), request(on_error=OnError.SKIP)
    assert sources_digest(plain.sources) == sources_digest(skipping.sources)
    assert request_digest(plain) != request_digest(skipping)


def test_what_is_known_of_a_file_and_the_manifest_count_and_nothing_else_is_changed() -> None:
    ours = (Source(0, "https://a.example/1"), Source(1, "https://a.example/2", "n"))
    of_version_0_1 = "88804063ad34fc824eba4d08ff4bed43c8ce05d3a95f7917e31b91bfe0d5ea18"
    assert sources_digest(ours) == of_version_0_1
    known = (ours[0]._replace(expected=Expected(size=5)), ours[1])
    found = [sources_digest(ours), sources_digest(known)]
    found += [sources_digest(ours, manifest) for manifest in (Manifest.SUMS, Manifest.BAGIT)]
    assert len(set(found)) == len(found)
    requests = [request(), request(manifest=Manifest.SUMS), request(manifest=Manifest.BAGIT)]
    assert len(set(map(request_digest, requests))) == len(requests)


def test_a_long_list_has_the_digest_of_its_json_as_a_whole() -> None:
    sources = [Source(n, f"https://a.example/{n}", "ä" if n % 7 else None) for n in range(2_001)]
    written = json.dumps([each[:3] for each in sources], separators=(",", ":")).encode()
    assert sources_digest(sources) == hashlib.sha256(written).hexdigest()
    assert sources_digest([]) == hashlib.sha256(b"[]").hexdigest()
