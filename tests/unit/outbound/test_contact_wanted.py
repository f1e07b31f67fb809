"""A refusal for the User-Agent: the detail says what the operator can do."""

from __future__ import annotations

import pytest

from packmule.errors import Failure, FailureCode
from packmule.outbound.contact_wanted import advised

PAGE = b"Please comply with the User-Agent policy: https://w.example/ua"


@pytest.mark.parametrize("status", [403, 429])
@pytest.mark.parametrize("page", [PAGE, b"<p>Set a user agent with contact details", b"USERAGENT"])
def test_a_page_that_speaks_of_the_user_agent_is_explained(status: int, page: bytes) -> None:
    found = advised(Failure(FailureCode.HTTP_STATUS, "as it was", status, 2), page)
    assert "PACKMULE_CONTACT" in found.detail
    assert f"(the origin answered {status})" in found.detail
    assert (found.http_status, found.attempts) == (status, 2)


@pytest.mark.parametrize(
    ("given", "page"),
    [
        (Failure(FailureCode.HTTP_STATUS, "as it was", 403), b"Forbidden"),
        (Failure(FailureCode.HTTP_STATUS, "as it was", 404), PAGE),
        (Failure(FailureCode.CONNECT, "as it was"), PAGE),
    ],
)
def test_any_other_failure_stays_as_it_is(given: Failure, page: bytes) -> None:
    assert advised(given, page) == given
