"""No request made up from the API's description gets a 5xx or an undocumented answer; small here.

At full size: `make fuzz` (docs/reliability/fuzzing.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from tests.fakes.origin import Origin
from tests.fuzz.api import ApiFuzzer
from tests.spec.service import Service

if TYPE_CHECKING:
    from pathlib import Path


# More at night than by day, as with other made-up values.
REQUESTS = 20 * settings().max_examples


@pytest.mark.timeout(400)
def test_every_answer_is_one_that_the_description_knows(tmp_path: Path) -> None:
    with Service(tmp_path, ATTEMPTS="1") as service, Origin() as origin:
        links = [origin.put(f"/{number}.txt", b"a file") for number in range(3)]
        fuzzer = ApiFuzzer(service.start(), links)
        fuzzer.run(REQUESTS)
        assert fuzzer.sent >= REQUESTS
        assert {200, 202, 404, 422} <= set(fuzzer.statuses)
