"""What libcurl's error numbers mean for a source: a code, a sentence, and whether a retry may help.

Owns the translation of libcurl's errors, at the one border where they enter. Leaves the decision to
`transfer.py`. Nothing here quotes libcurl's own message: it may hold an address or a URL's query.
"""

from __future__ import annotations

import pycurl

from packmule.errors import FailureCode
from packmule.outbound.outcomes import TryFailed

# Numbers that pycurl has no name for (libcurl-errors(3)).
_WEIRD_SERVER_REPLY = 8
_HTTP2_STREAM = 92
_TOO_LARGE = 100

NO_ANSWER = TryFailed(FailureCode.BAD_RESPONSE, "the host closed the connection without an answer")
HTTP2_BROKE = TryFailed(FailureCode.BAD_RESPONSE, "the HTTP/2 connection broke")
_TLS_SENTENCE = "the origin's certificate is not valid for this host"

_BROKEN: dict[int, TryFailed] = {
    pycurl.E_COULDNT_RESOLVE_HOST: TryFailed(FailureCode.DNS, "the host's name has no address"),
    pycurl.E_COULDNT_CONNECT: TryFailed(FailureCode.CONNECT, "the host refuses the connection"),
    pycurl.E_OPERATION_TIMEDOUT: TryFailed(FailureCode.TIMEOUT, "the host did not answer in time"),
    pycurl.E_SSL_CONNECT_ERROR: TryFailed(
        FailureCode.TLS, "the TLS handshake with the host failed"
    ),
    pycurl.E_PEER_FAILED_VERIFICATION: TryFailed(FailureCode.TLS, _TLS_SENTENCE, lasting=True),
    pycurl.E_GOT_NOTHING: NO_ANSWER,
    pycurl.E_PARTIAL_FILE: TryFailed(
        FailureCode.TRUNCATED, "the body ended before its announced end"
    ),
    pycurl.E_RECV_ERROR: TryFailed(FailureCode.TRUNCATED, "the connection broke while receiving"),
    pycurl.E_SEND_ERROR: TryFailed(FailureCode.CONNECT, "the connection broke while asking"),
    pycurl.E_UNSUPPORTED_PROTOCOL: TryFailed(FailureCode.BAD_RESPONSE, "the answer is no HTTP"),
    _WEIRD_SERVER_REPLY: TryFailed(FailureCode.BAD_RESPONSE, "the answer is no valid HTTP"),
    pycurl.E_HTTP2: HTTP2_BROKE,
    _HTTP2_STREAM: TryFailed(FailureCode.TRUNCATED, "the HTTP/2 stream was reset"),
    _TOO_LARGE: TryFailed(FailureCode.BAD_RESPONSE, "the answer's header is too large"),
    pycurl.E_BAD_CONTENT_ENCODING: TryFailed(
        FailureCode.BAD_RESPONSE, "the body cannot be decoded"
    ),
}


# What may be the protocol's fault rather than the host's.
_OF_HTTP2 = frozenset(
    {
        pycurl.E_HTTP2,
        _HTTP2_STREAM,
        pycurl.E_RECV_ERROR,
        pycurl.E_SEND_ERROR,
        pycurl.E_GOT_NOTHING,
    }
)


def of_http2(number: int) -> bool:
    """Tell whether a transfer over HTTP/2 that ended so had better be tried by HTTP/1.1."""
    return number in _OF_HTTP2


def broken(number: int) -> TryFailed:
    """Translate an error number of libcurl (`CURLE_*`)."""
    known = _BROKEN.get(number)
    if known is not None:
        return known
    return TryFailed(FailureCode.BAD_RESPONSE, f"the transfer failed (libcurl error {number})")
