"""The User-Agent of requests to sources and webhooks: which program this is, and whom to contact.

Owns its form (RFC 9110 10.1.5). Pure.
"""

from __future__ import annotations

import re

from packmule import __version__

DEFAULT = f"Packmule/{__version__}"

_MOST = 200
_PRINTABLE = re.compile(r"[ -~]*")
_OF_A_COMMENT = re.compile(r"[ !-'*-\[\]-~]*")  # neither parenthesis nor backslash


def parse_user_agent(text: str) -> str:
    """Parse `PACKMULE_USER_AGENT`. Raises ValueError with a message for the operator."""
    if not _PRINTABLE.fullmatch(text) or len(text) > _MOST:
        raise ValueError(
            f"a User-Agent has at most {_MOST} characters, all of them printable ASCII; use a form "
            "like MyArchiver/1.0 (+https://example.org/bot)"
        )
    return text


def parse_contact(text: str) -> str:
    """Parse `PACKMULE_CONTACT`. Raises ValueError with a message for the operator."""
    if not _OF_A_COMMENT.fullmatch(text) or len(text) > _MOST:
        raise ValueError(
            f"a contact has at most {_MOST} characters, all of them printable ASCII, without "
            "parentheses and backslashes; use an email address or a URL"
        )
    return text


def user_agent(product: str, contact: str) -> str:
    """Return the field's value, with the contact as a comment at its end."""
    return f"{product} ({contact})" if contact else product
