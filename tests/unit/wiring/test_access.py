"""Who may, from the settings; and what the operator is warned of."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from packmule.jobs.quota import Quota
from packmule.settings import read
from packmule.wiring.access import access_rules

if TYPE_CHECKING:
    from packmule.web.services import Access

LONG = "k" * 43


def rules(**settings: str) -> Access:
    return access_rules(read({f"PACKMULE_{name}": value for name, value in settings.items()}))


def test_by_default_everybody_may_sixty_times_a_minute_with_a_hundred_open_jobs() -> None:
    access = rules()
    assert not access.keys
    assert access.quota == Quota(jobs=100)
    assert access.creates is not None
    assert sum(access.creates.take("ann") == 0 for _ in range(61)) == 60


def test_all_can_be_turned_off() -> None:
    access = rules(RATE_LIMIT="off", QUOTA_JOBS="off")
    assert access.creates is None
    assert access.quota == Quota()


def test_keys_proxies_and_quotas_are_taken() -> None:
    access = rules(API_KEYS="ann:a,bob:b", TRUSTED_PROXIES="10.0.0.0/8", QUOTA_BYTES="1 kB")
    assert access.keys.owner("b") == "bob"
    assert access.addresses.client("10.0.0.1", ["192.0.2.1"]) == "address:192.0.2.1"
    assert access.quota == Quota(jobs=100, held_bytes=1000)


@pytest.mark.parametrize(
    ("settings", "warnings"),
    [
        ({}, 0),
        ({"HOST": "localhost"}, 0),
        ({"HOST": "0.0.0.0"}, 1),
        ({"HOST": "::"}, 1),
        ({"HOST": "0.0.0.0", "API_KEYS": f"ann:{LONG}"}, 0),
        ({"API_KEYS": f"ann:s3cret,ann:0ther,bob:{LONG}"}, 1),
    ],
    ids=str,
)
def test_the_operator_is_warned_of_what_is_open_or_can_be_guessed(
    settings: dict[str, str], warnings: int, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        rules(**settings)
    assert len(caplog.records) == warnings
    assert "s3cret" not in caplog.text


@pytest.mark.parametrize(
    ("settings", "hints"),
    [
        ({}, 0),
        ({"HOST": "0.0.0.0"}, 1),
        ({"HOST": "0.0.0.0", "PORT": "9001"}, 1),
        ({"HOST": "0.0.0.0", "PUBLIC_URL": "https://archives.example.org"}, 0),
    ],
    ids=str,
)
def test_a_service_that_is_open_to_a_network_is_told_to_set_its_url(
    settings: dict[str, str], hints: int, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        rules(**settings)
    assert sum("PACKMULE_PUBLIC_URL is not set" in each for each in caplog.messages) == hints
