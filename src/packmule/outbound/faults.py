"""Translate libcurl's error numbers: a code, a detail, and whether a retry may help.

Owns the translation, at the one place where libcurl's errors enter. Leaves the decision to
`transfer.py`. Never quotes libcurl's own message: it may contain an address or a URL's query.
"""

from __future__ import annotations

import errno

import pycurl

from packmule.errors import FailureCode
from packmule.outbound import tls_errors
from packmule.outbound.outcomes import TryFailed

# Numbers that pycurl has no name for (libcurl-errors(3)).
_WEIRD_SERVER_REPLY = 8
_HTTP2_STREAM = 92
_TOO_LARGE = 100

NO_ANSWER = TryFailed(FailureCode.BAD_RESPONSE, "the host closed the connection without responding")
NO_FINAL_RESPONSE = TryFailed(
    FailureCode.BAD_RESPONSE, "the host sent an interim response (1xx) in place of a final one"
)
HTTP2_BROKE = TryFailed(FailureCode.BAD_RESPONSE, "the HTTP/2 connection failed")
_TLS_SENTENCE = "the host's certificate is not valid"

# Our machine's fault, not the origin's; it may pass.
_NO_MEMORY = TryFailed(FailureCode.INTERNAL, "this machine had too little memory for the transfer")

_BROKEN: dict[int, TryFailed] = {
    pycurl.E_COULDNT_RESOLVE_HOST: TryFailed(FailureCode.DNS, "the host name has no address"),
    pycurl.E_COULDNT_CONNECT: TryFailed(FailureCode.CONNECT, "no connection could be made"),
    pycurl.E_OPERATION_TIMEDOUT: TryFailed(FailureCode.TIMEOUT, "the host did not respond in time"),
    pycurl.E_SSL_CONNECT_ERROR: TryFailed(
        FailureCode.TLS, "the TLS handshake with the host failed"
    ),
    pycurl.E_PEER_FAILED_VERIFICATION: TryFailed(FailureCode.TLS, _TLS_SENTENCE, lasting=True),
    pycurl.E_GOT_NOTHING: NO_ANSWER,
    pycurl.E_PARTIAL_FILE: TryFailed(
        FailureCode.TRUNCATED, "the body ended before its announced length"
    ),
    pycurl.E_RECV_ERROR: TryFailed(
        FailureCode.TRUNCATED, "the connection broke while receiving the body"
    ),
    pycurl.E_SEND_ERROR: TryFailed(
        FailureCode.CONNECT, "the connection broke while sending the request"
    ),
    pycurl.E_UNSUPPORTED_PROTOCOL: TryFailed(FailureCode.BAD_RESPONSE, "the response is not HTTP"),
    _WEIRD_SERVER_REPLY: TryFailed(FailureCode.BAD_RESPONSE, "the response is not valid HTTP"),
    pycurl.E_HTTP2: HTTP2_BROKE,
    _HTTP2_STREAM: TryFailed(FailureCode.TRUNCATED, "the HTTP/2 stream was reset"),
    _TOO_LARGE: TryFailed(FailureCode.BAD_RESPONSE, "the response header is too large"),
    pycurl.E_OUT_OF_MEMORY: _NO_MEMORY,
    pycurl.E_FAILED_INIT: _NO_MEMORY,
    pycurl.E_BAD_CONTENT_ENCODING: TryFailed(
        FailureCode.BAD_RESPONSE, "the body cannot be decoded"
    ),
}


_REFUSED = TryFailed(
    FailureCode.CONNECT, "the host refused the connection: nothing listens on that port", enough=4
)
_UNREACHABLE = TryFailed(FailureCode.CONNECT, "there is no network route to the host")
_NOT_CONNECTED = {
    errno.ECONNREFUSED: _REFUSED,
    errno.EHOSTUNREACH: _UNREACHABLE,
    errno.ENETUNREACH: _UNREACHABLE,
}

# What may be a fault of the protocol rather than of the host.
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
    """Return whether a transfer that failed this way over HTTP/2 should be retried by HTTP/1.1."""
    return number in _OF_HTTP2


def of_length(number: int, message: str) -> bool:
    """Return whether libcurl (its number and message) found a Content-Length that is no number."""
    return number == _WEIRD_SERVER_REPLY and "Content-Length" in message


def cause(curl: pycurl.Curl, number: int, message: str, host: str) -> TryFailed:
    """Translate the error that a handle's transfer has ended with, as precisely as it says.

    `message` is libcurl's, `host` the one that was asked.
    """
    tls = tls_errors.explain(number, curl.getinfo(pycurl.SSL_VERIFYRESULT), message, host)
    if tls is not None:
        return tls
    if number == pycurl.E_COULDNT_CONNECT:
        return _NOT_CONNECTED.get(curl.getinfo(pycurl.OS_ERRNO), broken(number))
    return broken(number)


def broken(number: int) -> TryFailed:
    """Translate one of libcurl's error numbers (`CURLE_*`)."""
    known = _BROKEN.get(number)
    if known is not None:
        return known
    return TryFailed(FailureCode.BAD_RESPONSE, f"the transfer failed (libcurl error {number})")


def no_socket(error: OSError) -> TryFailed:
    """Report that the kernel gave none, such as for no file descriptors left: that may pass."""
    detail = f"this machine could not open a connection: {error.strerror}"
    return TryFailed(FailureCode.CONNECT, detail)
