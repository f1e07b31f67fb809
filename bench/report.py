"""The report: readings as Markdown, for docs/benchmarks.md and for the terminal.

Owns the words and tables; the arithmetic is in `figures.py`, the targets in `promises.py`.
"""

from collections.abc import Iterable, Sequence

from bench.figures import Line, Table, ratio, tables
from bench.promises import OURS, Verdict, promises
from bench.records import Record, Run

HEAD = """\
## Packing

Packmule beside the tools one would otherwise reach for, on one machine, in one run.
"""
METHOD = """\
### How it is measured

- The origin is nginx on loopback, on the same machine and so on the same cores; its files are
  incompressible, all different, and in the page cache. The work with latency is served by a small
  server that waits 50 ms before each answer, on connections that stay open.
- The contestants take turns within each round, and each round begins with another one. Before each
  run the outputs of the one before are deleted and the disk is synced. Contestants that need long
  for a round have fewer rounds.
- Seconds are wall time of the whole process, or processes one after another, until the last has
  ended; medians. CPU is user and system time of the whole process tree, a GB being 10^9 bytes of
  bodies. What the kernel writes to the disk after a program has ended is in neither figure, which
  favours those that write through the page cache. "On disk" is the time until that is done too (a
  `sync` after the program's end): when the archive would outlive a power cut. Packmule's does
  when it says so.
- Memory is the greatest sum of Pss over the process tree, looked at 20 times a second and at
  first more often; shared pages count once. The table has the worst of all rounds.
- Every archive is compared with the origin's files by name, size and CRC-32; in a contestant's
  first round of a work every byte is read as well. A wrong archive is a failed run.
"""


def render(runs: Sequence[Run], records: Iterable[Record]) -> str:
    """Write the whole report; of several runs the last speaks for machine and versions."""
    found = tables(records)
    last = runs[-1]
    titles = {name: title for run in runs for name, title in run.titles.items()}
    works = {name: title for run in runs for name, title in run.works.items()}
    parts = [HEAD, _facts(runs), _promises(found, works)]
    parts += [_work(name, works[name], table, titles) for name, table in found.items()]
    parts += [_contestants(last), METHOD]
    return "\n".join(parts)


def _facts(runs: Sequence[Run]) -> str:
    """Return when, where and by which command this was measured."""
    machine = runs[-1].machine
    lines = [f"- Machine: {'; '.join(machine.values())}."]
    lines += [f"- {run.at}, by `{run.command}`." for run in runs]
    if any(run.scale != 1 for run in runs):
        lines.append("- **A trial with small data: these figures say nothing about speed.**")
    return "\n".join(lines) + "\n"


def _promises(found: dict[str, Table], works: dict[str, str]) -> str:
    """Return for each promise whether it was held."""
    lines = ["### Promises", "", "| work | what | figure | target | |", "|---|---|--:|--:|---|"]
    measured = [name for name in works if name in found]
    lines += [_verdict(promise.verdict(found), works) for promise in promises(measured)]
    return "\n".join(lines) + "\n"


def _verdict(verdict: Verdict, works: dict[str, str]) -> str:
    """Write one promise's row."""
    promise = verdict.promise
    unit = promise.unit or " x"
    figure = "not measured" if verdict.value is None else f"{verdict.value:.3g}{unit}"
    bound = "at most" if promise.at_most else "at least"
    held = {None: "not measured", True: "held", False: "**missed**"}[verdict.held]
    work = works.get(promise.work, promise.work)
    return f"| {work} | {promise.text} | {figure} | {bound} {promise.target:g}{unit} | {held} |"


def _work(name: str, title: str, table: Table, titles: dict[str, str]) -> str:
    """Write one work's table, fastest first, those that failed last."""
    lines = [f"### {name}: {title}", ""]
    lines += ["| | seconds | least to most | to ours | on disk | CPU s/GB | peak MB | rounds |"]
    lines += ["|---|--:|--:|--:|--:|--:|--:|--:|"]
    ordered = sorted(table.values(), key=lambda line: (not line.rounds, line.seconds))
    lines += [_row(line, titles[line.contestant], table) for line in ordered]
    lines += [_failure(line, titles[line.contestant]) for line in ordered if line.failures]
    return "\n".join(lines) + "\n"


def _row(line: Line, title: str, table: Table) -> str:
    """Write one contestant's row."""
    if not line.rounds:
        return f"| {title} | failed | | | | | | 0 |"
    times = ratio(table, line.contestant, OURS)
    cells = [
        title,
        f"{line.seconds:.2f}",
        f"{line.fastest:.2f} to {line.slowest:.2f}",
        "" if times is None else f"{times:.2f}",
        "" if line.on_disk is None else f"{line.on_disk:.2f}",
        f"{line.cpu_per_gb:.2f}",
        # A run that is over before the first look has no figure.
        f"{line.peak_mb:.0f}" if line.peak_mb else "",
        f"{line.rounds}" + (f", {len(line.failures)} failed" if line.failures else ""),
    ]
    return f"| {' | '.join(cells)} |"


def _failure(line: Line, title: str) -> str:
    """Return why a contestant failed."""
    tried = line.rounds + len(line.failures)
    return f"\n{title} failed {len(line.failures)} of {tried} rounds: {line.failures[0]}"


def _contestants(run: Run) -> str:
    """Describe each contestant, with all versions."""
    lines = ["### Contestants", ""]
    lines += [f"- {title}: {run.ways[name]}." for name, title in run.titles.items()]
    versions = ", ".join(f"{name} {version}" for name, version in run.versions.items())
    return "\n".join([*lines, "", f"Versions: {versions}.", ""])
