"""Where the API listens: the host as an address, and its port, held from the start to the end.

Owns finding out before anything is started whether it can be had, to tell so in one sentence.
"""

from __future__ import annotations

import errno
import os
import socket
import time

from packmule.errors import UsageError

# What a killed supervisor left behind gives the port back within a second.
_PATIENCE = 3.0
_TRY_EVERY = 0.1


def address_of(host: str) -> str:
    """Give a host of this machine as an address. Raises UsageError."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:  # the latter for what is no name at all
        raise UsageError(f"PACKMULE_HOST: {host!r} is no host of this machine.") from error
    return str(found[0][4][0])


def hold_port(address: str, port: int) -> socket.socket:
    """Take the port, so that our server can listen on it and no other program's, ours included.

    The socket that is given back is never listened on; keep it. Raises UsageError.
    """
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            return _bound(address, port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                reason = os.strerror(error.errno or 0)
                raise UsageError(
                    f"Port {port} of {address} cannot be listened on: {reason}."
                ) from error
            if time.monotonic() > deadline:
                raise UsageError(
                    f"Port {port} of {address} is in use by another program; stop that one, or "
                    "choose another port with --port or PACKMULE_PORT."
                ) from error
        time.sleep(_TRY_EVERY)


def _bound(address: str, port: int) -> socket.socket:
    """Bind a socket beside which only a socket with SO_REUSEPORT may be bound, as the server's is.

    SO_REUSEADDR at the bind itself passes over connections that are closing (TIME_WAIT), and is
    taken away after it, or a second one could be bound the same way (socket(7)).
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    held = socket.socket(family, socket.SOCK_STREAM)
    try:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind((address, port))
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    except OSError:
        held.close()
        raise
    return held


def answers(address: str, port: int) -> bool:
    """Tell whether somebody listens there. A wildcard address is reached over loopback."""
    target = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)
    try:
        socket.create_connection((target, port), timeout=1.0).close()
    except OSError:
        return False
    return True
