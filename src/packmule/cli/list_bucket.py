"""`packmule list BUCKET`: what is in a public bucket, as a list that `pack` and `create` accept.

Owns the output; the options are in `list_command.py`. It runs on this machine, so that no server
lists buckets. The forms of addresses and listings are in `outbound.bucket_listing`.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
from typing import TYPE_CHECKING

import click

from packmule import settings as settings_module
from packmule.cli.setting_options import as_environment
from packmule.cli.tables import harmless, number, writing_output
from packmule.errors import PackmuleError, UsageError
from packmule.outbound.bucket_listing import ListingInvalid, PlaceInvalid, parse_place, read_page
from packmule.outbound.urls import UrlInvalid, parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from packmule.assembly.resources import SharedResources
    from packmule.errors import Failure
    from packmule.outbound.bucket_listing import Listed, ListingPage, PublicBucket

_FORBIDDEN = frozenset({401, 403})
_NOT_FOUND = 404
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")  # what a terminal would act on


def list_bucket(
    place: str,
    *,
    as_json: bool,
    quiet: bool,
    networks: tuple[str, ...],
    options: dict[str, str | None],
) -> None:
    """Print the files in a public bucket, and their total. Raises PackmuleError, UsageError."""
    from packmule.wiring.resources import open_resources  # noqa: PLC0415 - after the checks

    try:
        bucket = parse_place(place)
        parse(bucket.page_url())
    except (PlaceInvalid, UrlInvalid) as error:
        raise UsageError(f"{harmless(place)}: {error}.") from error
    given = as_environment({**options, "allow_networks": ",".join(networks)})
    settings = settings_module.read({**os.environ, **given})
    files = size = 0
    with open_resources(settings) as resources, writing_output():
        for page in _pages(bucket, place, resources):
            for each in page.objects:
                if each.key.endswith("/"):
                    continue  # a folder that some tools create
                _print(bucket, each, as_json=as_json, is_first=files == 0)
                files, size = files + 1, size + each.size
    if not files:
        raise PackmuleError(f"{harmless(place)}: there are no files below this prefix.")
    if not quiet:
        click.echo(f"{number(files, 'file')}, {size:,} bytes", err=True)


def _pages(bucket: PublicBucket, place: str, resources: SharedResources) -> Iterator[ListingPage]:
    """Yield the pages of the listing. Raises PackmuleError."""
    from packmule.outbound.document import get_document  # noqa: PLC0415 - after the checks

    url, seen = bucket.page_url(), set[str]()
    while url not in seen:
        seen.add(url)
        body = get_document(resources.loop, resources.rules, parse(url), resources.check)
        if not isinstance(body, bytes):
            raise PackmuleError(f"Cannot list {harmless(place)}: {_reason(body)}.")
        try:
            page = read_page(body)
        except ListingInvalid as error:
            raise PackmuleError(f"Cannot list {harmless(place)}: {error}.") from error
        yield page
        if page.after is None:
            return
        url = bucket.page_url(page.after)
    raise PackmuleError(f"Cannot list {harmless(place)}: its pages repeat themselves.")


def _reason(failure: Failure) -> str:
    if failure.http_status in _FORBIDDEN:
        return (
            f"access denied ({failure.http_status}): the bucket does not allow everyone to list "
            "it. Ask its owner for a list of links"
        )
    if failure.http_status == _NOT_FOUND:
        return "there is no such bucket (404): check its name and host"
    return failure.detail


def _print(bucket: PublicBucket, each: Listed, *, as_json: bool, is_first: bool) -> None:
    url, name = bucket.object_url(each.key), bucket.name_of(each.key)
    if as_json:
        click.echo(json.dumps({"url": url, "name": name, "size": each.size}))
        return
    line = io.StringIO()
    rows = csv.writer(line, lineterminator="\n")
    if is_first:
        rows.writerow(("url", "name", "size"))
    rows.writerow((url, _CONTROL.sub("\N{REPLACEMENT CHARACTER}", name), each.size))
    click.echo(line.getvalue(), nl=False)
