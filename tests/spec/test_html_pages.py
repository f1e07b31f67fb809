"""A page that comes where none was announced: a login, a block, or an error with status 200."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.fakes.origin import Origin
    from tests.spec.service import Service

PAGE = b"<!doctype html><title>Please log in</title>"
PICTURE = b"\xff\xd8\xff\xe0 a picture"


def put(origin: Origin, path: str, kind: str = "text/html; charset=utf-8") -> str:
    body = PICTURE if kind.startswith("image/") else PAGE
    return origin.put(path, body, headers={"Content-Type": kind})


def warnings(service: Service, archive_hash: str) -> dict[str, str | None]:
    found = service.client.get(f"/api/archive/files/{archive_hash}").json()["files"]
    return {each["name"]: each["warning"] and each["warning"]["code"] for each in found}


def test_a_page_in_place_of_media_is_kept_and_reported(service: Service, origin: Origin) -> None:
    archive_hash = service.completed(
        put(origin, "/html/photo.jpg"),
        put(origin, "/html/film.mp4"),
        put(origin, "/html/page.html"),
        put(origin, "/html/article"),
        put(origin, "/html/folder/"),
        put(origin, "/html/real.jpg", "image/jpeg"),
    )
    assert warnings(service, archive_hash) == {
        "photo.jpg": "html-page",
        "film.mp4": "html-page",
        "page.html": None,
        "article.html": "html-page",
        "folder.html": None,
        "real.jpg": None,
    }
    assert service.members(archive_hash)["photo.jpg"] == PAGE


def test_a_name_of_ones_own_announces_media_too(service: Service, origin: Origin) -> None:
    archive_hash = service.completed({"url": put(origin, "/html/get?id=1"), "name": "a/b.png"})
    assert warnings(service, archive_hash) == {"a/b.png": "html-page"}


def test_the_status_names_each_page(service: Service, origin: Origin) -> None:
    good, page = put(origin, "/html/good.png", "image/png"), put(origin, "/html/named.csv")
    found = service.outcome(service.create(good, page))
    assert [(each["position"], each["url"], each["name"], each["code"]) for each in
            found["warnings"]] == [(1, page, "named.csv", "html-page")]  # fmt: skip
    assert "web page" in found["warnings"][0]["detail"]


def test_it_fails_where_that_was_asked_for(service: Service, origin: Origin) -> None:
    page = put(origin, "/html/strict.jpg")
    found = service.outcome(service.create(page, on_html="fail"))
    assert found["status"] == "failed"
    assert [(each["url"], each["code"]) for each in found["failures"]] == [(page, "html-page")]


def test_it_is_left_out_where_failures_are(service: Service, origin: Origin) -> None:
    page, good = put(origin, "/html/left.jpg"), put(origin, "/html/right.jpg", "image/jpeg")
    archive_hash = service.completed(page, good, on_html="fail", on_error="skip")
    assert set(service.members(archive_hash)) == {"right.jpg", "_missing.txt"}


def test_what_is_to_become_of_it_is_checked(service: Service, origin: Origin) -> None:
    url = put(origin, "/html/checked.jpg")
    answer = service.client.post("/api/archive/create", json={"urls": [url], "on_html": "keep"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/on_html"
