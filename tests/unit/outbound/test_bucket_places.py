"""A bucket that is elsewhere: the detail says where, if the store does."""

from __future__ import annotations

import pytest

from packmule.errors import Failure, FailureCode
from packmule.outbound.bucket_places import located

HOST = b"<Endpoint>b.s3.eu-west-1.amazonaws.com</Endpoint>"


def failure(status: int | None, code: FailureCode = FailureCode.HTTP_STATUS) -> Failure:
    return Failure(code, "as it was", status, 3)


@pytest.mark.parametrize(
    ("status", "page", "words"),
    [
        (301, b"<Error><Code>PermanentRedirect</Code>" + HOST, "b.s3.eu-west-1.amazonaws.com"),
        (307, b"<Error><Code>TemporaryRedirect</Code>" + HOST, "b.s3.eu-west-1.amazonaws.com"),
        (
            400,
            b"<Code>AuthorizationQueryParametersError</Code><Region>eu-west-1</Region>",
            "the region eu-west-1",
        ),
    ],
)
def test_the_store_s_word_where_the_bucket_is_is_passed_on(
    status: int, page: bytes, words: str
) -> None:
    found = located(failure(status), page)
    assert words in found.detail
    assert f"(the origin answered {status})" in found.detail
    assert (found.code, found.http_status, found.attempts) == (FailureCode.HTTP_STATUS, status, 3)


@pytest.mark.parametrize(
    ("given", "page"),
    [
        (failure(301), HOST),
        (failure(301), b"<Code>PermanentRedirect</Code>"),
        (failure(301), b"<Code>PermanentRedirect</Code><Endpoint>a b</Endpoint>"),
        (failure(403), b"<Code>PermanentRedirect</Code>" + HOST),
        (failure(None, FailureCode.CONNECT), b"<Code>PermanentRedirect</Code>" + HOST),
    ],
)
def test_anything_else_stays_as_it_is(given: Failure, page: bytes) -> None:
    assert located(given, page) == given
