"""docs/guides/public-buckets.md, done for real on a bucket that an origin plays."""

from __future__ import annotations

import csv
import json
import os
import re
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from tests.fakes.documents import blocks, replaced, typed
from tests.fakes.public_bucket import put_bucket

from packmule.cli import main

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result
    from tests.fakes.origin import Origin
    from tests.spec.service import Service

GUIDE = "docs/guides/public-buckets.md"
OBJECTS = {
    "2024/": b"",
    "2024/may/a b+c#d.txt": b"one",
    "2024/june/\N{LATIN SMALL LETTER E WITH ACUTE}, x.txt": b"two",
    "2024/may/last.txt": b"three",
    "2023/other.txt": b"other",
}
PACKED = {
    key.removeprefix("2024/"): body for key, body in OBJECTS.items() if key[5:] and body != b"other"
}


def listed(*arguments: str) -> Result:
    env = {"PACKMULE_ALLOW_NETWORKS": "127.0.0.0/8", "PACKMULE_ATTEMPTS": "1"}
    return CliRunner().invoke(main, ["list", *arguments], env=env)


def test_what_the_guide_types_packs_the_bucket(
    origin: Origin, service: Service, tmp_path: Path
) -> None:
    put_bucket(origin, "guide", OBJECTS)
    pack_it, send_it = blocks(GUIDE, "sh")
    env = {
        "PATH": f"{sys.prefix}/bin:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "PACKMULE_ALLOW_NETWORKS": "127.0.0.0/8",
        "PACKMULE_SERVER": service.url,
    }
    changes = {"s3://BUCKET/": origin.url("/guide/")}
    code, said = typed(replaced(pack_it, changes), tmp_path, env)
    assert code == 0, said
    with zipfile.ZipFile(tmp_path / "2024.zip") as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == PACKED
    code, said = typed(replaced(send_it, changes), tmp_path, env)
    assert code == 0, said
    [archive_hash] = re.findall(r"^[0-9a-f]{32}$", said, re.MULTILINE)
    assert service.members(archive_hash) == PACKED


@pytest.mark.parametrize("version", [1, 2])
def test_a_listing_of_several_pages_is_one_list(origin: Origin, version: int) -> None:
    put_bucket(origin, f"pages{version}", OBJECTS, version=version)
    done = listed(origin.url(f"/pages{version}/"))
    assert done.exit_code == 0, done.stderr
    head, *rows = csv.reader(done.stdout.splitlines())
    assert head == ["url", "name", "size"]
    assert [(name, int(size)) for _, name, size in rows] == sorted(
        (key, len(body)) for key, body in OBJECTS.items() if body
    )
    assert done.stderr == "4 files, 16 bytes\n"
    lines = listed(origin.url(f"/pages{version}/2023/"), "--json").stdout.splitlines()
    assert [json.loads(line) for line in lines] == [
        {"url": origin.url(f"/pages{version}/2023/other.txt"), "name": "other.txt", "size": 5}
    ]


MOVED = (
    b"<Error><Code>PermanentRedirect</Code>"
    b"<Endpoint>b.s3.eu-west-1.amazonaws.com</Endpoint></Error>"
)


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (403, b"<Error><Code>AccessDenied</Code></Error>", "does not allow everyone to list it"),
        (404, b"<Error><Code>NoSuchBucket</Code></Error>", "there is no such bucket"),
        (301, MOVED, "the bucket is at b.s3.eu-west-1.amazonaws.com"),
        (200, b"<!doctype html><html>", "is not the listing of a bucket"),
        (200, b"<ListBucketResult/>", "no files below this prefix"),
    ],
)
def test_a_bucket_that_cannot_be_listed_is_a_sentence_and_1(
    origin: Origin, status: int, body: bytes, message: str
) -> None:
    origin.put("/refused/", body, status=status)
    done = listed(origin.url("/refused/x"))
    assert (done.exit_code, done.stdout) == (1, "")
    assert message in done.stderr


def test_pages_that_repeat_themselves_end(origin: Origin) -> None:
    page = (
        b"<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>1"
        b"</NextContinuationToken></ListBucketResult>"
    )
    origin.put("/endless/", page)
    done = listed(origin.url("/endless/"))
    assert done.exit_code == 1
    assert "repeat themselves" in done.stderr
    assert len(origin.requests_for("/endless/")) == 2


def test_a_private_address_is_refused_unless_it_is_allowed(origin: Origin) -> None:
    done = CliRunner().invoke(main, ["list", origin.url("/bucket/")])
    assert done.exit_code == 1
    assert "not on the public internet" in done.stderr
    assert CliRunner().invoke(main, ["list", "bucket"]).exit_code == 2
