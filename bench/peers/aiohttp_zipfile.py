"""The plain solution: aiohttp downloads to files, ten at once; then zipfile packs them."""

import asyncio
import tempfile
import zipfile
from pathlib import Path

import aiohttp  # type: ignore[import-not-found]
from bench.peers.job import entry_name, read_job, tls_context

AT_ONCE = 10
CHUNK = 64 * 1024


async def download(
    session: aiohttp.ClientSession, gate: asyncio.Semaphore, url: str, path: Path
) -> None:
    """Save one link."""
    async with gate, session.get(url) as response:
        response.raise_for_status()
        with path.open("wb") as file:
            async for chunk in response.content.iter_chunked(CHUNK):
                file.write(chunk)


async def download_all(urls: list[str], folder: Path) -> None:
    """Save every link, ten at once."""
    gate = asyncio.Semaphore(AT_ONCE)
    connector = aiohttp.TCPConnector(ssl=tls_context(), limit=AT_ONCE)
    timeout = aiohttp.ClientTimeout(total=None, sock_read=60)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        await asyncio.gather(
            *(download(session, gate, url, folder / entry_name(url)) for url in urls)
        )


def main() -> None:
    """Download, then pack."""
    job = read_job()
    with tempfile.TemporaryDirectory(dir=job.output.parent) as name:
        folder = Path(name)
        asyncio.run(download_all(job.urls, folder))
        with zipfile.ZipFile(job.output, "w", zipfile.ZIP_STORED) as archive:
            for url in job.urls:
                archive.write(folder / entry_name(url), entry_name(url))


if __name__ == "__main__":
    main()
