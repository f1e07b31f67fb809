"""A client's list of its archives, over HTTP, by the client and on the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from tests.fakes.either_client import KINDS, EitherClient
from tests.fakes.postgres import empty_database
from tests.spec.service import Service

from packmule.cli import main
from packmule.client import APIStatusError
from packmule.web.api_keys import new_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from click.testing import Result
    from tests.fakes.origin import Origin

KEYS = {name: new_key() for name in ("ann", "bob", "cyd")}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def keyed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """Give a service with three clients, on each database."""
    settings = {"API_KEYS": ",".join(f"{name}:{key}" for name, key in KEYS.items())}
    if request.param == "postgresql":
        settings["DATABASE_URL"] = empty_database(request.getfixturevalue("postgres_server"))
    with Service(tmp_path_factory.mktemp(request.param), ATTEMPTS="1", **settings) as service:
        yield service.start()


def client(service: Service, name: str, kind: str = "sync") -> EitherClient:
    return EitherClient(kind, service.url, api_key=KEYS[name])


def listed(service: Service, name: str, **parameters: Any) -> dict[str, Any]:
    answer = service.client.get(
        "/api/archive/list",
        params=parameters,
        headers={"Authorization": f"Bearer {KEYS[name]}"},
    )
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def test_a_client_follows_its_archives_from_create_to_expired(
    keyed: Service, origin: Origin
) -> None:
    ann = client(keyed, "ann")
    good = ann.create([origin.put("/list/good.txt", b"good")], name="good.zip")
    bad = ann.create([origin.url("/list/lost.txt")])
    client(keyed, "bob").create([origin.url("/list/bobs.txt")])
    for each in (good, bad):
        ann.wait(each)
    found = {each["archive_hash"]: each for each in listed(keyed, "ann")["archives"]}
    assert list(found) == [bad, good]
    assert [found[each]["status"] for each in (bad, good)] == ["failed", "completed"]
    assert found[good]["name"] == "good.zip"
    whole = keyed.client.get(found[good]["url"].removeprefix(keyed.url))
    assert len(whole.content) == found[good]["size"]
    ann.delete(good)
    gone = listed(keyed, "ann", state="expired")["archives"]
    assert [(each["archive_hash"], each["url"]) for each in gone] == [(good, None)]


@pytest.mark.parametrize("kind", KINDS)
def test_the_client_follows_the_pages(keyed: Service, origin: Origin, kind: str) -> None:
    cyd = client(keyed, "cyd", kind)
    before = [each.archive_hash for each in cyd.list()]
    slow = origin.put("/list/slow", b"slow" * 50_000, held_from=20_000)
    made = [cyd.create([slow]) for _ in range(5)]
    found = cyd.list(page_size=2)
    assert [each.archive_hash for each in found] == made[::-1] + before
    assert {each.archive_hash for each in cyd.list(state="in-progress")} == set(made)
    for each in made:
        cyd.cancel(each)
    assert list(cyd.list(state="in-progress")) == []


def run(service: Service, *arguments: str, key: str | None = KEYS["ann"]) -> Result:
    env = {"PACKMULE_SERVER": service.url, "PACKMULE_API_KEY": key}
    return CliRunner().invoke(main, ["list", *arguments], env=env)


def test_the_command_lists_archives_where_no_bucket_is_named(
    keyed: Service, origin: Origin
) -> None:
    url = origin.put("/list/command.txt", b"command")
    hash_ = client(keyed, "ann").create([url], name="spring.zip")
    client(keyed, "ann").wait(hash_)
    done = run(keyed, "--state", "completed")
    assert done.exit_code == 0, done.output
    head, first, *_ = (line.split("\t") for line in done.stdout.splitlines())
    assert head == ["archive_hash", "status", "created_at", "bytes", "expires_at", "name"]
    assert (first[0], first[1], first[-1]) == (hash_, "completed", "spring.zip")
    documents = [json.loads(line) for line in run(keyed, "--json").stdout.splitlines()]
    assert documents == listed(keyed, "ann")["archives"]


def test_without_a_valid_key_nothing_is_listed(keyed: Service) -> None:
    for key in (None, "wrong"):
        done = run(keyed, key=key)
        assert (done.exit_code, done.stdout) == (1, "")
        assert "[unauthorized]" in done.stderr


def test_a_service_without_keys_says_so(service: Service) -> None:
    with pytest.raises(APIStatusError) as refused:
        EitherClient("sync", service.url).list()
    assert (refused.value.status_code, refused.value.code) == (403, "forbidden")
    done = run(service)
    assert done.exit_code == 1
    assert "has no API keys" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["s3://bucket/", "--state", "failed"], "--state is only for a list of archives"),
        (["s3://bucket/", "--server", "http://x"], "--server is only for a list of archives"),
        (["--proxy", "http://x:3128"], "--proxy needs the name of a bucket"),
        (["-q"], "--quiet needs the name of a bucket"),
        (["0" * 32], "Did you mean packmule files"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    service: Service, arguments: list[str], reason: str
) -> None:
    done = run(service, *arguments)
    assert done.exit_code == 2
    assert reason in done.stderr
