"""An archive with text in it: `packmule pack` beside download and `zip -6`, in turns, in one run.

Owns the texts, the turns and the verdict: at least 3 times faster at no more than 10 % larger.
Leaves serving to `origin.py`, taking a reading to `measure.py`.

    make bench-compression                          about two minutes
    make bench-compression ARGS="--mib 4 --rounds 1"   a trial; its times mean nothing

Each kind of text is made from words that come as often as words do (Zipf), numbers and times, the
same each time; source code is this Python's own library. A share of the bytes is incompressible, as
a photograph among the pages would be; the sizes are told for the text alone as well.
"""

import argparse
import itertools
import json
import os
import random
import shutil
import statistics
import sys
import sysconfig
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench import document, machine
from bench.measure import Reading, Step, run_steps
from bench.origin import running
from bench.works import MIB, Door

FASTER, LARGER = 3.0, 1.10
FILES_A_KIND = 8
LIMIT_SECONDS = 600.0
FOLDER = "texts"
NOISE = "bin"
KINDS = ("json", "csv", "html", "log", "py", NOISE)


@dataclass(frozen=True, slots=True)
class Result:
    """What one contestant took, each round, and how long its archive is in bytes.

    `kinds` are the bytes that the files of each kind take in it.
    """

    seconds: tuple[float, ...]
    size: int
    kinds: dict[str, int]

    @property
    def text(self) -> int:
        """The bytes that the texts take."""
        return sum(size for kind, size in self.kinds.items() if kind != NOISE)

    @property
    def median(self) -> float:
        """The middle of the times."""
        return statistics.median(self.seconds)


def lines_of(kind: str, chance: random.Random) -> Iterator[str]:
    """Yield lines of one kind of text without end."""
    letters = "etaoinshrdlucmfwypvbgkjqxz"
    words = ["".join(chance.choices(letters, range(26, 0, -1), k=chance.randint(2, 11)))
             for _ in range(20_000)]  # fmt: skip
    weights = list(itertools.accumulate(1 / rank for rank in range(1, len(words) + 1)))

    def some(least: int, most: int) -> str:
        return " ".join(chance.choices(words, cum_weights=weights, k=chance.randint(least, most)))

    for number in itertools.count(1):
        moment = f"2024-05-{number // 86400 % 28 + 1:02}T{number // 3600 % 24:02}:{number % 60:02}"
        amount = chance.randint(1, 999_999)
        match kind:
            case "json":
                record = {"id": number, "at": moment, "title": some(2, 6), "amount": amount / 100}
                yield json.dumps(record) + "\n"
            case "csv":
                yield f"{number},{moment},{some(1, 3)},{amount / 100},{chance.random():.6f}\n"
            case "html":
                link = f'<a href="/page/{amount}">{some(1, 4)}</a>'
                yield f'<p class="entry">{link} {some(9, 40)}</p>\n'
            case _:
                worker = f"INFO [worker-{amount % 8}]"
                yield f"{moment} {worker} {some(1, 2)}: {amount} ms, id={amount:08x}\n"


def source_code() -> bytes:
    """Yield the files of this Python's standard library."""
    root = Path(sysconfig.get_paths()["stdlib"])
    files = sorted(path for path in root.glob("*.py") if path.is_file())
    return b"".join(path.read_bytes() for path in files)


def make_texts(folder: Path, mib: int, each: int = FILES_A_KIND) -> list[str]:
    """Make the files not there yet, of `mib` MiB, `each` of a kind; give the names of all."""
    folder.mkdir(parents=True, exist_ok=True)
    size = mib * MIB
    code = source_code()
    names = []
    for kind, number in itertools.product(KINDS, range(each)):
        path = folder / f"{mib}-{number}.{kind}"
        names.append(path.name)
        if path.exists() and path.stat().st_size == size:
            continue
        chance = random.Random(f"{kind}{number}")  # noqa: S311 - no secret
        if kind == NOISE:
            body = chance.randbytes(size)
        elif kind == "py":
            begin = number * len(code) // each
            turned = code[begin:] + code[:begin]
            body = (turned * (size // len(code) + 1))[:size]
        else:
            body = b"".join(_enough(lines_of(kind, chance), size))[:size]
        path.write_bytes(body)
    return names


def _enough(lines: Iterator[str], size: int) -> Iterator[bytes]:
    have = 0
    while have < size:
        line = next(lines).encode()
        have += len(line)
        yield line


def contestants(urls: Path, out: Path) -> dict[str, list[Step]]:
    """List who makes `out/<name>.zip` and by which commands, in `out`."""
    pack = [str(Path(sys.executable).with_name("packmule")), "pack", "-q", "-f", "-i", str(urls)]
    pack += ["--allow-network", "127.0.0.0/8", "-o", "packmule.zip"]
    aria = ["aria2c", "-q", "-j32", "-x1", "--file-allocation=none", "-i", str(urls), "-d"]
    curl = ["curl", "-sS", "-Z", "--parallel-max", "32", "--remote-name-all", "--create-dirs"]
    links = urls.read_text().split()
    return {
        "packmule": [Step(pack, out)],
        "aria2-zip": [Step([*aria, "aria2"], out),
                      Step(["zip", "-q", "-6", "-r", "aria2-zip.zip", "aria2"], out)],
        "curl-zip": [Step([*curl, "--output-dir", "curl", *links], out),
                     Step(["zip", "-q", "-6", "-r", "curl-zip.zip", "curl"], out)],
    }  # fmt: skip


def measure(
    who: dict[str, list[Step]], out: Path, rounds: int, run: Callable[[list[Step]], Reading]
) -> dict[str, Result]:
    """Measure each once per round, in a different order each time."""
    seconds: dict[str, list[float]] = {name: [] for name in who}
    sizes: dict[str, int] = {}
    kinds: dict[str, dict[str, int]] = {}
    names = list(who)
    for turn in range(rounds):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            shutil.rmtree(out, ignore_errors=True)
            out.mkdir(parents=True)
            reading = run(who[name])
            seconds[name].append(reading.seconds)
            archive = out / f"{name}.zip"
            with zipfile.ZipFile(archive) as made:
                if made.testzip() is not None:
                    raise SystemExit(f"{name}: its archive is damaged")
                kinds[name] = dict.fromkeys(KINDS, 0)
                for entry in made.infolist():
                    if not entry.is_dir():
                        kinds[name][Path(entry.filename).suffix[1:]] += entry.compress_size
            sizes[name] = archive.stat().st_size
            print(f"round {turn + 1}: {name:10} {seconds[name][-1]:7.2f} s {sizes[name]:13,} bytes")
    return {name: Result(tuple(seconds[name]), sizes[name], kinds[name]) for name in who}


def verdict(results: dict[str, Result]) -> tuple[bool, str]:
    """Return whether ours is fast and small enough beside the fastest peer, and why."""
    ours = results["packmule"]
    best = min((name for name in results if name != "packmule"), key=lambda n: results[n].median)
    faster = results[best].median / ours.median
    # The archives together, and the texts by themselves: the worse of the two counts.
    larger = max(ours.size / results[best].size, ours.text / results[best].text)
    each = ", ".join(
        f"{kind} {100 * ours.kinds[kind] / results[best].kinds[kind] - 100:+.1f} %"
        for kind in KINDS
    )
    kept = faster >= FASTER and larger <= LARGER
    return kept, (
        f"{faster:.2f} times as fast as {best} (at least {FASTER:g}), "
        f"{100 * larger - 100:+.1f} % in size (at most {100 * LARGER - 100:+.0f} %; {each}): "
        f"{'kept' if kept else 'not kept'}"
    )


def section(results: dict[str, Result], sentence: str, about: dict[str, str]) -> str:
    """Write the document's section."""
    rounds = len(results["packmule"].seconds)
    lines = [
        "## An archive with text in it",
        "",
        f"By `make bench-compression`, medians of {rounds} rounds; {'; '.join(about.values())}.",
        "",
        "| | seconds | bytes |",
        "|---|--:|--:|",
    ]
    lines += [f"| {name} | {one.median:.2f} | {one.size:,} |" for name, one in results.items()]
    return "\n".join([*lines, "", f"Packmule is {sentence}."])


def main() -> None:
    """Measure, print, and exit with 1 where the promise is not kept."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--mib", type=int, default=8, help="size of each of the 48 files")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--dir", type=Path, default=Path("bench/.work"))
    given = options.parse_args()
    folder = given.dir.absolute() / "compression"
    names = make_texts(folder / FOLDER, given.mib)
    out = folder / "out"
    with running(folder, folder / "server", None) as origin:
        urls = folder / "urls.txt"
        base = f"{origin.bases[Door.PLAIN]}/{FOLDER}"
        urls.write_text("".join(f"{base}/{name}\n" for name in names))
        results = measure(
            contestants(urls, out), out, given.rounds,
            lambda steps: run_steps(steps, os.environ, folder / "log", LIMIT_SECONDS),
        )  # fmt: skip
    shutil.rmtree(out, ignore_errors=True)
    kept, sentence = verdict(results)
    print(sentence)
    if (given.mib, given.rounds) == (options.get_default("mib"), options.get_default("rounds")):
        document.write("compression", section(results, sentence, machine.describe(folder)))
    raise SystemExit(not kept)


if __name__ == "__main__":
    main()
