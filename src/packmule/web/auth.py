"""Authentication and rate limits: who sends a request, and whether that client may.

Owns the Authorization header, the responses 401, 403 and 429 (rate), and their descriptions in
OpenAPI. Leaves API keys to `api_keys.py`, addresses to `client_address.py`, counting to
`rate_limit.py`, and the quota to the job store.

With API keys configured, create, list, retry, finish, cancel, delete and files (and events with
files) require a key, and a key reaches only its own client's jobs. Status, events and download need
only the hash.
Follows RFC 6750 (2.1 the header, 3 the challenge).
"""

import math
import re
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request

from packmule.jobs.model import ADDRESS_CLIENT, Job
from packmule.web.bodies import unread
from packmule.web.client_address import network_of
from packmule.web.problems import MEDIA_TYPE, Problem, ProblemCode
from packmule.web.services import Access, GivenServices, Services

_REALM = 'Bearer realm="packmule"'
_BEARER = re.compile(r"bearer +(.*)", re.IGNORECASE)

SCHEME = "apiKey"
SECURITY_SCHEMES = {
    SCHEME: {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key, if the server requires one.",
    }
}
NEEDS_KEY: dict[str, Any] = {"security": [{SCHEME: []}, {}]}
"""OpenAPI: an API key, or none if the server requires none."""


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe the responses that refuse a client."""
    words = {
        401: "The API key is missing or unknown: `unauthorized`.",
        403: "The job belongs to another client (`forbidden`), or the request comes from another "
        "site's page (`cross-origin`).",
        429: "Too many requests (`rate-limited`), too many open ones (`concurrency-limited`) or "
        "too many jobs (`quota-exceeded`). `Retry-After` says when to try again.",
    }
    headers = {
        401: {"WWW-Authenticate": {"schema": {"type": "string"}}},
        403: {},
        429: {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}},
    }
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemOut"}}}
    return {
        status: {"description": words[status], "headers": headers[status], "content": content}
        for status in statuses
    }


@dataclass(frozen=True, slots=True)
class Caller:
    """The client of a request: the name of its key, or its address."""

    client: str
    has_key: bool


def identify(request: Request, access: Access, key: str | None = None) -> Caller:
    """Return the client of a request; `key` takes the place of its Authorization header.

    Raises Problem 401, or 400 if it sends two Authorization headers.
    """
    if not access.keys:
        return Caller(address_of(request, access), has_key=False)
    if key is None:
        key = _shown_key(request)
    name = access.keys.owner(key)
    if name is None:
        raise Problem(
            401,
            ProblemCode.UNAUTHORIZED,
            "This API key is unknown. Ask the operator for one.",
            headers=_challenge("invalid_token") | unread(request),
        )
    return Caller(name, has_key=True)


def address_of(request: Request, access: Access) -> str:
    """Return the client of a request by its address alone."""
    peer = request.client.host if request.client else None
    return access.addresses.client(peer, request.headers.getlist("x-forwarded-for"))


def _shown_key(request: Request) -> str:
    """Return the key in the Authorization header. Raises Problem."""
    shown = request.headers.getlist("authorization")
    if len(shown) > 1:
        raise Problem(
            400,
            ProblemCode.BAD_REQUEST,
            "The request has several Authorization headers; send one.",
            headers=_challenge("invalid_request") | unread(request),
        )
    bearer = _BEARER.fullmatch(shown[0]) if shown else None
    if bearer is None:
        # Nothing was shown that could be wrong: no error code. RFC 6750 3.1
        raise Problem(
            401,
            ProblemCode.UNAUTHORIZED,
            "This needs an API key: send it as `Authorization: Bearer KEY`.",
            headers=_challenge() | unread(request),
        )
    return bearer[1]


async def caller_of(request: Request, services: GivenServices) -> Caller:
    """Return the client of a request. Raises as `identify` does."""
    return identify(request, services.access)


GivenCaller = Annotated[Caller, Depends(caller_of)]


def _challenge(error: str | None = None) -> dict[str, str]:
    return {"WWW-Authenticate": _REALM if error is None else f'{_REALM}, error="{error}"'}


def count_request(request: Request, access: Access, caller: Caller) -> None:
    """Count a request that creates work. Raises Problem 429 above the client's rate."""
    if access.creates is None:
        return
    wait = access.creates.take(caller.client, network_of(caller.client))
    if wait > 0:
        seconds = math.ceil(wait)
        raise Problem(
            429,
            ProblemCode.RATE_LIMITED,
            f"You send more requests than this server allows; try again in {seconds} s.",
            headers={"Retry-After": str(seconds)} | unread(request),
        )


async def _within_rate(request: Request, services: GivenServices, caller: GivenCaller) -> Caller:
    count_request(request, services.access, caller)
    return caller


CallerWithinRate = Annotated[Caller, Depends(_within_rate)]


def is_owner(request: Request, services: Services, job: Job) -> bool:
    """Return whether a request has the API key of the job's owner. It needs none."""
    shown = request.headers.getlist("authorization")
    bearer = _BEARER.fullmatch(shown[0]) if len(shown) == 1 else None
    name = None if bearer is None else services.access.keys.owner(bearer[1])
    return name is not None and name == job.client


def refuse_strangers(services: Services, caller: Caller, hash_: str) -> bool:
    """Refuse a client with a key access to another client's job. Raises NotFound, Problem 403.

    A job created without a key has no owner: every client with a key and the hash may use it.
    Return whether the client is the owner.
    """
    if not caller.has_key:
        return False
    owner = services.store.get(hash_).client
    if owner and owner != caller.client and not owner.startswith(ADDRESS_CLIENT):
        raise Problem(
            403,
            ProblemCode.FORBIDDEN,
            "The job is another client's; its hash opens its status and its archive, no more.",
        )
    return owner == caller.client
