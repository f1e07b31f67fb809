"""The address and port to listen on, reserved from start to end.

Checks before anything is started whether the port is free, to report it in one message.
"""

from __future__ import annotations

import errno
import os
import socket
import time

from packmule.errors import UsageError

# The children of a killed supervisor release the port within a second.
_TIMEOUT = 3.0
_RETRY_INTERVAL = 0.1


def address_of(host: str) -> str:
    """Resolve a host of this machine to an address. Raises UsageError."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:  # the latter for what is no name at all
        raise UsageError(f"PACKMULE_HOST: {host!r} is not an address of this machine.") from error
    return str(found[0][4][0])


def hold_port(address: str, port: int) -> socket.socket:
    """Reserve the port, so that only our server can listen on it, and no second service.

    The returned socket never listens; keep it open. Raises UsageError.
    """
    deadline = time.monotonic() + _TIMEOUT
    while True:
        try:
            return _bound(address, port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                reason = os.strerror(error.errno or 0)
                raise UsageError(f"Cannot listen on port {port} of {address}: {reason}.") from error
            if time.monotonic() > deadline:
                raise UsageError(
                    f"Port {port} of {address} is already in use. Stop the other program, or "
                    "choose another port with --port or PACKMULE_PORT."
                ) from error
        time.sleep(_RETRY_INTERVAL)


def _bound(address: str, port: int) -> socket.socket:
    """Bind a socket that admits only others with SO_REUSEPORT, as the server's has.

    SO_REUSEADDR is set for the bind, to ignore connections that are closing (TIME_WAIT), and reset
    after it, or a second socket could be bound the same way (socket(7)).
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
    """Return whether something listens there. A wildcard address is tried over loopback."""
    target = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)
    try:
        socket.create_connection((target, port), timeout=1.0).close()
    except OSError:
        return False
    return True
