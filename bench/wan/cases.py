"""The cases of the benchmark on an emulated link: the paths, the files, the server, the targets.

Owns the list of cases and nothing that runs.
"""

from dataclasses import dataclass

KB = 1000
MB = 1000 * KB
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Path:
    """The way to one host: see `link.c`. Rates in Mbit/s; `flow_mbit` 0 is no limit."""

    rtt_ms: float
    rate_mbit: float = 800
    flow_mbit: float = 80
    loss_percent: float = 0
    queue_ms: float = 100

    @property
    def words(self) -> str:
        """Describe the path."""
        flow = f", {self.flow_mbit:g} per connection" if self.flow_mbit else ""
        loss = f", {self.loss_percent:g} % loss" if self.loss_percent else ""
        return f"{self.rtt_ms:g} ms, {self.rate_mbit:g} Mbit/s{flow}{loss}"


@dataclass(frozen=True, slots=True)
class Files:
    """`count` files of `least` to `most` bytes, evenly spread over the sizes' logarithms."""

    count: int
    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Limit:
    """What a server bears: so many requests at once, then `status`; bytes per second for each."""

    connections: int
    status: int
    rate: int = 0

    @property
    def words(self) -> str:
        """Describe the limit."""
        rate = f", {self.rate / MB:g} MB/s each" if self.rate else ""
        return f"{self.connections} requests at once{rate}, then {self.status}"


@dataclass(frozen=True, slots=True)
class Case:
    """Files on hosts behind paths, one for each; targets as ratios to the fastest peer.

    With `archive` a Packmule service makes an archive of the files beforehand, and the contestants
    download that. `unknown` is the target for a host that nothing is known of, `known` for one that
    is known to bear 128 connections; None where there is none.
    """

    name: str
    title: str
    hosts: tuple[tuple[Path, Files], ...]
    h2: bool = False
    limit: Limit | None = None
    archive: bool = False
    unknown: float | None = None
    known: float | None = None

    @property
    def count(self) -> int:
        """Count the files."""
        return sum(files.count for _, files in self.hosts)

    @property
    def words(self) -> str:
        """Describe paths and limits."""
        said = [path.words for path, _ in self.hosts]
        said += ["HTTP/2 offered"] if self.h2 else []
        said += [self.limit.words] if self.limit else []
        said += ["plain HTTP from `packmule serve`"] if self.archive else []
        return "; ".join(said)


NEAR = Path(30)
LOSSY = Path(100, loss_percent=0.5)
MIDDLE = Path(50, flow_mbit=100, loss_percent=0.1)
SMALL = Files(1000, 40 * KB, 100 * KB)
MIXED = Files(200, 10 * KB, 8 * MB)
PICTURES = Files(100, 10 * KB, MB)

CASES = (
    Case("large", "1 file of 256 MB", ((NEAR, Files(1, 256 * MB, 256 * MB)),),
         unknown=1.0, known=1.0),
    Case("small", "1,000 small files", ((NEAR, SMALL),), unknown=1.35, known=1.2),
    Case("small-h2", "1,000 small files, HTTP/2", ((NEAR, SMALL),), h2=True,
         unknown=1.35, known=1.2),
    Case("small-lossy", "1,000 small files, loss", ((LOSSY, SMALL),), unknown=1.5, known=1.25),
    Case("big-lossy", "8 x 16 MiB, loss", ((LOSSY, Files(8, 16 * MIB, 16 * MIB)),),
         unknown=1.0, known=1.0),
    Case("mixed", "200 mixed files", ((MIDDLE, MIXED),), unknown=1.05, known=1.0),
    Case("six", "200 mixed files, six connections", ((MIDDLE, MIXED),), limit=Limit(6, 503),
         unknown=1.1),
    Case("satellite", "100 pictures by satellite",
         ((Path(600, 50, 0, 0.1, 300), PICTURES),), h2=True),
    Case("mobile", "100 pictures on a mobile network",
         ((Path(80, 20, 0, 2, 300), PICTURES),), h2=True),
    Case("three-hosts", "3 hosts of different speed",
         ((Path(20, 400, 100), Files(60, MB, 4 * MB)),
          (Path(80, 100, 50), Files(40, 100 * KB, MB)),
          (Path(200, 20, 10), Files(20, 50 * KB, 400 * KB)))),
    Case("capped", "1 file of 500 MB, 8 connections", ((Path(30, flow_mbit=0),
         Files(1, 500 * MB, 500 * MB)),), limit=Limit(8, 503, 5 * MB)),
    Case("fetch", "an archive of 256 MB, downloaded", ((NEAR, Files(1, 256 * MB, 256 * MB)),),
         archive=True, unknown=1.0),
    Case("refusing", "200 mixed files, 429 from the 20th", ((MIDDLE, MIXED),),
         limit=Limit(19, 429)),
)  # fmt: skip
"""The targets are those of the project's plan; cases without one only show how we compare."""

NAMES = tuple(case.name for case in CASES)
