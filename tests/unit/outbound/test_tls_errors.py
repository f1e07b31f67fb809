"""What OpenSSL says of a handshake, in words that name the cause and the remedy.

The messages are those of libcurl 8 with OpenSSL 3, as they came from real handshakes.
"""

from __future__ import annotations

import pycurl
import pytest

from packmule.errors import FailureCode
from packmule.outbound.tls_errors import explain

VERIFY = "SSL certificate OpenSSL verify result: "
CONNECT = "TLS connect error: error:0A000000:SSL routines::"
OTHER_NAME = "SSL: no alternative certificate subject name matches target host name 'a.example'"


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (9, "not valid yet"),
        (10, "has expired"),
        (18, "self-signed"),
        (19, "an authority that is not trusted"),
        (20, "intermediate certificate"),
        (21, "intermediate certificate"),
        (23, "revoked"),
        (26, "not valid: open the link in a browser"),
    ],
)
def test_a_certificates_fault_is_named(result: int, words: str) -> None:
    found = explain(
        pycurl.E_PEER_FAILED_VERIFICATION, result, VERIFY + f"x ({result})", "a.example"
    )
    assert found is not None
    assert (found.code, found.lasting) == (FailureCode.TLS, True)
    assert words in found.detail


def test_a_certificate_for_another_host_is_named() -> None:
    found = explain(pycurl.E_PEER_FAILED_VERIFICATION, 1, OTHER_NAME, "a.example")
    assert found is not None
    assert "another host name" in found.detail


@pytest.mark.parametrize(
    ("host", "dotted"),
    [
        ("my.bucket.s3.amazonaws.com", True),
        ("my.bucket.s3.eu-west-1.amazonaws.com", True),
        ("my.bucket.s3-eu-west-1.amazonaws.com", True),
        ("bucket.s3.amazonaws.com", False),
        ("s3.amazonaws.com", False),
        ("my.bucket.s3.example", False),
    ],
)
def test_a_bucket_with_dots_gets_the_link_that_works(host: str, *, dotted: bool) -> None:
    found = explain(pycurl.E_PEER_FAILED_VERIFICATION, 1, OTHER_NAME, host)
    assert found is not None
    assert ("s3.REGION.amazonaws.com" in found.detail) is dotted


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("wrong version number", "does not speak TLS"),
        ("http request", "does not speak TLS"),
        ("tlsv1 alert protocol version", "outdated versions of TLS"),
        ("unsupported protocol", "outdated versions of TLS"),
        ("unsafe legacy renegotiation disabled", "RFC 5746"),
        ("dh key too small", "too weak"),
        ("ca md too weak", "too weak"),
        ("tlsv1 unrecognized name", "does not know this host name"),
        ("tlsv13 alert certificate required", "client certificate"),
        ("ssl/tls alert handshake failure", "no form of TLS in common"),
    ],
)
@pytest.mark.parametrize(
    "number", [pycurl.E_SSL_CONNECT_ERROR, pycurl.E_RECV_ERROR, pycurl.E_SEND_ERROR]
)
def test_a_handshakes_fault_is_named(number: int, reason: str, words: str) -> None:
    found = explain(number, 1, CONNECT + reason, "a.example")
    assert found is not None
    assert (found.code, found.lasting) == (FailureCode.TLS, True)
    assert words in found.detail


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (pycurl.E_SSL_CONNECT_ERROR, "Recv failure: Connection reset by peer"),
        (pycurl.E_SSL_CONNECT_ERROR, CONNECT + "tlsv1 alert internal error"),
        (pycurl.E_SEND_ERROR, "Send failure: Broken pipe"),
        (pycurl.E_COULDNT_CONNECT, "Failed to connect: handshake failure"),
    ],
)
def test_what_may_pass_is_not_explained(number: int, message: str) -> None:
    assert explain(number, 1, message, "a.example") is None
