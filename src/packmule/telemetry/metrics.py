"""Every metric there is: name, help, labels and, where they can be listed, the labels' words.

Owns the definitions; whoever knows that something has happened counts it here. No label holds a
URL, a host, a hash or a client: what others choose would make series without bound. The law:
Prometheus' naming (a unit in the name, `_total` for counters); docs/operations.md explains each.
"""

from __future__ import annotations

import sys

import packmule
from packmule.errors import FailureCode
from packmule.telemetry.instruments import By, Counter, Gauge, Histogram

_OF_JOBS = (
    FailureCode.FILES_FAILED,
    FailureCode.ARCHIVE_TOO_LARGE,
    FailureCode.DISK_FULL,
    FailureCode.STORAGE,
    FailureCode.QUARANTINED,
)
_CODES_OF_JOBS = (*(code.value for code in _OF_JOBS), FailureCode.INTERNAL.value)
_CODES_OF_FILES = tuple(code.value for code in FailureCode if code not in _OF_JOBS)
_METHODS = ("GET", "HEAD", "POST", "DELETE", "OPTIONS")
_REQUEST_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_ARCHIVE_SECONDS = (0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 4 * 3600, 24 * 3600)

# --- fetching ---------------------------------------------------------------------------------

BYTES_FETCHED = Counter(
    "packmule_bytes_fetched", "Bytes of files received from origins, given up ones included."
)
TRANSFERS = Counter(
    "packmule_transfers",
    "Transfers (single tries at a source) that have ended.",
    {"outcome": ("finished", "redirected", "retried", "repeated", "failed", "stopped")},
)
TRANSFERS_IN_WORK = Gauge("packmule_transfers_in_work", "Transfers under way.")
RETRIES = Counter(
    "packmule_transfer_retries", "Transfers to be tried again, by why.", {"cause": _CODES_OF_FILES}
)
SEGMENTS = Counter(
    "packmule_segments",
    "Transfers of segments of large files that have ended.",
    {"outcome": ("filled", "cut", "refused", "stopped")},
)
FILES_PACKED = Counter("packmule_files_packed", "Files written into archives.")
FILES_FAILED = Counter(
    "packmule_files_failed", "Files that could not be fetched, by why.", {"code": _CODES_OF_FILES}
)

# --- jobs -------------------------------------------------------------------------------------

JOBS_ACCEPTED = Counter(
    "packmule_jobs_accepted", "Requests for an archive that were accepted.", by=By.API
)
TASKS_RESTORED = Counter(
    "packmule_tasks_restored", "Tasks put in again for jobs and messages that had lost theirs."
)
ATTEMPTS = Counter("packmule_attempts", "Runs of jobs that were begun, taken up ones included.")
ARCHIVES_COMPLETED = Counter("packmule_archives_completed", "Archives published.")
PARTS_COMPLETED = Counter("packmule_archive_parts_completed", "Parts of split archives published.")
ARCHIVES_FAILED = Counter(
    "packmule_archives_failed", "Jobs that have failed, by why.", {"code": _CODES_OF_JOBS}
)
ARCHIVE_BYTES = Counter("packmule_archive_bytes", "Bytes of the archives published.")
ARCHIVE_SECONDS = Histogram(
    "packmule_archive_seconds",
    "Seconds from a job's creation to its archive's publication.",
    buckets=_ARCHIVE_SECONDS,
)

# --- the object store ---------------------------------------------------------------------------

BUCKET_REQUESTS = Counter(
    "packmule_bucket_requests",
    "Requests to the object store, by operation and outcome.",
    {"operation": None, "outcome": ("ok", "later", "refused", "unreachable")},
    by=By.EACH,
)
BUCKET_SECONDS = Histogram(
    "packmule_bucket_request_seconds",
    "Seconds until the object store has answered, its retries included; of reads, until it begins.",
    {"operation": None},
    by=By.EACH,
    buckets=_REQUEST_SECONDS,
)

# --- the service, asked when the metrics are --------------------------------------------------

JOBS = Gauge("packmule_jobs", "Jobs in each state.", {"state": None}, by=By.SERVICE)
QUEUE_LENGTH = Gauge(
    "packmule_queue_length", "Jobs that wait for a worker to take them up.", by=By.SERVICE
)
QUEUE_AGE = Gauge(
    "packmule_queue_age_seconds", "Seconds the oldest due task has waited.", by=By.SERVICE
)
STORAGE_WAITS = Gauge(
    "packmule_jobs_waiting_for_storage",
    "Jobs that wait for an object store that is away or refuses access.",
    by=By.SERVICE,
)
BUCKET_UP = Gauge(
    "packmule_storage_up",
    "Whether the API could write to the storage when it last looked: 1 or 0.",
    by=By.SERVICE,
)
DISK_FREE = Gauge("packmule_disk_free_bytes", "Bytes that storage can still take.", by=By.SERVICE)
DISK_RESERVE = Gauge(
    "packmule_disk_reserve_bytes",
    "Free bytes below which no job begins to write (PACKMULE_MIN_FREE_BYTES).",
    by=By.SERVICE,
)
WORKER_AGE = Gauge(
    "packmule_worker_heartbeat_age_seconds",
    "Seconds since the last sign of life of a worker of this data directory.",
    by=By.SERVICE,
)
WORKERS = Gauge(
    "packmule_workers",
    "Workers of a fleet: alive, or dead, which is silent for 15 seconds to a day.",
    {"state": ("alive", "dead")},
    by=By.SERVICE,
)
SCRATCH_FREE = Gauge(
    "packmule_scratch_free_bytes", "Bytes that the disk of this worker's scratch can still take."
)
GATHER_FAULTS = Counter(
    "packmule_gather_faults",
    "Times a part could not be asked for its metrics.",
    {"part": ("jobs", "queue", "disk", "storage", "worker")},
    by=By.API,
)
BUILD = Gauge(
    "packmule_build_info", "The program: always 1.", {"version": None, "python": None}, by=By.EACH
)

# --- HTTP -------------------------------------------------------------------------------------

REQUESTS = Counter(
    "packmule_http_requests",
    "Requests answered, by route template, method and status.",
    {"route": None, "method": _METHODS, "status": None},
    by=By.API,
)
REQUEST_SECONDS = Histogram(
    "packmule_http_request_seconds",
    "Seconds until an answer's last byte was handed to the server, by route template.",
    {"route": None},
    by=By.API,
    buckets=_REQUEST_SECONDS,
)
REQUESTS_IN_WORK = Gauge("packmule_http_requests_in_work", "Requests whose answer is not complete.")
DOWNLOAD_BYTES = Counter(
    "packmule_download_bytes", "Bytes of archives handed to the server for sending.", by=By.API
)

# --- webhooks ---------------------------------------------------------------------------------

WEBHOOK_TRIES = Counter(
    "packmule_webhook_tries",
    "Tries at handing a message to a webhook, by outcome.",
    {"outcome": ("delivered", "retried", "given-up")},
)

LINK_REFRESHES = Counter(
    "packmule_link_refreshes",
    "Expired links that new ones were asked for, by whether one was received.",
    {"outcome": ("received", "missing")},
)

ALL: tuple[Counter | Gauge | Histogram, ...] = tuple(
    each for each in list(globals().values()) if isinstance(each, Counter | Gauge | Histogram)
)


def set_constants() -> None:
    """Set what never changes while the process lives."""
    BUILD.set(1, packmule.__version__, ".".join(map(str, sys.version_info[:3])))
    REQUESTS_IN_WORK.inc(by=0)
