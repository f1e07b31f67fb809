"""Download programs, then Info-ZIP: every byte is written twice and read once."""

from bench.contestants.contract import CommandContestant, Task
from bench.contestants.limits import curl_command, curl_config
from bench.measure import Step


def zip_step(task: Task) -> Step:
    """Pack the downloads without compressing them."""
    return Step(["zip", "-0", "-q", "-r", str(task.output), "."], task.folder / "files")


class CurlThenZip(CommandContestant):
    """The downloads of curl, packed by zip."""

    name = "curl-zip"
    title = "`curl --parallel`, then `zip -0`"
    how = "downloads to files, as many at once as curl-null, then packs them"

    def steps(self, task: Task) -> list[Step]:
        """Download, then pack."""
        files = task.folder / "files"
        files.mkdir()
        config = curl_config(task, [str(files / name) for name in task.names()])
        return [Step(curl_command(task, config), task.folder), zip_step(task)]


class Aria2ThenZip(CommandContestant):
    """The downloads of aria2, packed by zip."""

    name = "aria2-zip"
    title = "aria2, then `zip -0`"
    how = "downloads to files, as many at once, without allocating them first, then packs them"

    def steps(self, task: Task) -> list[Step]:
        """Download, then pack."""
        files = task.folder / "files"
        files.mkdir()
        command = ["aria2c", "--no-conf", "--quiet", f"--input-file={task.write_links()}"]
        command += [
            f"--dir={files}",
            "--file-allocation=none",
            f"--max-concurrent-downloads={task.work.at_once}",
        ]
        if task.authority:
            command.append(f"--ca-certificate={task.authority}")
        return [Step(command, task.folder), zip_step(task)]
