"""The signature of a message, by which its receiver knows who sent it and when.

Owns the form of the secrets and the three headers. The law: Standard Webhooks
(https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md), with
its symmetric signatures. Pure, and quick to import.

    webhook-id          msg_…                the same at every try
    webhook-timestamp   1614265330           when this try is made, in seconds since the epoch
    webhook-signature   v1,BASE64 v1,BASE64  one for each secret

    signature = HMAC-SHA256(secret, id "." timestamp "." body)
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

Secrets = tuple[bytes, ...]

_PREFIX = "whsec_"
_LEAST_BYTES, _MOST_BYTES = 24, 64


def parse_secrets(text: str) -> Secrets:
    """Read `whsec_…` secrets between commas or spaces; several while one replaces another.

    Raises ValueError with a sentence for people, which never repeats a secret.
    """
    return tuple(dict.fromkeys(map(_secret, text.replace(",", " ").split())))


def _secret(text: str) -> bytes:
    try:
        secret = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if not text.startswith(_PREFIX) or not _LEAST_BYTES <= len(secret) <= _MOST_BYTES:
        raise ValueError(
            f"a secret is {_PREFIX} and {_LEAST_BYTES} to {_MOST_BYTES} bytes in base64; "
            "`packmule webhooks secret` makes one"
        )
    return secret


def headers(secrets: Sequence[bytes], message: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return the headers of one try at a message; without a secret there is no signature."""
    fields = {"webhook-id": message, "webhook-timestamp": str(timestamp)}
    if secrets:
        signatures = (_signature(secret, message, timestamp, body) for secret in secrets)
        fields["webhook-signature"] = " ".join(signatures)
    return fields


def _signature(secret: bytes, message: str, timestamp: int, body: bytes) -> str:
    signed = hmac.digest(secret, f"{message}.{timestamp}.".encode() + body, hashlib.sha256)
    return "v1," + base64.b64encode(signed).decode("ascii")
