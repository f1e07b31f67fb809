"""A public bucket that an `Origin` plays: its listing in pages, and its objects.

Owns ListObjectsV2 as a store without signatures answers it, by path (`/BUCKET/`) and in pages of a
few keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, quote_plus, urlsplit
from xml.sax.saxutils import escape

from tests.fakes.origin import Resource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.fakes.origin import Origin, Request

PAGE = 2


def put_bucket(
    origin: Origin, bucket: str, objects: Mapping[str, bytes], *, version: int = 2
) -> None:
    """Have an origin serve a bucket; `version` 1 is a store without continuation tokens."""
    for key, body in objects.items():
        origin.put(f"/{bucket}/{quote(key, safe='/~')}", body)

    def listing(request: Request) -> Resource:
        asked = {name: value[0] for name, value in parse_qs(urlsplit(request.path).query).items()}
        assert asked["list-type"] == "2"
        last = asked.get("continuation-token" if version == 2 else "marker", "").removeprefix("t:")
        keys = sorted(
            key for key in objects if key.startswith(asked.get("prefix", "")) and key > last
        )
        sizes = {key: len(objects[key]) for key in keys[:PAGE]}
        body = listing_xml(sizes, truncated=len(keys) > PAGE, version=version)
        return Resource(body, headers={"Content-Type": "application/xml"})

    origin.put(f"/{bucket}/", instead=listing)


def listing_xml(sizes: Mapping[str, int], *, truncated: bool = False, version: int = 2) -> bytes:
    """Write one page of a listing."""
    contents = "".join(
        f"<Contents><Key>{escape(quote_plus(key, safe='/'))}</Key><Size>{size}</Size>"
        "<Owner><ID>1</ID></Owner></Contents>"
        for key, size in sizes.items()
    )
    token = f"<NextContinuationToken>t:{escape([*sizes][-1])}</NextContinuationToken>"
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name>'
        f"<EncodingType>url</EncodingType><IsTruncated>{str(truncated).lower()}</IsTruncated>"
        f"{token if truncated and version == 2 else ''}{contents}</ListBucketResult>"
    ).encode()
