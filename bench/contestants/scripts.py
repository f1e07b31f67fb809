"""Libraries that write archives, each driven by a short script in `bench/peers`."""

from pathlib import Path

from bench.contestants.contract import CommandContestant, Task
from bench.measure import Step
from bench.works import Door, Work

ROOT = Path(__file__).resolve().parents[2]


class PythonScript(CommandContestant):
    """A script of `bench/peers`, run by the peers' own Python."""

    def __init__(self, name: str, title: str, how: str, script: str, python: Path) -> None:
        self.name, self.title, self.how = name, title, how
        self._command = [str(python), "-m", f"bench.peers.{script}"]

    def steps(self, task: Task) -> list[Step]:
        """Run the script from the project's root, where it finds its neighbours."""
        return [Step([*self._command, str(task.write_links()), str(task.output)], ROOT)]


class SerialFetcher(PythonScript):
    """The one that shows what latency costs; it takes part only where there is some."""

    def suits(self, work: Work) -> bool:
        """Return whether the workload has latency."""
        return work.door is Door.LATENCY


class NodeScript(CommandContestant):
    """A script of `bench/peers/node`, run where its packages are installed."""

    def __init__(self, name: str, title: str, how: str, script: str, folder: Path) -> None:
        self.name, self.title, self.how = name, title, how
        self._script = folder / script
        self._folder = folder

    def steps(self, task: Task) -> list[Step]:
        """Run the script."""
        command = ["node", str(self._script), str(task.write_links()), str(task.output)]
        return [Step(command, self._folder)]


def python_scripts(python: Path) -> list[PythonScript]:
    """List the Python peers."""
    return [
        PythonScript(
            "stream-zip",
            "stream-zip + httpx",
            "one link after another, streamed as deflate of level 0",
            "stream_zip_httpx",
            python,
        ),
        PythonScript(
            "zipstream-ng",
            "zipstream-ng + requests",
            "one link after another, streamed",
            "zipstream_ng_requests",
            python,
        ),
        PythonScript(
            "aiohttp",
            "aiohttp, then zipfile",
            "downloads to files, ten at once, then packs them",
            "aiohttp_zipfile",
            python,
        ),
        SerialFetcher(
            "serial",
            "requests, one after another",
            "fetches and packs each link in its turn; only where there is latency",
            "serial_requests",
            python,
        ),
    ]


def node_scripts(folder: Path) -> list[NodeScript]:
    """List the node peers."""
    how = "entries one after another, 16 responses opened ahead"
    return [
        NodeScript("archiver", "node archiver + undici", how, "archiver.mjs", folder),
        NodeScript("yazl", "node yazl + undici", how, "yazl.mjs", folder),
    ]
