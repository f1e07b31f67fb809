"""The serial fetcher: one requests session, one link after another, into a zipfile."""

import zipfile

import requests
from bench.peers.job import ca_file, entry_name, read_job


def main() -> None:
    """Fetch and pack, each link in its turn."""
    job = read_job()
    with (
        requests.Session() as session,
        zipfile.ZipFile(job.output, "w", zipfile.ZIP_STORED) as archive,
    ):
        session.verify = ca_file() or True
        for url in job.urls:
            response = session.get(url, timeout=60)
            response.raise_for_status()
            archive.writestr(entry_name(url), response.content)


if __name__ == "__main__":
    main()
