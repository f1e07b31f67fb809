"""An S3 server of a test's own, on loopback: moto's, in this process.

Owns starting and ending it, and the AWS_* variables by which a program reaches it.
"""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from functools import cache, cached_property
from typing import TYPE_CHECKING
from uuid import uuid4

import boto3
import botocore.session
from moto.server import ThreadedMotoServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3.client import S3Client


# What a client needs to know of S3 is a megabyte of JSON, which each session would read anew: that
# takes longer than most tests.
botocore.session.create_loader = cache(botocore.session.create_loader)


# The URL of a server that `make s3-conformance` has started, to be tested instead of the fakes.
GIVEN = "TEST_S3_ENDPOINT"


class FakeS3:
    """A server; each bucket is a test's own."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.environment = {
            "AWS_ENDPOINT_URL_S3": url,
            "AWS_ACCESS_KEY_ID": "packmule",
            "AWS_SECRET_ACCESS_KEY": "no secret",
            "AWS_DEFAULT_REGION": "us-east-1" if url == os.environ.get(GIVEN) else "eu-central-1",
        }

    @cached_property
    def client(self) -> S3Client:
        """Give a client that is nothing of ours."""
        return boto3.session.Session(
            aws_access_key_id="packmule",
            aws_secret_access_key="no secret",  # noqa: S106 - a fake's
            region_name="us-east-1" if self.url == os.environ.get(GIVEN) else "eu-central-1",
        ).client("s3", endpoint_url=self.url)

    def make_bucket(self) -> str:
        """Make a bucket and give its name."""
        name = f"bucket-{uuid4().hex}"
        if self.url == os.environ.get(GIVEN):  # which knows no region of Amazon's
            self.client.create_bucket(Bucket=name)
        else:
            self.client.create_bucket(
                Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
            )
        return name


@contextmanager
def given_or_running_s3() -> Iterator[FakeS3]:
    """Give the server to be tested where one is named, else run moto's."""
    if GIVEN in os.environ:
        yield FakeS3(os.environ[GIVEN])
        return
    with running_s3() as server:
        yield server


@contextmanager
def running_s3() -> Iterator[FakeS3]:
    """Run a server until the end of the context."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield FakeS3(f"http://{host}:{port}")
    finally:
        server.stop()
