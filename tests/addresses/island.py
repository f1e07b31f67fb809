"""A network of our own, of which every address answers and in which every packet is seen.

Owns the network namespace (network_namespaces(7)): its loopback is given all of IPv4 and of IPv6,
so a connection to whatever address stays here and is accepted; and it is tapped, so an attempt is
seen even if nobody accepts it. No packet can leave: nothing leads out of it.

    client ──SYN──> lo (0.0.0.0/0, ::/0 are local) ──> Everywhere
                     └── Tap: every first packet of a connection, every datagram
"""

from __future__ import annotations

import socket
import struct
import subprocess
import sys
import threading
import time
from ipaddress import ip_address
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path

OWN_ADDRESSES = ("93.184.216.99", "2606:4700::99")
"""Public addresses that are this machine's own, as a server's are in a data centre."""

# The client's side: from outside of what the table asks for.
_FROM_4, _FROM_6 = "198.18.0.1", "2001:db8:ffff::1"
_SETUP = f"""\
link set lo up
addr add {_FROM_4}/32 dev lo
addr add {_FROM_6}/128 dev lo
route add local 0.0.0.0/0 dev lo src {_FROM_4}
-6 route add local ::/0 dev lo src {_FROM_6}
addr add {OWN_ADDRESSES[0]}/32 dev lo
addr add {OWN_ADDRESSES[1]}/128 dev lo
"""
_ALL_PROTOCOLS = 0x0003
_STATISTICS = 6  # PACKET_STATISTICS, linux/if_packet.h
_SOL_PACKET = 263
_TCP, _UDP = 6, 17
_SYN, _ACK = 0x02, 0x10


def enter(command: list[str]) -> list[str]:
    """Give the command that runs a command in a network of its own."""
    return ["unshare", "--user", "--map-root-user", "--net", "--mount", *command]


def why_impossible() -> str | None:
    """Say why this machine makes no network for us; None where it does."""
    try:
        made = subprocess.run(
            enter(["ip", "link", "set", "lo", "up"]), capture_output=True, text=True, check=False
        )
    except OSError as error:
        return str(error)
    return made.stderr.strip() or "it failed" if made.returncode else None


def prepare() -> None:
    """Give this namespace, which must be a new one, all addresses."""
    for line in _SETUP.splitlines():
        for patience in (0.05, 0.2, 1.0, None):  # a busy kernel may know an address a moment later
            done = subprocess.run(
                ["ip", *line.split()], capture_output=True, text=True, check=False
            )
            if done.returncode == 0:
                break
            if patience is None:
                sys.exit(f"ip {line}: {done.stderr}")
            time.sleep(patience)


def know(names: dict[str, str], folder: Path) -> None:
    """Have the system itself, in this mount namespace only, know names: its hosts file is ours."""
    hosts = folder / "hosts"
    hosts.write_text("".join(f"{address} {name}\n" for name, address in names.items()))
    subprocess.run(["mount", "--bind", hosts, "/etc/hosts"], check=True)


class Tap:
    """Sees where connections are attempted and datagrams are sent."""

    def __init__(self) -> None:
        self.seen: set[tuple[str, int]] = set()
        self._socket = socket.socket(
            socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL_PROTOCOLS)
        )
        self._socket.bind(("lo", 0))
        self._socket.settimeout(0.05)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        counts = self._socket.getsockopt(_SOL_PACKET, _STATISTICS, 8)
        self._socket.close()
        _packets, dropped = struct.unpack("II", counts)
        if dropped:
            sys.exit(f"the tap has missed {dropped} packets")

    def _read(self) -> None:
        """Read until told to stop and nothing is left; on loopback what was sent is here."""
        while True:
            try:
                packet = self._socket.recv(65536)
            except TimeoutError:
                if self._over.is_set():
                    return
                continue
            if (reached := destination(packet[14:])) is not None:
                self.seen.add(reached)


def destination(packet: bytes) -> tuple[str, int] | None:
    """Read where a connection's first packet or a datagram goes; None for every other packet."""
    if packet[0] >> 4 == 4:
        protocol, start = packet[9], (packet[0] & 15) * 4
        address = ip_address(packet[16:20])
    else:
        protocol, start = packet[6], 40
        address = ip_address(packet[24:40])
    port = int.from_bytes(packet[start + 2 : start + 4], "big")
    if protocol == _TCP:
        return (str(address), port) if packet[start + 13] & (_SYN | _ACK) == _SYN else None
    return (str(address), port) if protocol == _UDP else None
