"""Webhooks as the settings want them: who is told, who is asked for links, by what senders.

Owns the choice of senders: the operator's webhook may be in the operator's own network, a job's
passes the rules of sources; each has a resolver of its own, so that names which strangers give
never hold up the operator's.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import certifi

from packmule.jobs.archive_parts import read_archive_parts
from packmule.jobs.model import JobState
from packmule.jobs.reads import failures_of, warnings_of
from packmule.outbound.post import Poster
from packmule.outbound.resolver import Resolver
from packmule.outbound.urls import parse
from packmule.outbound.user_agent import user_agent
from packmule.webhook.announcing import Announcer
from packmule.webhook.delivery import Delivery
from packmule.webhook.link_refresh import LinkRefresher
from packmule.webhook.retry_schedule import RetrySchedule
from packmule.wiring.rules import address_rules

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Connection

    from packmule.assembly.build import RefreshLinks
    from packmule.jobs.model import ArchivePart, Job
    from packmule.settings import Settings
    from packmule.wiring.stores import Stores

_log = logging.getLogger(__name__)

MOST_FAILURES = 100
"""A message names this many failed files; the status names more, the list of files all."""

AT_ONCE = 32
"""Deliveries of a kind that a worker makes at once; one may take fifteen seconds."""

_WITH_FAILURES = frozenset({JobState.COMPLETED, JobState.FAILED})


def announcer(settings: Settings, stores: Stores) -> Announcer:
    """Make what tells of ended jobs; with nobody to tell, it does nothing."""

    def status(connection: Connection, job: Job) -> Mapping[str, Any]:
        from packmule.web.documents import status_of  # noqa: PLC0415 - only where somebody is told

        has_failures = job.progress.files_failed > 0 and job.state in _WITH_FAILURES
        failures = failures_of(connection, job.id, MOST_FAILURES) if has_failures else ()
        is_completed = job.state is JobState.COMPLETED
        warnings = warnings_of(connection, job.id, MOST_FAILURES) if is_completed else ()
        parts = () if job.max_part_bytes is None else read_archive_parts(connection, job.id)
        told = status_of(
            job,
            failures,
            settings.public_url,
            whole_urls=True,
            warnings=warnings,
            parts=parts,
            now=job.finished_at,
        )
        return told.model_dump(mode="json")

    def part(job: Job, part: ArchivePart) -> Mapping[str, Any]:
        from packmule.web.documents import part_of  # noqa: PLC0415 - as above

        return part_of(settings.public_url, job.hash, part).model_dump(mode="json")

    return Announcer(
        store=stores.messages,
        defer=stores.defer_delivery,
        status=status,
        part=part,
        predefined=settings.webhook_url is not None,
        of_jobs=settings.job_webhooks == "on",
    )


@contextmanager
def refreshing(settings: Settings) -> Iterator[RefreshLinks | None]:
    """Open what asks the operator's service for new links, if there is one."""
    if settings.refresh_url is None:
        yield None
        return
    resolver = Resolver()
    ca_file = str(settings.ca_file or certifi.where())
    agent = user_agent(settings.user_agent, settings.contact)
    try:
        yield LinkRefresher(
            url=parse(settings.refresh_url),
            poster=Poster(resolver, None, ca_file=ca_file, user_agent=agent),
            secrets=settings.webhook_secret,
            rules=address_rules(settings),
            max_url_length=settings.max_url_length,
            rewrites=settings.rewrite_links,
        ).refresh
    finally:
        resolver.close()


@contextmanager
def delivering(settings: Settings, stores: Stores) -> Iterator[Delivery]:
    """Open the senders until the end of the context."""
    may_own = settings.job_webhooks == "on"
    if (settings.webhook_url or may_own) and not settings.webhook_secret:
        _log.warning(
            "webhooks are sent without a signature: anyone can forge them; "
            "`packmule webhooks secret` makes a value for PACKMULE_WEBHOOK_SECRET"
        )
    ca_file = str(settings.ca_file or certifi.where())
    agent = user_agent(settings.user_agent, settings.contact)
    rules = address_rules(settings)
    resolver, strangers = Resolver(), Resolver()
    try:
        yield Delivery(
            store=stores.messages,
            url=settings.webhook_url,
            predefined=Poster(resolver, None, ca_file=ca_file, user_agent=agent),
            own=Poster(strangers, rules, ca_file=ca_file, user_agent=agent) if may_own else None,
            secrets=settings.webhook_secret,
            schedule=RetrySchedule(settings.webhook_retry_first),
        )
    finally:
        resolver.close()
        strangers.close()
