"""Who may ask, how often and for how much, as the settings want it.

Owns the words to the operator about what is open or weak.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from packmule.jobs.quota import Quota
from packmule.settings import usual_url
from packmule.web.api_keys import Keyring, distinct
from packmule.web.client_address import ClientAddresses
from packmule.web.rate_limit import RateLimit
from packmule.web.services import Access

if TYPE_CHECKING:
    from packmule.settings import Settings

_log = logging.getLogger(__name__)

_THIS_MACHINE = frozenset({"127.0.0.1", "::1", "localhost"})


def access_rules(settings: Settings) -> Access:
    """Make the rules, and warn of what may not be meant."""
    rate = settings.rate_limit
    keys = distinct([*settings.api_keys, *settings.api_keys_file])
    for name in sorted({key.name for key in keys if key.is_short}):
        _log.warning("the key of %s can be guessed; `packmule keys new %s` makes one", name, name)
    if any(key.is_exposed for key in settings.api_keys_file):
        _log.warning(
            "the file of PACKMULE_API_KEYS_FILE holds keys that other users of this machine can "
            "read; run chmod 600 on it, or keep hashed entries, which `packmule keys new` prints"
        )
    if not keys and settings.host not in _THIS_MACHINE:
        _log.warning(
            "everybody who reaches %s, port %d, may create archives; with PACKMULE_API_KEYS only "
            "clients with a key may",
            settings.host,
            settings.port,
        )
    if settings.host not in _THIS_MACHINE and settings.public_url == usual_url(settings.port):
        _log.info(
            "PACKMULE_PUBLIC_URL is not set: links to archives begin with %s, and requests for "
            "other host names get 421; set it to the URL that clients use",
            settings.public_url,
        )
    return Access(
        keys=Keyring(keys),
        addresses=ClientAddresses(settings.trusted_proxies),
        creates=None if rate is None else RateLimit(rate),
        quota=Quota(settings.quota_jobs, settings.quota_bytes),
    )
