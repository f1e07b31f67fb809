"""What several suites of promises need: a service on each kind of database and storage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.fakes.bucket import running_s3
from tests.fakes.postgres import empty_database
from tests.spec.service import Service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(
    params=[
        "directory",
        pytest.param("bucket", marks=pytest.mark.long),
        pytest.param("fleet", marks=pytest.mark.long),
    ]
)
def anywhere(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Service]:
    """Give a service that keeps its archives in a directory, or in a bucket, on each database."""
    with running_s3() as server, Service(tmp_path) as service:
        if request.param != "directory":
            service.use_bucket(server)
        if request.param == "fleet":
            postgres = empty_database(request.getfixturevalue("postgres_server"))
            service.environment["PACKMULE_DATABASE_URL"] = postgres
        yield service.start()
