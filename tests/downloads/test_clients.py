"""wget -c, curl -C - and aria2c -x8, cut at random, end with the very bytes."""

from __future__ import annotations

import filecmp
from typing import TYPE_CHECKING

import pytest
from tests.downloads.clients import fetch
from tests.fakes.cutter import Cutter

if TYPE_CHECKING:
    from pathlib import Path

    from tests.downloads.served import Served

EACH = [
    pytest.param("wget", marks=[pytest.mark.needs("wget"), pytest.mark.long]),
    pytest.param("curl", marks=pytest.mark.needs("curl")),
    pytest.param("aria2c", marks=[pytest.mark.needs("aria2c"), pytest.mark.long]),
]


@pytest.mark.parametrize("client", EACH)
def test_a_client_that_is_cut_at_random_and_called_again_gets_the_same_bytes(
    served: Served, tmp_path: Path, client: str
) -> None:
    file = tmp_path / "got.zip"
    with Cutter(served.service.port, 3, least=1, most=3_000_000) as cutter:
        fetched = fetch(client, served.url(cutter.port), file)
    assert fetched.done, fetched.said
    assert cutter.cuts >= 2
    assert filecmp.cmp(file, served.file, shallow=False)


@pytest.mark.parametrize("client", EACH)
def test_a_client_that_has_it_all_and_is_called_again_has_nothing_to_do(
    served: Served, tmp_path: Path, client: str
) -> None:
    file = tmp_path / "got.zip"
    for _ in range(2):
        fetched = fetch(client, served.url(), file)
        assert fetched.done, fetched.said
        assert fetched.calls == 1
        assert filecmp.cmp(file, served.file, shallow=False)
