"""stream-zip fed by httpx: one link after another."""

import zlib
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
from bench.peers.job import entry_name, read_job, tls_context
from stream_zip import ZIP_64, stream_zip  # type: ignore[import-not-found]

MODE = 0o644


def body(client: httpx.Client, url: str) -> Iterator[bytes]:
    """Yield one link's body as it arrives."""
    with client.stream("GET", url) as response:
        response.raise_for_status()
        yield from response.iter_raw()


def uncompressed() -> "zlib._Compress":
    """Return a deflater that only copies; as fast as stored entries, and needs no memory."""
    return zlib.compressobj(level=0, wbits=-zlib.MAX_WBITS)


def main() -> None:
    """Make the archive, streamed; stored entries would hold each body in memory."""
    job = read_job()
    now = datetime.now(UTC)
    with httpx.Client(verify=tls_context(), timeout=60) as client, job.output.open("wb") as output:
        members = ((entry_name(url), now, MODE, ZIP_64, body(client, url)) for url in job.urls)
        output.writelines(stream_zip(members, get_compressobj=uncompressed))


if __name__ == "__main__":
    main()
