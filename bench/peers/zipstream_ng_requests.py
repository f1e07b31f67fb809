"""zipstream-ng fed by requests: one link after another, streamed, nothing kept in memory."""

from collections.abc import Iterator

import requests
from bench.peers.job import ca_file, entry_name, read_job
from zipstream import ZIP_STORED, ZipStream  # type: ignore[import-not-found]

CHUNK = 256 * 1024


def body(session: requests.Session, url: str) -> Iterator[bytes]:
    """Yield one link's body as it arrives."""
    with session.get(url, stream=True, timeout=60) as response:
        response.raise_for_status()
        yield from response.iter_content(CHUNK)


def main() -> None:
    """Make the archive."""
    job = read_job()
    archive = ZipStream(compress_type=ZIP_STORED)
    with requests.Session() as session, job.output.open("wb") as output:
        session.verify = ca_file() or True
        for url in job.urls:
            archive.add(body(session, url), entry_name(url))
        output.writelines(archive)


if __name__ == "__main__":
    main()
