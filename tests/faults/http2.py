"""An origin that speaks HTTP/2 and misbehaves in its own ways (RFC 9113).

Owns the connection's talk, by the `h2` library, and the table of what can go wrong in it. Over
HTTP/1.1, to which a client may turn, it serves as it should.
"""

from __future__ import annotations

import ssl
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import RequestReceived, StreamReset
from hyperframe.frame import DataFrame, PingFrame, SettingsFrame
from tests.faults.objects import Version, serve, version
from tests.faults.origin import Ended, Origin

from packmule.errors import FailureCode

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

SIZE = 30_000
FILES = 24
"""As many as make the client ask for HTTP/2."""

_STORM = 2_000


def body(target: str) -> Version:
    """Give what a path holds."""
    return version(target.strip("/"), SIZE)


@dataclass
class Talk:
    """One connection; `asked` counts the requests for each path, over all connections."""

    socket: socket.socket
    asked: Counter[str]
    connection: H2Connection = field(
        default_factory=lambda: H2Connection(H2Configuration(client_side=False))
    )
    targets: dict[int, str] = field(default_factory=dict)
    unsent: dict[int, memoryview] = field(default_factory=dict)

    def flush(self) -> None:
        """Send what the library has to say."""
        self.socket.sendall(self.connection.data_to_send())

    def head(self, stream: int, *more: tuple[str, str], length: int = SIZE) -> None:
        """Send the head of a plain answer."""
        fields = [(":status", "200"), ("content-length", str(length)), *more]
        etag = body(self.targets[stream]).etag
        fields.append(("etag", str(etag)))
        self.connection.send_headers(stream, fields)

    def half(self, stream: int) -> None:
        """Send the first half of a body, if the windows have room for it."""
        data = body(self.targets[stream]).data[: SIZE // 2]
        for at in range(0, len(data), 10_000):
            self.connection.send_data(stream, data[at : at + 10_000])
        self.flush()

    def serve(self, stream: int) -> None:
        """Answer as an origin should."""
        self.head(stream)
        self.unsent[stream] = memoryview(body(self.targets[stream]).data)

    def send_what_fits(self) -> None:
        """Go on with the bodies, as far as the client's windows allow (RFC 9113 5.2)."""
        for stream in tuple(self.unsent):
            while (rest := self.unsent[stream]) and (room := self._room(stream)) > 0:
                self.connection.send_data(stream, bytes(rest[:room]))
                self.unsent[stream] = rest[room:]
            if not rest:
                del self.unsent[stream]
                self.connection.end_stream(stream)
        self.flush()

    def _room(self, stream: int) -> int:
        window = self.connection.local_flow_control_window(stream)
        return min(window, self.connection.max_outbound_frame_size)

    def close(self) -> None:
        """Say what is still to be said, and end the connection."""
        self.flush()
        raise Ended


class Http2Origin(Origin):
    """Answers requests over HTTP/2 by a fault; `streams` counts them."""

    def __init__(self, fault: Fault, tls: ssl.SSLContext) -> None:
        super().__init__(lambda x: serve(x, body(x.target)), tls=tls)
        self.fault = fault
        self.streams = 0
        self.asked_by_http2: Counter[str] = Counter()

    def converse(self, connection: socket.socket) -> None:
        """Speak what was agreed on."""
        assert isinstance(connection, ssl.SSLSocket)
        if connection.selected_alpn_protocol() != "h2":
            super().converse(connection)
            return
        talk = Talk(connection, self.asked_by_http2)
        talk.connection.initiate_connection()
        talk.flush()
        while data := connection.recv(65_536):
            for event in talk.connection.receive_data(data):
                if isinstance(event, RequestReceived):
                    self._request(talk, event)
                elif isinstance(event, StreamReset):
                    talk.unsent.pop(event.stream_id or 0, None)
            talk.send_what_fits()

    def _request(self, talk: Talk, event: RequestReceived) -> None:
        stream = event.stream_id
        assert stream is not None
        fields = {bytes(name): bytes(value) for name, value in event.headers or ()}
        target = talk.targets[stream] = fields[b":path"].decode()
        talk.asked[target] += 1
        self.streams += 1
        if talk.asked[target] <= self.fault.times:
            self.fault.script(talk, stream)
        else:
            talk.serve(stream)


def _reset(code: ErrorCodes, *, within: bool) -> Callable[[Talk, int], None]:
    def script(talk: Talk, stream: int) -> None:
        if within:
            talk.head(stream)
            talk.half(stream)
        talk.connection.reset_stream(stream, code)

    return script


def _go_away(code: ErrorCodes, *, within: bool, last: int = 0) -> Callable[[Talk, int], None]:
    """Say GOAWAY; `last` more than 0 claims that this stream was still processed."""

    def script(talk: Talk, stream: int) -> None:
        if within:
            talk.head(stream)
            talk.half(stream)
        talk.connection.close_connection(code, last_stream_id=stream if last else 0)
        talk.close()

    return script


def _cut(talk: Talk, stream: int) -> None:
    talk.head(stream)
    talk.half(stream)
    talk.close()


def _announces(length: int) -> Callable[[Talk, int], None]:
    def script(talk: Talk, stream: int) -> None:
        talk.head(stream, length=length)
        talk.unsent[stream] = memoryview(body(talk.targets[stream]).data)

    return script


def _ends_early(talk: Talk, stream: int) -> None:
    talk.head(stream)
    talk.half(stream)
    talk.connection.end_stream(stream)


def _goes_on_after_its_end(talk: Talk, stream: int) -> None:
    talk.serve(stream)
    talk.send_what_fits()
    talk.socket.sendall(DataFrame(stream, data=b"more").serialize())


def _storms(talk: Talk, stream: int) -> None:
    talk.flush()
    frame = SettingsFrame(settings={SettingsFrame.MAX_CONCURRENT_STREAMS: 100}).serialize()
    talk.socket.sendall((frame + PingFrame(opaque_data=b"12345678").serialize()) * _STORM)
    talk.serve(stream)


def _talks_garbage(talk: Talk, _stream: int) -> None:
    talk.flush()
    talk.socket.sendall(b"\xff" * 200)


def _huge_head(talk: Talk, stream: int) -> None:
    talk.head(stream, *((f"x-{n}", "x" * 1_000) for n in range(90)))
    talk.unsent[stream] = memoryview(body(talk.targets[stream]).data)


def _early_hints(talk: Talk, stream: int) -> None:
    for _ in range(3):
        talk.connection.send_headers(stream, [(":status", "103"), ("link", "</a>; rel=preload")])
    talk.serve(stream)


def _silent(_talk: Talk, _stream: int) -> None:
    """Answer nothing."""


def _silent_for_some(talk: Talk, stream: int) -> None:
    if talk.targets[stream] not in {"/0.bin", "/1.bin", "/2.bin"}:
        talk.serve(stream)


@dataclass(frozen=True)
class Fault:
    """What goes wrong, at the first `times` requests for each file; and how that must end."""

    script: Callable[[Talk, int], None]
    times: int = 1
    code: FailureCode | None = None
    slow: bool = False


ALWAYS = 1_000
_CODES = ErrorCodes
FAULTS = {
    "none": Fault(_silent, times=0),
    "REFUSED_STREAM": Fault(_reset(_CODES.REFUSED_STREAM, within=False)),
    "REFUSED_STREAM always": Fault(_reset(_CODES.REFUSED_STREAM, within=False), ALWAYS),
    "INTERNAL_ERROR before": Fault(_reset(_CODES.INTERNAL_ERROR, within=False)),
    "INTERNAL_ERROR within": Fault(_reset(_CODES.INTERNAL_ERROR, within=True)),
    "INTERNAL_ERROR within, always": Fault(_reset(_CODES.INTERNAL_ERROR, within=True), ALWAYS),
    "CANCEL within": Fault(_reset(_CODES.CANCEL, within=True)),
    "NO_ERROR within": Fault(_reset(_CODES.NO_ERROR, within=True)),
    "HTTP_1_1_REQUIRED": Fault(_reset(_CODES.HTTP_1_1_REQUIRED, within=False), ALWAYS),
    "ENHANCE_YOUR_CALM": Fault(_go_away(_CODES.ENHANCE_YOUR_CALM, within=False), ALWAYS),
    "GOAWAY before": Fault(_go_away(_CODES.NO_ERROR, within=False)),
    "GOAWAY before, always": Fault(_go_away(_CODES.NO_ERROR, within=False), ALWAYS),
    "GOAWAY within": Fault(_go_away(_CODES.NO_ERROR, within=True, last=1)),
    "GOAWAY within, not processed": Fault(_go_away(_CODES.INTERNAL_ERROR, within=True)),
    "cut within": Fault(_cut),
    "cut within, always": Fault(_cut, ALWAYS),
    "ends early": Fault(_ends_early),
    "ends early, always": Fault(_ends_early, ALWAYS),
    "announces too little": Fault(_announces(SIZE - 10)),
    "announces too much": Fault(_announces(SIZE + 10)),
    "goes on after its end": Fault(_goes_on_after_its_end),
    "storm of SETTINGS and PING": Fault(_storms),
    "garbage": Fault(_talks_garbage),
    "garbage always": Fault(_talks_garbage, ALWAYS),
    "early hints": Fault(_early_hints, ALWAYS),
    "huge head": Fault(_huge_head, ALWAYS, FailureCode.BAD_RESPONSE),
    "silent once for some": Fault(_silent_for_some, slow=True),
    "silent always": Fault(_silent, ALWAYS, FailureCode.TIMEOUT, slow=True),
}
