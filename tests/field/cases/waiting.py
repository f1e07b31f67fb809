"""Not now: the many ways in which servers ask to come back later."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.fakes.raw_origin import Asked, RawOrigin, response
from tests.field.case import case

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence

    from tests.field.case import Field

KIND = "Not now"
BODY = b"here it is"
PUBLIC = "public reports; no link kept"


def _first(status: str, *fields: str, times: int = 1) -> Callable[[Asked, socket.socket], bytes]:
    """Answer so at first, then with the file."""

    def handler(asked: Asked, _socket: socket.socket) -> bytes:
        if asked.number <= times:
            return response(status, fields, b"not now")
        return response(body=BODY)

    return handler


def _comes(field: Field, status: str, *fields: str, requests: int = 2) -> None:
    with RawOrigin(_first(status, *fields, times=requests - 1)) as origin:
        packed = field.pack(f"{origin.url}/a.bin")
    assert packed.entries == {"a.bin": BODY}, packed.report
    assert len(origin.seen) == requests


def _fails(
    field: Field, status: str, fields: Sequence[str], *words: str, requests: int = 1
) -> None:
    with RawOrigin(_first(status, *fields, times=1000)) as origin:
        packed = field.pack(f"{origin.url}/a.bin")
    assert packed.codes == ["http-status"]
    detail = packed.report["failures"][0]["detail"]
    assert all(word in detail for word in words), detail
    assert len(origin.seen) == requests


@case(
    kind=KIND,
    comes="403 with `Retry-After`",
    does="comes back when told",
    source=PUBLIC,
)
def forbidden_for_now(field: Field) -> None:
    _comes(field, "403 Forbidden", "Retry-After: 0")


@case(
    kind=KIND,
    comes="202 with `Retry-After` while the file is being made",
    does="comes back when told; the waits cost no tries",
    source=PUBLIC,
)
def accepted_for_now(field: Field) -> None:
    _comes(field, "202 Accepted", "Retry-After: 0", requests=2)


@case(
    kind=KIND,
    comes="529, 530, 599 or another unknown 5xx, once",
    does="treats an unknown 5xx as 500 and tries again",
    source=PUBLIC,
)
def unknown_server_errors(field: Field) -> None:
    for status in ("529 Site is overloaded", "599 Timeout"):
        _comes(field, status)


@case(
    kind=KIND,
    comes="`430 Shopify Security Rejection`, also 420, with `Retry-After`",
    does="treats it as 429: pauses the host",
    source="https://github.com/Shopify/shopify-api-js/issues/1030",
)
def made_up_statuses_for_too_many(field: Field) -> None:
    for status in ("430 Shopify Security Rejection", "420 Enhance Your Calm"):
        _comes(field, status, "Retry-After: 0")


@case(
    kind=KIND,
    comes="409 with `Retry-After`",
    does="comes back when told",
    source=PUBLIC,
)
def conflict_for_now(field: Field) -> None:
    _comes(field, "409 Conflict", "Retry-After: 0")


@case(
    kind=KIND,
    comes="429 without Retry-After, with `RateLimit-Reset`, `X-RateLimit-Reset` in seconds or as a "
    "POSIX time, or `RateLimit: …;t=`",
    does="waits for the reset",
    source=PUBLIC,
    slow=True,
)
def reset_of_a_rate_limit(field: Field) -> None:
    for name in ("RateLimit-Reset", "X-RateLimit-Reset"):
        _comes(field, "429 Too Many Requests", f"{name}: 1")
    _comes(field, "429 Too Many Requests", 'RateLimit: "default";r=0;t=1')
    _comes(field, "429 Too Many Requests", f"X-RateLimit-Reset: {int(time.time()) + 1}")


@case(
    kind=KIND,
    comes="403 with `x-ratelimit-remaining: 0` and `x-ratelimit-reset`",
    does="waits for the reset, as GitHub documents it",
    source="https://github.com/JuliaRegistries/TagBot/issues/298",
)
def forbidden_by_a_rate_limit(field: Field) -> None:
    _comes(field, "403 Forbidden", "X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 0")


@case(
    kind=KIND,
    comes="403 with `x-ratelimit-remaining: 41`",
    does="fails at once: this is a refusal",
    source="https://github.com/epam/OSCI/pull/104",
)
def forbidden_with_some_left(field: Field) -> None:
    fields = ("X-RateLimit-Remaining: 41", f"X-RateLimit-Reset: {int(time.time()) + 60}")
    _fails(field, "403 Forbidden", fields, "403")


@case(
    kind=KIND,
    comes="503 or 429 with a Retry-After longer than Packmule waits",
    does="fails at once and says when to retry",
    source="https://github.com/aria2/aria2/issues/2295",
)
def wait_that_is_too_long(field: Field) -> None:
    for status in ("503 Service Unavailable", "429 Too Many Requests"):
        _fails(field, status, ["Retry-After: 7200"], "7,200 s", "retry then")


@case(
    kind=KIND,
    comes="403 or 503 with `cf-mitigated: challenge`, a page that only browsers pass",
    does="fails at once and says so; the host's other files are not held up",
    source="https://github.com/cloudflare/cloudflare-docs/pull/8590",
)
def check_for_browsers(field: Field) -> None:
    for status in ("403 Forbidden", "503 Service Unavailable"):
        fields = ["cf-mitigated: challenge", "Content-Type: text/html"]
        _fails(field, status, fields, "browser")


@case(
    kind=KIND,
    comes="60 files a minute, then 429 with `X-RateLimit-Reset`, over 150 files",
    does="waits for each minute; every file comes",
    source=PUBLIC,
    slow=True,
)
def window_of_a_minute(field: Field) -> None:
    window = [0.0, 0]

    def handler(_: Asked, _socket: socket.socket) -> bytes:
        now = time.time()
        if now - window[0] >= 60:
            window[:] = [now, 0]
        window[1] += 1
        if window[1] <= 60:
            return response(body=BODY)
        return response("429 Too Many Requests", [f"X-RateLimit-Reset: {int(window[0] + 61)}"])

    with RawOrigin(handler) as origin:
        packed = field.pack(*(f"{origin.url}/{number}.bin" for number in range(150)))
    assert len(packed.entries) == 150, packed.report


@case(
    kind=KIND,
    comes="201 Created, 226 IM Used or an unknown 2xx with the file as body",
    does="takes it as 200 (RFC 9110 15)",
    source="https://github.com/rust-lang/rustup/issues/4710",
)
def other_kinds_of_success(field: Field) -> None:
    for status in ("201 Created", "226 IM Used", "299 Fine"):
        with RawOrigin(lambda *_, status=status: response(status, body=BODY)) as origin:
            assert field.pack(f"{origin.url}/a.bin").entries == {"a.bin": BODY}
