"""The report: the table of targets with its verdicts, and each case's table. Pure.

Owns the wording; the figures are `readings.py`'s.
"""

from collections.abc import Mapping, Sequence

from bench.wan.cases import Case
from bench.wan.contestants import FETCH, KNOWN, UNKNOWN
from bench.wan.readings import Result


def verdict(ratio: float | None, target: float | None) -> str:
    """Return one cell: the ratio, the target and whether it was held."""
    if ratio is None:
        return "failed" if target else ""
    if target is None:
        return f"{ratio:.2f}"
    return f"{ratio:.2f} of {target:.2f}, {'held' if ratio <= target else '**missed**'}"


def targeted(case: Case) -> list[tuple[str, float | None]]:
    """List which of our contestants stand in the two columns of targets, with their targets."""
    return [(FETCH if case.archive else UNKNOWN, case.unknown), (KNOWN, case.known)]


def all_held(case: Case, result: Result) -> bool:
    """Return whether a case's targets are met."""
    ratios = [(result.ratio(name), target) for name, target in targeted(case)]
    return all(
        ratio is not None and ratio <= target for ratio, target in ratios if target is not None
    )


def targets(cases: Sequence[Case], results: Mapping[str, Result]) -> str:
    """Write the table of targets."""
    lines = [
        "| case | fastest peer | unknown host | known to bear 128 |",
        "|---|---|--:|--:|",
    ]
    for case in cases:
        if (result := results.get(case.name)) is None:
            continue
        peer = result.fastest_peer
        said = f"{peer.title} {peer.seconds:.2f} s" if peer else "none came through"
        cells = [
            verdict(result.ratio(name), target) if result.line(name) else ""
            for name, target in targeted(case)
        ]
        lines.append(f"| {case.title} | {said} | {' | '.join(cells)} |")
    return "\n".join(lines)


def table(case: Case, result: Result) -> str:
    """Write a case's table."""
    lines = [
        f"### {case.title}",
        "",
        f"{case.words}; {result.moved_bytes / 1e6:.0f} MB.",
        "",
        "| | seconds | least to most | MB/s | CPU s | connections | refused | rounds |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for line in sorted(result.lines, key=lambda one: one.seconds or 1e9):
        if not line.counts:
            reason = line.failures[0] if line.failures else "not run"
            lines.append(f"| {line.title} | failed: {reason} | | | | | | {len(line.turns)} |")
            continue
        turn = line.middle()
        times = [one.seconds for one in line.good]
        rate = result.moved_bytes / 1e6 / (line.seconds or 1.0)
        lines.append(
            f"| {line.title} | {line.seconds:.2f} | {min(times):.2f} to {max(times):.2f} "
            f"| {rate:.1f} | {turn.cpu_seconds:.2f} | {turn.connections} | {turn.refused} "
            f"| {len(line.turns)} |"
        )
    return "\n".join(lines)


HOW = """\
### How it is measured

- The link is a program of the benchmark's own between two network namespaces. It passes packets on
  late, at limited rates, through a queue that drops what would wait too long, and loses some at
  random. What runs over it is the kernel's TCP (cubic), which forgets each host between runs.
- The hosts are one nginx with TLS 1.3. A limit counts the requests under way, and a limit on the
  rate is each request's. "Connections" are those that carried a request; "refused" counts answers
  429 and 503, in the median round.
- Contestants take turns within each round, and each round begins with another one; the figures are
  medians. A peer that is 2.5 times as slow as the fastest, or fails, has one turn. A ratio is to
  the fastest peer of the case, whichever that is.
- Packmule makes an archive, its peers make files; both are checked byte by byte. Ours runs with
  default settings. "Known to bear 128" is `PACKMULE_HOST_LIMITS` with 128 for each host. Where a
  server has a limit, peers that are told it take part too.
- `rclone copyurl` takes one link a process, so it takes part where there are at most 8 files.
"""


def section(
    cases: Sequence[Case], results: Mapping[str, Result], about: Sequence[str], picture: str
) -> str:
    """Write the document's section."""
    parts = [
        "## On a real network",
        "By `make bench-wan`, on an emulated link, beside what one would use for downloading.",
        "\n".join(f"- {line}" for line in about),
        "### Targets",
        targets(cases, results),
        f"Throughput over time:\n\n![Throughput over time of three cases]({picture})",
    ]
    parts += [table(case, results[case.name]) for case in cases]
    return "\n\n".join([*parts, HOW])
