"""Translate what goes wrong at the operator's proxy: never a fault of the source's host.

Owns telling the two apart and what to do about each. Never names the proxy, which is no business of
whoever reads a job's status; its operator knows where it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pycurl

from packmule.errors import FailureCode
from packmule.outbound.outcomes import TryFailed

if TYPE_CHECKING:
    from packmule.outbound.egress_proxy import EgressProxy

_SETTING = "PACKMULE_EGRESS_PROXY"
_PROXY_FAILED = 97  # CURLE_PROXY, which pycurl has no name for (libcurl-errors(3))
_WANTS_LOGIN = frozenset({401, 407})  # RFC 9110 15.5.8; tinyproxy answers 401
_SUCCESS = range(200, 300)
_CLIENT_ERRORS = range(400, 500)
_TOO_MANY = 429
# Numbers of CURLINFO_PROXY_ERROR: no method of authentication, none acceptable, user rejected, …
_SOCKS_LOGIN = frozenset({11, 12, 33})
_SOCKS_NOT_ALLOWED = 23
_SOCKS_CANNOT_REACH = frozenset({18, 19, 20, 21, 22, 24})

WANTS_LOGIN = TryFailed(
    FailureCode.CONNECT,
    "the egress proxy wants a user name and password, or other ones (Basic authentication): "
    f"set {_SETTING} to scheme://user:password@host:port",
    lasting=True,
)
_UNREACHABLE = TryFailed(
    FailureCode.CONNECT,
    f"the egress proxy cannot be reached: check {_SETTING}, and that the proxy is running",
)
_UNKNOWN = TryFailed(
    FailureCode.CONNECT, f"the egress proxy's host name has no address: check {_SETTING}"
)
_TOO_SLOW = TryFailed(
    FailureCode.TIMEOUT, "the egress proxy did not make a connection to the host in time"
)
_NOT_SECURE = TryFailed(
    FailureCode.TLS,
    "the TLS handshake with the egress proxy failed: its certificate must be valid for the host in "
    f"{_SETTING}, by the authorities of PACKMULE_CA_FILE; for a proxy without TLS write http://",
    lasting=True,
)
_NOT_SOCKS = TryFailed(
    FailureCode.CONNECT,
    f"the egress proxy did not answer as a SOCKS5 proxy: check the scheme and port in {_SETTING}",
)
_BEFORE_THE_TUNNEL = {
    pycurl.E_COULDNT_RESOLVE_PROXY: _UNKNOWN,
    pycurl.E_COULDNT_CONNECT: _UNREACHABLE,
    pycurl.E_OPERATION_TIMEDOUT: _TOO_SLOW,
}
_OF_TLS = frozenset({pycurl.E_SSL_CONNECT_ERROR, pycurl.E_PEER_FAILED_VERIFICATION})


def explain(curl: pycurl.Curl, number: int, proxy: EgressProxy, host: str) -> TryFailed | None:
    """Return what went wrong at the proxy, or None where the tunnel to the host was made.

    `number` is the error that the handle's transfer has ended with, `host` the source's.
    """
    status = curl.getinfo(pycurl.HTTP_CONNECTCODE)
    if status:
        return None if status in _SUCCESS else _of_status(status, host)
    if number == _PROXY_FAILED:
        return _of_socks(curl.getinfo(pycurl.PROXY_ERROR), host)
    if number in _OF_TLS and proxy.scheme == "https":
        return _NOT_SECURE
    return _BEFORE_THE_TUNNEL.get(number)


def _of_status(status: int, host: str) -> TryFailed:
    """Explain the answer to CONNECT (RFC 9110 9.3.6)."""
    if status in _WANTS_LOGIN:
        return WANTS_LOGIN
    if status in _CLIENT_ERRORS and status != _TOO_MANY:
        return _not_allowed(host, f"it answered {status}")
    return _cannot_reach(host, f"it answered {status}")


def _of_socks(error: int, host: str) -> TryFailed:
    if error in _SOCKS_LOGIN:
        return WANTS_LOGIN
    if error == _SOCKS_NOT_ALLOWED:
        return _not_allowed(host, "by its rules")
    return _cannot_reach(host, "it said so") if error in _SOCKS_CANNOT_REACH else _NOT_SOCKS


def _not_allowed(host: str, how: str) -> TryFailed:
    detail = f"the egress proxy does not let {host} be reached ({how}): ask whoever operates it"
    return TryFailed(FailureCode.CONNECT, detail, lasting=True)


def _cannot_reach(host: str, how: str) -> TryFailed:
    return TryFailed(FailureCode.CONNECT, f"the egress proxy cannot reach {host} ({how})")
