"""Name the cause of a TLS failure, and its remedy.

Owns reading what OpenSSL says of a handshake: the result of verifying a certificate, and the reason
inside libcurl's message. Leaves libcurl's other errors to `faults.py`. Pure. The message itself is
never passed on: it may contain an address, or a certificate's text.

None of these heals within seconds, so the file fails at once.
"""

from __future__ import annotations

import re

import pycurl

from packmule.errors import FailureCode
from packmule.outbound.outcomes import TryFailed

# The results of verifying (openssl-verification-options(1), x509_vfy.h).
_CERTIFICATE: dict[int, str] = {
    9: (
        "the host's certificate is not valid yet: check this server's clock, or ask the site's "
        "operator"
    ),
    10: "the host's certificate has expired: the site's operator must renew it",
    18: (
        "the host's certificate is self-signed: the site's operator must get one from a public "
        "authority, or add it to the trusted ones with PACKMULE_CA_FILE"
    ),
    19: (
        "the host's certificate comes from an authority that is not trusted: add that authority "
        "with PACKMULE_CA_FILE"
    ),
    20: (
        "the host's certificate chain is incomplete, or its issuer is not trusted: the site's "
        "operator must send the intermediate certificate, or add the issuer with PACKMULE_CA_FILE"
    ),
    23: "the host's certificate has been revoked: the site's operator must replace it",
}
_CERTIFICATE[21] = _CERTIFICATE[20]  # only the host's own certificate came
_OTHER_CERTIFICATE = "the host's certificate is not valid: open the link in a browser to see why"
_OTHER_HOST = (
    "the host's certificate is for another host name: check the link, or ask the site's operator"
)
_DOTTED_BUCKET = re.compile(r"[^.]+(?:\.[^.]+)+\.s3[.-](?:[a-z0-9.-]+\.)?amazonaws\.com")
_BUCKET_WITH_DOTS = (
    "the host's certificate does not cover bucket names with dots: write the link as "
    "https://s3.REGION.amazonaws.com/BUCKET/KEY"
)

# Parts of OpenSSL's reasons (openssl errstr), most telling first.
_HANDSHAKE: tuple[tuple[tuple[str, ...], str], ...] = (
    (
        ("wrong version number", "http request"),
        "this port does not speak TLS: write the link with http://, or check its port",
    ),
    (
        ("protocol version", "unsupported protocol", "no protocols available"),
        "the host offers only outdated versions of TLS: its operator must turn on TLS 1.2 or 1.3",
    ),
    (
        ("unsafe legacy renegotiation",),
        (
            "the host's TLS is outdated (no secure renegotiation, RFC 5746): its operator must "
            "update it"
        ),
    ),
    (
        ("key too small", "too weak", "md too weak"),
        "the host's TLS keys are too weak: its operator must replace them",
    ),
    (
        ("unrecognized name",),
        "the host does not know this host name: check the spelling of the link",
    ),
    (
        ("certificate required", "bad certificate"),
        "the host wants a client certificate, which Packmule does not send",
    ),
)
_NO_COMMON_FORM = (
    "the host and this server have no form of TLS in common, or the host wants a client certificate"
)


def explain(number: int, verify_result: int, message: str, host: str) -> TryFailed | None:
    """Return what is wrong with a host's TLS; None where the failure may pass, or is another.

    `number`, `verify_result` and `message` are libcurl's (`CURLE_*`, `CURLINFO_SSL_VERIFYRESULT`,
    the error buffer).
    """
    if number == pycurl.E_PEER_FAILED_VERIFICATION:
        return _failed(_about_certificate(verify_result, message, host))
    said = message.lower()
    if "ssl routines" not in said:
        return None  # such as a reset in the middle of a handshake
    for reasons, detail in _HANDSHAKE:
        if any(reason in said for reason in reasons):
            return _failed(detail)
    if "handshake failure" in said:
        return _failed(_NO_COMMON_FORM)
    return None


def _about_certificate(verify_result: int, message: str, host: str) -> str:
    if "subject name" in message:  # libcurl checks the name itself
        return _BUCKET_WITH_DOTS if _DOTTED_BUCKET.fullmatch(host) else _OTHER_HOST
    return _CERTIFICATE.get(verify_result, _OTHER_CERTIFICATE)


def _failed(detail: str) -> TryFailed:
    return TryFailed(FailureCode.TLS, detail, lasting=True)
