"""Playing a fault of HTTP/2 over real sockets, and judging what came of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.addresses.everywhere import certificate, served_by
from tests.faults.http2 import FAULTS, FILES, Http2Origin, body
from tests.faults.packing import IMPATIENT, LOOP, Hung, run

if TYPE_CHECKING:
    from pathlib import Path


def played(name: str, folder: Path) -> str:
    """Play a fault with as many files as make HTTP/2 worth while; say what came of it."""
    fault = FAULTS[name]
    made = certificate(folder, ["127.0.0.1"])
    tls = served_by(made)
    tls.set_alpn_protocols(["h2", "http/1.1"])
    loop = replace(IMPATIENT if fault.slow else LOOP, ca_file=str(made))
    with Http2Origin(fault, tls) as origin:
        targets = [f"/{n}.bin" for n in range(FILES)]
        try:
            outcome = run([origin.url(each) for each in targets], folder / "out.zip", loop=loop)
        except Hung:
            return "hung"
        if not origin.streams:
            return "HTTP/2 was not spoken"
    for position, target in enumerate(targets):
        got, failure = outcome.entries.get(str(position)), outcome.failures.get(position)
        if got is not None and got != body(target).data:
            return f"{target}: silently wrong"
        if got is None and (failure is None or failure.code is not fault.code):
            return f"{target}: {failure}"
    return "right"
