"""Public buckets: their addresses, and reading the pages of a listing."""

from __future__ import annotations

import pytest
from tests.fakes.public_bucket import listing_xml

from packmule.outbound.bucket_listing import (
    Cursor,
    Listed,
    ListingInvalid,
    PlaceInvalid,
    PublicBucket,
    parse_place,
    read_page,
)
from packmule.outbound.share_links import rewritten


@pytest.mark.parametrize(
    ("text", "root", "prefix"),
    [
        ("s3://bucket/2024/", "https://bucket.s3.amazonaws.com", "2024/"),
        ("S3://bucket", "https://bucket.s3.amazonaws.com", ""),
        ("s3://a.dotted/x y", "https://s3.amazonaws.com/a.dotted", "x y"),
        ("gs://bucket/a/b", "https://storage.googleapis.com/bucket", "a/b"),
        (
            "https://bucket.s3.eu-west-1.amazonaws.com/2024/a%20b/",
            "https://bucket.s3.eu-west-1.amazonaws.com",
            "2024/a b/",
        ),
        ("https://bu.s3-us-west-2.amazonaws.com", "https://bu.s3-us-west-2.amazonaws.com", ""),
        ("https://s3.eu-west-1.amazonaws.com/b/x", "https://s3.eu-west-1.amazonaws.com/b", "x"),
        ("https://storage.googleapis.com/bucket/x", "https://storage.googleapis.com/bucket", "x"),
        ("https://bucket.storage.googleapis.com/x", "https://bucket.storage.googleapis.com", "x"),
        ("http://127.0.0.1:9000/bu/x/", "http://127.0.0.1:9000/bu", "x/"),
        ("https://bucket.example.org/?prefix=2024/", "https://bucket.example.org", "2024/"),
        ("https://example.org/b/?list-type=2", "https://example.org/b", ""),
    ],
)  # fmt: skip
def test_a_bucket_has_an_address_in_several_forms(text: str, root: str, prefix: str) -> None:
    assert parse_place(text) == PublicBucket(root, prefix)


@pytest.mark.parametrize(
    "text",
    ["", "bucket", "s3://", "s3:///x", "ftp://x/y", "https://example.org/", "https://x/b?signed=1",
     "s3://bu cket/x", "https://[/b", "gs://../x"],
)  # fmt: skip
def test_what_is_no_address_of_a_bucket_is_refused_with_the_forms(text: str) -> None:
    with pytest.raises(PlaceInvalid, match=r"s3://bucket/prefix|query"):
        parse_place(text)


@pytest.mark.parametrize("place", ["s3://bucket/", "s3://with.dot/", "gs://bucket/"])
def test_an_objects_link_is_the_one_that_its_own_address_is_rewritten_to(place: str) -> None:
    key = "2024/a b~.png"
    assert parse_place(place).object_url(key) == rewritten(place + key.replace(" ", "%20"))


def test_names_keep_the_folders_below_the_prefix() -> None:
    assert PublicBucket("", "2024/").name_of("2024/may/a.png") == "may/a.png"
    assert PublicBucket("", "2024/m").name_of("2024/may/a.png") == "may/a.png"
    assert PublicBucket("", "").name_of("2024/may/a.png") == "2024/may/a.png"


def test_the_next_page_is_asked_for_by_what_the_last_one_said() -> None:
    bucket = PublicBucket("https://example.org/b", "x&y/")
    assert bucket.page_url() == (
        "https://example.org/b/?list-type=2&prefix=x%26y%2F&encoding-type=url"
    )
    assert bucket.page_url(Cursor({"continuation-token": "a+b"})).endswith(
        "&continuation-token=a%2Bb"
    )


def test_a_page_has_objects_with_decoded_keys() -> None:
    keys = {"a b+c#d/é&<.txt": 5, "2024/": 0}
    page = read_page(listing_xml(keys))
    assert page == ((Listed("a b+c#d/é&<.txt", 5), Listed("2024/", 0)), None)


def test_a_cut_listing_goes_on_by_token_or_by_the_last_key() -> None:
    assert read_page(listing_xml({"a b": 1}, truncated=True)).after == Cursor(
        {"continuation-token": "t:a b"}
    )
    assert read_page(listing_xml({"a b": 1}, truncated=True, version=1)).after == Cursor(
        {"marker": "a b", "start-after": "a b"}
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>Welcome",
        b"<html><body>Welcome</body></html>",
        b"<Error><Code>AccessDenied</Code></Error>",
        b'<!DOCTYPE x [<!ENTITY a "b">]><ListBucketResult><Name>&a;</Name></ListBucketResult>',
        b"<ListBucketResult><Contents><Key>a</Key></Contents></ListBucketResult>",
        b"<ListBucketResult><Contents><Key>a</Key><Size>-1</Size></Contents></ListBucketResult>",
        b"<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
        b"<ListBucketResult>" * 1000,
    ],
)
def test_what_is_no_listing_is_said(body: bytes) -> None:
    with pytest.raises(ListingInvalid):
        read_page(body)
