"""Lead a libcurl handle through the operator's proxy.

Owns the options for it. They replace those of `ssrf_guard.keep_to_the_request` that keep proxies
away; the environment's variables stay without effect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pycurl

if TYPE_CHECKING:
    from packmule.outbound.egress_proxy import EgressProxy

# CURLOPT_SUPPRESS_CONNECT_HEADERS, which pycurl has no name for (curl/curl.h).
_SUPPRESS_CONNECT_HEADERS = 265


def lead_through(curl: pycurl.Curl, proxy: EgressProxy, ca_file: str | None) -> None:
    """Send everything through the proxy: http by forwarding, https through a tunnel."""
    option = curl.setopt
    option(pycurl.PROXY, proxy.url)
    option(pycurl.NOPROXY, "")
    # The head that answers CONNECT is the proxy's, not the origin's.
    option(_SUPPRESS_CONNECT_HEADERS, 1)
    if proxy.login is not None:
        user, password = proxy.login
        option(pycurl.PROXYUSERNAME, user)
        option(pycurl.PROXYPASSWORD, password)
        option(pycurl.PROXYAUTH, pycurl.HTTPAUTH_BASIC)
    if ca_file is not None:
        option(pycurl.PROXY_CAINFO, ca_file)
