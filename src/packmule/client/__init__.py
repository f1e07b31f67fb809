"""The Python client of a Packmule server: `Client`, and `AsyncClient` for an event loop.

    with Client("http://localhost:8000") as packmule:
        archive_hash = packmule.create(["https://example.org/a.png"], name="holiday.zip")
        packmule.fetch(archive_hash, "holiday.zip")

Owns only the public names. docs/python.md is the guide; the logic is in `operations.py`,
`downloading.py` and `fetching.py`.
"""

from packmule import __version__
from packmule.client.asynchronous import AsyncClient
from packmule.client.blocking import Client
from packmule.client.errors import (
    APIStatusError,
    ClientError,
    ConnectionError,
    DownloadFailed,
    InvalidField,
    InvalidResponseError,
    NotCompleted,
    WaitTimeout,
)
from packmule.client.values import (
    Archive,
    Cancelled,
    Completed,
    CreateOptions,
    Downloaded,
    Expired,
    Failed,
    File,
    FileFailure,
    FileWarning,
    InProgress,
    JobProgress,
    Link,
    RetryEvent,
    SplitPart,
    Status,
)

__all__ = [
    "APIStatusError",
    "Archive",
    "AsyncClient",
    "Cancelled",
    "Client",
    "ClientError",
    "Completed",
    "ConnectionError",
    "CreateOptions",
    "DownloadFailed",
    "Downloaded",
    "Expired",
    "Failed",
    "File",
    "FileFailure",
    "FileWarning",
    "InProgress",
    "InvalidField",
    "InvalidResponseError",
    "JobProgress",
    "Link",
    "NotCompleted",
    "RetryEvent",
    "SplitPart",
    "Status",
    "WaitTimeout",
    "__version__",
]
