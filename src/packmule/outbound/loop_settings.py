"""The limits of one transfer loop: how much at once, how patient, which certificates to trust.

Owns their defaults. Leaves the limits of a single source to `transfer.Limits`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from packmule.outbound.transfer import Limits
from packmule.outbound.user_agent import DEFAULT as DEFAULT_USER_AGENT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from packmule.outbound.egress_proxy import EgressProxy
    from packmule.outbound.host_limits import HostLimit
    from packmule.outbound.origin_headers import OriginHeaders


@dataclass(frozen=True, slots=True)
class LoopSettings:
    """Limits of one loop, in seconds and bytes per second.

    A response must begin within `first_byte_timeout`. A transfer that moves less than `least_rate`
    over `stall_timeout` is cut; one that moves less than `slow_rate` does not count as one of
    `transfers`. `max_rate` bounds all transfers together; 0 is no bound. `host_limits` are the
    operator's, by the name of the host. Through `proxy`, if there is one, goes every request.
    `origin_headers` are the fields of requests to some origins, which may be secrets.
    """

    transfers: int = 256
    transfers_per_host: int = 128
    host_limits: Mapping[str, HostLimit] = field(default_factory=dict)
    max_rate: float = 0.0
    connect_timeout: float = 10.0
    first_byte_timeout: float = 180.0
    stall_timeout: float = 30.0
    least_rate: float = 1024.0
    slow_rate: float = 16 * 1024.0
    ca_file: str | None = None
    user_agent: str = DEFAULT_USER_AGENT
    proxy: EgressProxy | None = None
    origin_headers: OriginHeaders = field(default_factory=dict, repr=False)
    limits: Limits = field(default_factory=Limits)
