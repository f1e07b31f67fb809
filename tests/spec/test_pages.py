"""What is there besides jobs: the page, the reference, the description, health."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.spec.service import Service

ROOT = Path(__file__).resolve().parents[2]
PAGES = ["/", "/docs"]


class Elements(HTMLParser):
    """All start tags of a page with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def of(self, tag: str) -> list[dict[str, str | None]]:
        """List the attributes of the elements of one kind."""
        return [attributes for name, attributes in self.found if name == tag]


def elements(service: Service, path: str) -> Elements:
    answer = service.client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return Elements(answer.text)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_loads_nothing_from_elsewhere(service: Service, path: str) -> None:
    page = elements(service, path)
    for tag, attributes in page.found:
        inline = [name for name in attributes if name.startswith("on") or name == "style"]
        assert inline == [], (tag, attributes)
    loaded = [each["src"] for each in page.of("script") + page.of("img") if "src" in each]
    loaded += [each.get("href") for each in page.of("link")]
    assert loaded
    for address in loaded:
        assert address is not None
        assert re.fullmatch(r"static/[0-9a-f]{16}/[\w.-]+|manifest\.webmanifest", address), address
        assert service.client.get(f"/{address}").status_code == 200


@pytest.mark.parametrize("path", PAGES)
def test_every_link_of_a_page_leads_somewhere(service: Service, path: str) -> None:
    page = elements(service, path)
    anchors = {attributes.get("id") for _, attributes in page.found}
    for each in page.of("a"):
        address = each["href"] or ""
        if address.startswith("#"):
            assert address == "#" or address[1:] in anchors, address
        else:
            assert service.client.get(f"/{address.removeprefix('./')}").status_code == 200


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_a_language_a_title_one_heading_and_its_main_part(
    service: Service, path: str
) -> None:
    page = elements(service, path)
    assert page.of("html")[0]["lang"] == "en"
    assert len(page.of("title")) == len(page.of("h1")) == len(page.of("main")) == 1


def test_every_field_of_the_page_has_a_label(service: Service) -> None:
    page = elements(service, "/")
    labelled = {each.get("for") for each in page.of("label")}
    fields = page.of("textarea") + page.of("input") + page.of("select")
    assert {each["id"] for each in fields} <= labelled
    assert all(each.get("type") in {"button", "submit"} for each in page.of("button"))


def test_a_page_that_is_known_already_is_not_sent_again(service: Service) -> None:
    tag = service.client.get("/").headers["etag"]
    answer = service.client.get("/", headers={"If-None-Match": tag})
    assert (answer.status_code, answer.content) == (304, b"")


def test_what_a_page_loads_is_kept_for_ever_under_the_name_of_its_version(
    service: Service,
) -> None:
    for each in elements(service, "/").of("script"):
        if "src" not in each:
            continue
        answer = service.client.get(f"/{each['src']}")
        assert "immutable" in answer.headers["cache-control"]
        other = service.client.get(re.sub(r"[0-9a-f]{16}", "0" * 16, f"/{each['src']}"))
        assert other.content == answer.content
        assert other.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("name", ["page.html", "..%2fpages.py", "nothing.js"])
def test_only_what_a_page_loads_is_served_beside_it(service: Service, name: str) -> None:
    answer = service.client.get(f"/static/{'0' * 16}/{name}")
    assert answer.status_code == 404


def test_the_page_can_be_asked_for_by_head(service: Service) -> None:
    answer = service.client.head("/")
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) > 0


def test_the_description_is_the_one_in_the_documents(service: Service) -> None:
    kept = json.loads((ROOT / "docs/openapi.json").read_text(encoding="utf-8"))
    assert service.client.get("/openapi.json").json() == kept


def test_the_reference_names_every_request_of_the_description(service: Service) -> None:
    described = service.client.get("/openapi.json").json()["paths"]
    text = service.client.get("/docs").text
    for path, methods in described.items():
        for method in methods:
            assert f"<code>{method.upper()} {path}</code>" in text


def test_healthz_says_that_the_process_answers(service: Service) -> None:
    answer = service.client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_readyz_says_that_database_storage_and_worker_are_well(service: Service) -> None:
    answer = service.client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ready",
        "checks": {"database": "ok", "storage": "ok", "worker": "ok"},
    }
