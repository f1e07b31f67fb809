"""The transfers that help the one that leads a download: each receives a part of the same version.

Owns when a helper goes on and when it ends. It ends, and leaves its segment to the others, as soon
as a request brings nothing: the server may bear fewer connections, or have another version by now.
Then it is for the transfer that leads to find out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packmule.client import requests, versions
from packmule.client.body import Body
from packmule.client.steps import Sleep, stream_response
from packmule.client.versions import AcceptBody, Wanted

if TYPE_CHECKING:
    from collections.abc import Callable

    from packmule.client.arrival import Arrival
    from packmule.client.operations import CallContext, Steps
    from packmule.client.requests import Target
    from packmule.client.segments import Segment
    from packmule.client.steps import ApiResponse

READ_TIMEOUT = 30.0
"""Seconds without a byte after which a download is cut and resumed."""


def help_with(
    context: CallContext, target: Target, arrival: Arrival, segment: Segment
) -> Steps[None]:
    """Receive a claimed segment, and then what else is missing. Raises OSError."""
    taken: Segment | None = segment
    while taken is not None:
        before = taken.at
        yield from _request(target, arrival, taken)
        arrival.segments.release(taken)
        if taken.left:
            if taken.at == before or arrival.segments.stopped:
                return
            yield Sleep(context.backoff().next_delay() or 0.0)
        taken = arrival.segments.another()


def _request(target: Target, arrival: Arrival, segment: Segment) -> Steps[None]:
    end = segment.end  # another transfer may take over the last bytes while this one is under way
    wanted = Wanted(segment.at, arrival.version, end)

    def begin(head: ApiResponse) -> Callable[[bytes], bool] | None:
        match versions.judge_response(wanted, head, None):
            case AcceptBody(whole=False):
                return Body(arrival, segment, end).write
            case _:
                return None

    request = requests.download(target, versions.headers(wanted), timeout=READ_TIMEOUT)
    yield from stream_response(request, begin, arrival.report, list)
