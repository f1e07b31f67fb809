"""Recognize a refusal for the User-Agent, so that the error says what the operator can do.

Owns the sign of it: an error page that speaks of the User-Agent, as Wikimedia's does. Leaves the
field itself to `user_agent.py`, and the response's status to `transfer.py`. Pure.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from packmule.errors import FailureCode

if TYPE_CHECKING:
    from packmule.errors import Failure

_STATUSES: Final = frozenset({400, 403, 406, 429})
_SPEAKS_OF_IT: Final = re.compile(rb"user[- ]?agent", re.IGNORECASE)
_DETAIL = (
    "the host refuses clients whose User-Agent does not say who operates them: set "
    "PACKMULE_CONTACT to an email address or a URL"
)


def advised(failure: Failure, page: bytes) -> Failure:
    """Return the failure, with a detail that says so where the host wants a contact.

    `page` is the beginning of the response body.
    """
    is_one = failure.code is FailureCode.HTTP_STATUS and failure.http_status in _STATUSES
    if not is_one or not _SPEAKS_OF_IT.search(page):
        return failure
    return replace(failure, detail=f"{_DETAIL} (the origin answered {failure.http_status})")
