"""The two limits no archiver can beat by much: the network alone and the disk alone."""

from pathlib import Path

from bench.contestants.contract import CommandContestant, Task
from bench.measure import Step


def curl_config(task: Task, outputs: list[str]) -> Path:
    """Write a curl configuration that fetches every link to its output, in one process."""
    path = task.folder.parent / "curl.conf"
    path.write_text(
        "".join(
            f'url = "{url}"\noutput = "{output}"\n'
            for url, output in zip(task.urls, outputs, strict=True)
        )
    )
    return path


def curl_command(task: Task, config: Path) -> list[str]:
    """Return the curl command that runs a configuration."""
    command = ["curl", "--disable", "--silent", "--show-error", "--fail"]
    command += ["--parallel", "--parallel-max", str(task.work.at_once)]
    if task.authority:
        command += ["--cacert", str(task.authority)]
    return [*command, "--config", str(config)]


class CurlToNull(CommandContestant):
    """The network's limit: fetch everything, keep nothing."""

    name = "curl-null"
    title = "`curl --parallel` to /dev/null"
    how = (
        "one process fetches everything and keeps nothing: the network's limit; 8 big files at"
        " once, 16 small ones, 64 behind latency, which served it best"
    )
    makes_archive = False

    def steps(self, task: Task) -> list[Step]:
        """Fetch to /dev/null."""
        config = curl_config(task, ["/dev/null"] * len(task.urls))
        return [Step(curl_command(task, config), task.folder)]


class DiskAlone(CommandContestant):
    """The disk's limit: write as many bytes past the page cache, fetch nothing."""

    name = "dd"
    title = "`dd`, O_DIRECT"
    how = (
        "writes as many bytes to the same disk in 1 MiB blocks past the page cache, fetches nothing"
    )
    makes_archive = False

    def steps(self, task: Task) -> list[Step]:
        """Copy the reserve, which is in the page cache, to the disk."""
        command = ["dd", f"if={task.reserve}", "of=out.bin", "bs=1M", "oflag=direct"]
        return [Step(command, task.folder)]
