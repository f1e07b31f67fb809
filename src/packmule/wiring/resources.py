"""The shared resources, as the settings want them.

Owns the translation of settings into the bounds of the parts below. Quick to import.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import certifi

from packmule.assembly.resources import AssemblyLimits, SharedResources
from packmule.errors import PackmuleError
from packmule.foreign_text import clipped
from packmule.outbound.loop_settings import LoopSettings
from packmule.outbound.transfer import Limits
from packmule.outbound.user_agent import user_agent
from packmule.wiring.rules import address_rules

if TYPE_CHECKING:
    from collections.abc import Callable

    from packmule.outbound.origin_headers import OriginHeaders
    from packmule.outbound.resolver import Resolver
    from packmule.settings import Settings


def open_resources(
    settings: Settings,
    *,
    resolver: Resolver | None = None,
    on_failure: Callable[[], None] = lambda: None,
    origin_headers: OriginHeaders | None = None,
) -> SharedResources:
    """Make the transfer loop, the blocks and the writer that all jobs of a process share."""
    loop = LoopSettings(
        transfers=settings.transfers,
        transfers_per_host=settings.transfers_per_host,
        host_limits=settings.host_limits,
        max_rate=settings.max_rate,
        connect_timeout=settings.connect_timeout,
        first_byte_timeout=settings.first_byte_timeout,
        stall_timeout=settings.stall_timeout,
        ca_file=str(settings.ca_file or certifi.where()),
        user_agent=user_agent(settings.user_agent, settings.contact),
        proxy=settings.egress_proxy,
        origin_headers=origin_headers or {},
        limits=Limits(
            attempts=settings.attempts,
            redirects=settings.max_redirects,
            max_bytes=settings.max_file_bytes,
            max_head_bytes=settings.max_head_bytes,
            max_url_length=settings.max_url_length,
            seconds=settings.file_timeout,
            longest_retry_after=settings.max_retry_after,
        ),
    )
    limits = AssemblyLimits(
        max_file_bytes=settings.max_file_bytes,
        max_archive_bytes=settings.max_archive_bytes,
        min_free_bytes=settings.min_free_bytes,
        max_unpack_ratio=settings.max_unpack_ratio,
        max_scratch_bytes=settings.max_scratch_bytes,
        max_url_length=settings.max_url_length,
        rewrite_links=settings.rewrite_links,
        read_back=settings.verify == "full",
        storage_wait=settings.storage_wait,
    )
    try:
        return SharedResources(
            address_rules(settings), loop, limits, resolver=resolver, on_failure=on_failure
        )
    except (MemoryError, RuntimeError, OSError) as error:  # RuntimeError: no thread can be started
        raise PackmuleError(
            f"Cannot start the transfers: {clipped(str(error))}. Give the process more memory or "
            "threads (ulimit -v, ulimit -u), or lower PACKMULE_TRANSFERS."
        ) from error
