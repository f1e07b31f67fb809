"""A gate at which a program's writes wait: each is let through, refused, or its last.

Owns the other end of `gated_start.py`: it is told of every system call that changes a file below a
folder, of all threads, in one order, before it is made; and says what becomes of it. So crash
points can be enumerated, and any write or sync can fail, without a change to the program or a word
of it knowing. The kernel's seccomp_unotify(2) does the work; no privilege is needed.
"""

from __future__ import annotations

import array
import ctypes
import fcntl
import os
import platform
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_RECEIVE, _ANSWER = 0xC0502100, 0xC0182101
_NOTIFICATION = struct.Struct("=QII iIQ 6Q")
_RESPONSE = struct.Struct("=Qqi I")
_CONTINUE = 1
_LAUNCHER = Path(__file__).with_name("gated_start.py")
_PATH_MAX = 4096


class _Known(NamedTuple):
    """A system call: its numbers, and the argument that names a file, by descriptor or by path."""

    on_x86_64: int
    on_aarch64: int | None
    kind: str
    argument: int


_CALLS = {
    "pwrite64": _Known(18, 68, "descriptor", 0),
    "fsync": _Known(74, 82, "descriptor", 0),
    "fdatasync": _Known(75, 83, "descriptor", 0),
    "ftruncate": _Known(77, 46, "descriptor", 0),
    "fallocate": _Known(285, 47, "descriptor", 0),
    "copy_file_range": _Known(326, 285, "descriptor", 2),
    "rename": _Known(82, None, "path", 0),
    "renameat": _Known(264, 38, "path", 1),
    "renameat2": _Known(316, 276, "path", 1),
    "unlink": _Known(87, None, "path", 0),
    "unlinkat": _Known(263, 35, "path", 1),
    "mkdir": _Known(83, None, "path", 0),
    "mkdirat": _Known(258, 34, "path", 1),
}
SYNCS = frozenset({"fsync", "fdatasync"})
WRITES = frozenset({"pwrite64", "ftruncate", "fallocate", "copy_file_range"})
NAMES = frozenset({"rename", "renameat", "renameat2", "unlink", "unlinkat", "mkdir", "mkdirat"})


class Verdict(Enum):
    """What becomes of a call; an errno instead refuses it."""

    LET = "let through"
    KILL = "the whole program is killed before it is made"
    FREEZE = "the whole program is frozen before it is made"


@dataclass(frozen=True, slots=True)
class Call:
    """A system call that waits at the gate: the name of its file, below the folder."""

    name: str
    file: str

    def __str__(self) -> str:
        return f"{self.name} {self.file}"


def works() -> str | None:
    """Say why there can be no gate here; None where there can."""
    if platform.machine() not in {"x86_64", "aarch64"} or not sys.platform.startswith("linux"):
        return "the gate knows the system calls of Linux on x86_64 and aarch64 only"
    try:
        with Gate([sys.executable, "-c", ""], {}, Path("/"), None, lambda _: Verdict.LET) as gate:
            gate.process.wait(30)
    except OSError as error:
        return f"seccomp_unotify(2) is not to be had here: {error}"
    return None


class Gate:
    """A program behind a gate. `decide` is asked for each call on a file below `folder`."""

    def __init__(
        self,
        command: Sequence[object],
        env: Mapping[str, str],
        folder: Path,
        log: Path | None,
        decide: Callable[[Call], Verdict | int],
    ) -> None:
        self._folder = str(folder)
        self.decide = decide
        self._numbers = _numbers()
        ours, theirs = socket.socketpair()
        numbers = ",".join(map(str, self._numbers))
        start = [sys.executable, "-S", "-E", str(_LAUNCHER), str(theirs.fileno()), numbers]
        with ours, (log or Path(os.devnull)).open("ab") as output:
            with theirs:
                self.process = subprocess.Popen(
                    [*start, *map(str, command)],
                    env=dict(env),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    pass_fds=[theirs.fileno()],
                )
            self._listener = _received(ours)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="gate", daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        """Answer until nobody can ask any more."""
        poll = select.poll()
        poll.register(self._listener, select.POLLIN)
        while not self._ended.is_set():
            for _, events in poll.poll(100):
                if events & select.POLLIN:
                    self._answer()
                elif events & select.POLLHUP:
                    return

    def _answer(self) -> None:
        asked = bytearray(_NOTIFICATION.size)
        try:
            fcntl.ioctl(self._listener, _RECEIVE, asked)
        except OSError:
            return  # whoever asked was killed or interrupted meanwhile
        number_of_question, thread, _, number, _, _, *arguments = _NOTIFICATION.unpack(asked)
        call = self._call(thread, number, arguments)
        verdict = Verdict.LET if call is None else self.decide(call)
        match verdict:
            case Verdict.KILL:
                self.process.kill()
            case Verdict.FREEZE:
                self.process.send_signal(signal.SIGSTOP)
            case Verdict.LET:
                self._say(_RESPONSE.pack(number_of_question, 0, 0, _CONTINUE))
            case refusal:
                self._say(_RESPONSE.pack(number_of_question, 0, -refusal, 0))

    def _say(self, answer: bytes) -> None:
        with suppress(FileNotFoundError):  # whoever asked is gone
            fcntl.ioctl(self._listener, _ANSWER, answer)

    def _call(self, thread: int, number: int, arguments: list[int]) -> Call | None:
        """Tell which call it is; None for one on a file that is none of ours."""
        name = self._numbers[number]
        _, _, kind, which = _CALLS[name]
        try:
            if kind == "descriptor":
                descriptor = ctypes.c_int(arguments[which] & 0xFFFFFFFF).value
                path = str(Path(f"/proc/{thread}/fd/{descriptor}").readlink())
            else:
                path = _string(thread, arguments[which])
        except OSError:
            return None
        inside = path.removeprefix(self._folder)
        return Call(name, inside.lstrip("/")) if inside != path else None

    def wake(self) -> None:
        """Let a frozen program go on; what it waited for is asked anew."""
        self.process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """Kill the program where it still runs, and take the gate away."""
        self.process.kill()
        self.process.wait(30)
        self._ended.set()
        self._thread.join()
        os.close(self._listener)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _numbers() -> dict[int, str]:
    """Tell which calls are which here; some are not on every machine."""
    if platform.machine() == "x86_64":
        return {call.on_x86_64: name for name, call in _CALLS.items()}
    return {call.on_aarch64: name for name, call in _CALLS.items() if call.on_aarch64 is not None}


def _received(ours: socket.socket) -> int:
    """Take the listener; OSError where the launcher could not make one."""
    descriptors = array.array("i")
    message, ancillary, *_ = ours.recvmsg(1, socket.CMSG_SPACE(descriptors.itemsize))
    if not message:
        raise OSError("the filter could not be installed")
    descriptors.frombytes(ancillary[0][2])
    os.set_inheritable(descriptors[0], False)
    return descriptors[0]


def _string(thread: int, address: int) -> str:
    """Read a string of that thread's memory, page by page: the next one may not be there."""
    found = b""
    with open(f"/proc/{thread}/mem", "rb", buffering=0) as memory:  # noqa: PTH123
        while b"\0" not in found and len(found) < _PATH_MAX:
            memory.seek(address + len(found))
            found += memory.read(4096 - (address + len(found)) % 4096)
    return os.fsdecode(found.partition(b"\0")[0])
