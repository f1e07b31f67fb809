"""The pure modules whose tests are tested, and the tests that are to notice.

The one table of them: a module that is renamed is renamed here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """A module of the package, by its path below it, and its unit tests below `tests/unit`.

    `conformance` are tests below `tests/conformance`, run on SQLite.
    """

    name: str
    suites: tuple[str, ...] = ()
    conformance: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """The file, from the project's root."""
        return f"src/packmule/{self.name}.py"

    @property
    def module(self) -> str:
        """The name by which it is imported."""
        return f"packmule.{self.name.replace('/', '.')}"

    @property
    def tests(self) -> list[str]:
        """The test files, from the project's root."""
        return [
            *(f"tests/unit/{suite}.py" for suite in self.suites),
            *(f"tests/conformance/{suite}.py" for suite in self.conformance),
        ]


TARGETS = (
    Target("assembly/content_coding", ("assembly/test_content_coding",)),
    Target(
        "assembly/names/charsets",
        ("assembly/names/test_charsets",),
    ),
    Target("assembly/names/content_disposition", ("assembly/names/test_content_disposition",)),
    Target(
        "assembly/names/entry_names",
        ("assembly/names/test_entry_names", "assembly/names/test_entry_names_types"),
    ),
    Target("assembly/resuming", ("assembly/test_resuming",)),
    Target(
        "jobs/transitions",
        conformance=("test_job_store", "test_job_store_lives", "test_job_store_parts"),
    ),
    Target("outbound/addresses", ("outbound/test_addresses",)),
    Target("outbound/head", ("outbound/test_head",)),
    Target(
        "outbound/host_health",
        (
            "outbound/test_host_health",
            "outbound/test_host_health_books",
            "outbound/test_host_limits",
            "outbound/test_retry_budget",
            "outbound/test_fetch_scheduler",
            "outbound/test_fetch_scheduler_books",
            "outbound/test_fetch_scheduler_fleet",
        ),
    ),
    Target("outbound/locations", ("outbound/test_locations",)),
    Target("outbound/retry_hints", ("outbound/test_retry_hints",)),
    Target("outbound/share_links", ("outbound/test_share_links",)),
    Target("outbound/tls_errors", ("outbound/test_tls_errors",)),
    Target(
        "outbound/fetch_scheduler",
        (
            "outbound/test_fetch_scheduler",
            "outbound/test_fetch_scheduler_books",
            "outbound/test_fetch_scheduler_fleet",
            "outbound/test_fetch_scheduler_segments",
            "outbound/test_host_limits",
            "outbound/test_retry_budget",
        ),
    ),
    Target(
        "outbound/transfer",
        (
            "outbound/test_transfer_answers",
            "outbound/test_transfer_resumes",
            "outbound/test_transfer_ends",
            "outbound/test_transfer_faults",
        ),
    ),
    Target("outbound/urls", ("outbound/test_urls", "outbound/test_redirects")),
    Target("web/json_scan", ("web/test_json_scan",)),
    Target("web/ranges", ("web/test_ranges",)),
    Target("webhook/retry_schedule", ("webhook/test_retry_schedule",)),
    Target("zipformat/headers", ("zipformat/test_headers", "zipformat/test_extras")),
    Target("zipformat/layout", ("zipformat/test_layout",)),
    Target("zipformat/names", ("zipformat/test_names",)),
    Target(
        "zipformat/records",
        ("zipformat/test_records", "zipformat/test_archives", "zipformat/test_headers"),
    ),
)
