"""The Python client of a Packmule server: `Client`, and `AsyncClient` for an event loop.

    with Client("http://localhost:8000") as packmule:
        hash = packmule.create(["https://example.org/a.png"], name="holiday.zip")
        packmule.fetch(hash, "holiday.zip")

Owns nothing but the names. docs/python.md tells how it is used, `operations.py` what it does.
"""

from packmule.client.asynchronous import AsyncClient
from packmule.client.blocking import Client
from packmule.client.errors import (
    BadAnswer,
    BadItem,
    ClientError,
    DownloadFailed,
    NotCompleted,
    RequestRefused,
    ServerUnreachable,
    WaitTimeout,
)
from packmule.client.values import (
    Cancelled,
    Completed,
    CreateOptions,
    Downloaded,
    Expired,
    Failed,
    File,
    FileFailure,
    InProgress,
    Link,
    Progress,
    Status,
    Trouble,
)

__all__ = [
    "AsyncClient",
    "BadAnswer",
    "BadItem",
    "Cancelled",
    "Client",
    "ClientError",
    "Completed",
    "CreateOptions",
    "DownloadFailed",
    "Downloaded",
    "Expired",
    "Failed",
    "File",
    "FileFailure",
    "InProgress",
    "Link",
    "NotCompleted",
    "Progress",
    "RequestRefused",
    "ServerUnreachable",
    "Status",
    "Trouble",
    "WaitTimeout",
]
