"""What every Python peer is told: links and output as arguments, BENCH_CA_FILE for TLS."""

import os
import ssl
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Job:
    """The links to fetch and the archive to make."""

    urls: list[str]
    output: Path


def read_job() -> Job:
    """Read the command line."""
    links, output = sys.argv[1:]
    return Job(Path(links).read_text().split(), Path(output))


def entry_name(url: str) -> str:
    """Name an entry after the last segment of its URL; the benchmark's are all different."""
    return urlsplit(url).path.rpartition("/")[2]


def ca_file() -> str | None:
    """Return the path of the benchmark's certificate; None over plain HTTP."""
    return os.environ.get("BENCH_CA_FILE")


def tls_context() -> ssl.SSLContext:
    """Trust the benchmark's certificate, or the system's over plain HTTP."""
    return ssl.create_default_context(cafile=ca_file())
