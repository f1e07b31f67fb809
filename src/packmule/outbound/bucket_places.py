"""Recognize an object store's answer that a bucket is elsewhere, so that the error says where.

Owns the signs of it: S3 sends 301 without a Location, or 400, and names the right endpoint or
region in the body only. Leaves the response's status to `transfer.py`. Pure. Law: Amazon S3 API
Reference, Error Responses.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from packmule.errors import FailureCode

if TYPE_CHECKING:
    from packmule.errors import Failure

_STATUSES: Final = frozenset({301, 307, 400})
_CODES: Final = re.compile(
    rb"<Code>(?:PermanentRedirect|TemporaryRedirect|IllegalLocationConstraintException"
    rb"|AuthorizationHeaderMalformed|AuthorizationQueryParametersError)</Code>"
)
_ENDPOINT: Final = re.compile(rb"<Endpoint>([A-Za-z0-9.-]{1,253})</Endpoint>")
_REGION: Final = re.compile(rb"<Region>([a-z0-9-]{1,40})</Region>")


def located(failure: Failure, page: bytes) -> Failure:
    """Return the failure, with a detail that says where the bucket is if the store does.

    `page` is the beginning of the response body.
    """
    is_one = failure.code is FailureCode.HTTP_STATUS and failure.http_status in _STATUSES
    if not is_one or not _CODES.search(page):
        return failure
    if (found := _ENDPOINT.search(page)) is not None:
        where = f"the bucket is at {found[1].decode()}: use that host in the link"
    elif (found := _REGION.search(page)) is not None:
        where = f"the bucket is in the region {found[1].decode()}: use a link for that region"
    else:
        return failure
    detail = f"{where}, or request a new link if it is signed"
    return replace(failure, detail=f"{detail} (the origin answered {failure.http_status})")
