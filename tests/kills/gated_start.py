"""Starts a program behind a gate: `gated_start.py SOCKET NUMBERS COMMAND…`.

Installs a seccomp filter that hands the system calls of these numbers (comma-separated) to whoever
holds the other end of the socket, and becomes the command. See seccomp_unotify(2).
"""

from __future__ import annotations

import array
import ctypes
import os
import platform
import socket
import struct
import sys

PR_SET_NO_NEW_PRIVS = 38
SECCOMP_SET_MODE_FILTER = 1
SECCOMP_FILTER_FLAG_NEW_LISTENER = 1 << 3
SYS_SECCOMP = {"x86_64": 317, "aarch64": 277}
AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

# Instructions of classic BPF, and what a filter may answer (linux/bpf_common.h, linux/seccomp.h).
LOAD, EQUALS, RETURN = 0x20, 0x15, 0x06
ALLOW, ASK = 0x7FFF0000, 0x7FC00000
NUMBER_AT, ARCHITECTURE_AT = 0, 4


def program(numbers: list[int]) -> bytes:
    """Write the filter: ask for these system calls of this machine's kind, allow the others."""
    count = len(numbers)
    steps = [
        (LOAD, 0, 0, ARCHITECTURE_AT),
        (EQUALS, 0, count + 1, AUDIT_ARCH[platform.machine()]),
        (LOAD, 0, 0, NUMBER_AT),
        *((EQUALS, count - index, 0, number) for index, number in enumerate(numbers)),
        (RETURN, 0, 0, ALLOW),
        (RETURN, 0, 0, ASK),
    ]
    return b"".join(struct.pack("<HBBI", *step) for step in steps)


def install(numbers: list[int]) -> int:
    """Install the filter for this process and all it becomes; give the listener's descriptor."""
    libc = ctypes.CDLL(None, use_errno=True)
    code = program(numbers)
    instructions = ctypes.create_string_buffer(code, len(code))
    header = ctypes.create_string_buffer(
        struct.pack("@HP", len(code) // 8, ctypes.addressof(instructions))
    )
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")
    listener: int = libc.syscall(
        SYS_SECCOMP[platform.machine()],
        SECCOMP_SET_MODE_FILTER,
        SECCOMP_FILTER_FLAG_NEW_LISTENER,
        header,
    )
    if listener < 0:
        raise OSError(ctypes.get_errno(), "seccomp")
    return listener


def main(arguments: list[str]) -> None:
    """Install the filter, send its listener, become the command."""
    number, numbers, *command = arguments
    with socket.socket(fileno=int(number)) as parent:
        listener = install([int(each) for each in numbers.split(",")])
        passed = array.array("i", [listener])
        parent.sendmsg([b"!"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, passed)])
        os.close(listener)
    os.execv(command[0], command)  # noqa: S606 - the program itself


if __name__ == "__main__":
    main(sys.argv[1:])
