"""One file out of an archive, by the client and on the command line: whole, resumed, by name."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from tests.fakes.cutting_proxy import CuttingProxy
from tests.fakes.either_client import KINDS, EitherClient
from tests.spec.service import Service

from packmule.cli import main
from packmule.client import APIStatusError, DownloadFailed
from packmule.errors import UsageError
from packmule.web.api_keys import new_key

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result
    from tests.fakes.origin import Origin

CLIP = random.Random(4).randbytes(5_000_000)
TEXT = b"a line that repeats\n" * 20_000
FILES = {0: CLIP, 2: TEXT, 3: b""}


def links(origin: Origin) -> list[dict[str, str]]:
    return [
        {"url": origin.put("/fetch-one/clip.mp4", CLIP), "name": "summer/clip.mp4"},
        {"url": origin.url("/status/nothing-here"), "name": "lost.txt"},
        {"url": origin.put("/fetch-one/long.txt", TEXT), "name": "long.txt"},
        {"url": origin.put("/fetch-one/empty.bin", b""), "name": "empty.bin"},
    ]


@pytest.fixture(scope="module")
def archive(service: Service, origin: Origin) -> str:
    return service.completed(*links(origin), on_error="skip")


def client(service: Service, kind: str = "sync") -> EitherClient:
    return EitherClient(kind, service.url)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("position", FILES)
def test_a_file_is_fetched_by_its_position(
    service: Service, archive: str, tmp_path: Path, kind: str, position: int
) -> None:
    path = tmp_path / "file"
    done = client(service, kind).fetch(archive, path, file=position)
    assert path.read_bytes() == FILES[position]
    assert (done.size, done.missing) == (len(FILES[position]), ())
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_is_fetched_by_its_name(service: Service, archive: str, tmp_path: Path) -> None:
    client(service).download(archive, tmp_path / "clip.mp4", file="summer/clip.mp4")
    assert (tmp_path / "clip.mp4").read_bytes() == CLIP


def test_a_stored_file_cut_at_random_is_resumed(
    service: Service, archive: str, tmp_path: Path
) -> None:
    randomly = random.Random(5)
    with CuttingProxy(service.port, lambda: randomly.randrange(100_000, 900_000)) as proxy:
        EitherClient("sync", proxy.url).download(archive, tmp_path / "clip.mp4", file=0)
        assert proxy.cuts >= 5  # more often than a download may start over
    assert (tmp_path / "clip.mp4").read_bytes() == CLIP


@pytest.mark.parametrize("then", [0, 2])
def test_a_later_run_goes_on_with_this_file_and_with_no_other(
    service: Service, archive: str, tmp_path: Path, then: int
) -> None:
    allowed = iter([2_000_000])
    with CuttingProxy(service.port, lambda: next(allowed, 0)) as proxy:
        short = EitherClient("sync", proxy.url, request_timeout=0.2, retry_timeout=0.2)
        with pytest.raises(ConnectionError):
            short.download(archive, tmp_path / "x", file=0, connections=1)
    done = client(service).download(archive, tmp_path / "x", file=then)
    assert (tmp_path / "x").read_bytes() == FILES[then]
    assert (done.kept > 0) == (then == 0)


def test_what_is_not_in_the_archive_is_not_fetched(
    service: Service, archive: str, tmp_path: Path
) -> None:
    with pytest.raises(APIStatusError) as unknown:
        client(service).download(archive, tmp_path / "x", file=1)
    assert unknown.value.status_code == 404
    with pytest.raises(DownloadFailed, match=r"no file named 'lost\.txt'"):
        client(service).download(archive, tmp_path / "x", file="lost.txt")
    with pytest.raises(UsageError):
        client(service).download(archive, tmp_path / "x", file=-1)
    assert list(tmp_path.iterdir()) == []


def run(service: Service, *arguments: str) -> Result:
    env = {"PACKMULE_SERVER": service.url, "PACKMULE_API_KEY": None}
    return CliRunner().invoke(main, ["fetch", *arguments], env=env)


@pytest.fixture
def in_tmp_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("in_tmp_path")
def test_the_command_saves_a_file_under_its_own_name(
    service: Service, archive: str, tmp_path: Path
) -> None:
    done = run(service, archive, "--file", "summer/clip.mp4")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "clip.mp4").read_bytes() == CLIP
    done = run(service, archive, "--file", "2", "-o", "two.txt")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "two.txt").read_bytes() == TEXT
    again = run(service, archive, "--file", "summer/clip.mp4")
    assert (again.exit_code, "already exists" in again.stderr) == (2, True)


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("lost.txt", (1, "no file named")),
        ("1", (2, "with -o")),
        ("../x/", (2, "with -o")),
    ],
)
@pytest.mark.usefixtures("in_tmp_path")
def test_the_command_says_what_is_wrong_with_a_file(
    service: Service, archive: str, tmp_path: Path, file: str, said: tuple[int, str]
) -> None:
    done = run(service, archive, "--file", file)
    assert (done.exit_code, said[1] in done.stderr) == (said[0], True), done.output
    assert list(tmp_path.iterdir()) == []


def test_whoever_has_the_hash_fetches_by_position_without_a_key(
    tmp_path: Path, origin: Origin
) -> None:
    key = new_key()
    with Service(tmp_path, API_KEYS=f"ann:{key}") as keyed:
        keyed.start()
        ann = EitherClient("sync", keyed.url, api_key=key)
        hash_ = ann.create(links(origin), on_error="skip")
        ann.wait(hash_)
        client(keyed).fetch(hash_, tmp_path / "clip.mp4", file=0)
        assert (tmp_path / "clip.mp4").read_bytes() == CLIP
        with pytest.raises(APIStatusError) as refused:
            client(keyed).fetch(hash_, tmp_path / "x", file="summer/clip.mp4")
        assert refused.value.status_code == 401
        ann.fetch(hash_, tmp_path / "x", file="summer/clip.mp4")
