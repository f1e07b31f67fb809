"""Signatures: the specification's own vector, and what a receiver made by others accepts."""

from __future__ import annotations

import base64
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from packmule.webhook.signing import headers, parse_secrets

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - the specification's own
NEXT = "whsec_" + base64.b64encode(bytes(range(32))).decode()
MESSAGE = "msg_p5jXN8AQM9LWM0D4loKWxJek"


def test_the_vector_of_the_specification_is_met() -> None:
    fields = headers(parse_secrets(SECRET), MESSAGE, 1614265330, b'{"test": 2432232314}')
    assert fields == {
        "webhook-id": MESSAGE,
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@given(body=st.dictionaries(st.text(), st.integers() | st.text()))
def test_a_receiver_accepts_whatever_was_signed(body: dict[str, int | str]) -> None:
    import json  # noqa: PLC0415 - only here

    raw = json.dumps(body).encode()
    fields = headers(parse_secrets(SECRET), MESSAGE, int(time.time()), raw)
    assert Webhook(SECRET).verify(raw, fields) == body
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(raw + b" ", fields)


def test_with_two_secrets_a_receiver_of_either_accepts() -> None:
    fields = headers(parse_secrets(f"{SECRET}, {NEXT}"), MESSAGE, int(time.time()), b"{}")
    for secret in (SECRET, NEXT):
        assert Webhook(secret).verify(b"{}", fields) == {}
    assert len(fields["webhook-signature"].split()) == 2


def test_without_a_secret_there_is_no_signature() -> None:
    assert set(headers((), MESSAGE, 0, b"{}")) == {"webhook-id", "webhook-timestamp"}


@pytest.mark.parametrize(
    "text",
    ["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_", "whsec_c2hvcnQ=", "whsec_!!!!", "whsec_é"],
)
def test_what_is_no_secret_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="24 to 64 bytes") as refused:
        parse_secrets(text)
    assert text.removeprefix("whsec_") == "" or text.removeprefix("whsec_") not in str(
        refused.value
    )


def test_the_same_secret_twice_is_one() -> None:
    assert len(parse_secrets(f"{SECRET} {SECRET}")) == 1
    assert parse_secrets("") == ()
