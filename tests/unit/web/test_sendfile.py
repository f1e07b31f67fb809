"""Handing downloads over to a proxy: the setting's forms, and what the answer asks for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from packmule.web.sendfile import Sendfile, parse_sendfile

if TYPE_CHECKING:
    from tests.unit.web.conftest import App

BODY = b"an archive's bytes"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("none", None),
        ("None", None),
        ("x-sendfile", Sendfile(None)),
        ("X-Sendfile", Sendfile(None)),
        ("x-accel-redirect:/internal/", Sendfile("/internal/")),
        ("X-Accel-Redirect:/Pack-mule/archives.d/", Sendfile("/Pack-mule/archives.d/")),
    ],
)
def test_the_setting_has_three_forms(text: str, expected: Sendfile | None) -> None:
    assert parse_sendfile(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "", "yes", "x-accel-redirect", "x-accel-redirect:", "x-accel-redirect:/",
        "x-accel-redirect:/internal", "x-accel-redirect:internal/", "x-accel-redirect://a/",
        "x-accel-redirect:/../", "x-accel-redirect:/a/../b/", "x-accel-redirect:/a b/",
        "x-accel-redirect:/a%2f/", "x-accel-redirect:/a\r\nX: y/", "x-sendfile:/internal/",
    ],
)  # fmt: skip
def test_any_other_form_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match="is none of none, x-sendfile, x-accel-redirect:/place/"):
        parse_sendfile(text)


def test_nginx_is_asked_by_the_place_below_its_location(app: App) -> None:
    hash_ = app.completed(BODY)
    app.change(sendfile=Sendfile("/internal/"))
    for method in ("GET", "HEAD"):
        answer = app.ask(method, f"/archive/get/{hash_}.zip")
        assert answer.status_code == 200
        assert answer.headers["x-accel-redirect"] == f"/internal/{hash_[:2]}/{hash_}.zip"
        assert answer.headers["content-type"] == "application/zip"
        assert f"{hash_}.zip" in answer.headers["content-disposition"]
        assert answer.content == b""


def test_apache_is_asked_by_the_whole_path(app: App) -> None:
    hash_ = app.completed(BODY)
    app.change(sendfile=Sendfile(None))
    answer = app.ask("GET", f"/archive/get/{hash_}.zip")
    found = app.services.storage.find(hash_)
    assert found is not None
    assert found.path is not None
    assert answer.headers["x-sendfile"] == str(found.path)
    assert found.path.read_bytes() == BODY
    assert answer.content == b""


def test_ranges_and_conditions_are_left_to_the_proxy(app: App) -> None:
    hash_ = app.completed(BODY)
    app.change(sendfile=Sendfile("/internal/"))
    for headers in (
        {"Range": "bytes=2-5"},
        {"Range": "bytes=999-"},
        {"If-Match": '"the-proxys"'},
        {"If-None-Match": "*"},
    ):
        answer = app.ask("GET", f"/archive/get/{hash_}.zip", headers=headers)
        assert answer.status_code == 200
        assert "x-accel-redirect" in answer.headers


def test_what_is_not_there_is_not_handed_over(app: App) -> None:
    hash_ = app.completed(BODY)
    app.change(sendfile=Sendfile("/internal/"))
    app.ask("DELETE", f"/api/archive/{hash_}")
    for path, status in ((hash_, 410), ("0" * 32, 404)):
        answer = app.ask("GET", f"/archive/get/{path}.zip")
        assert answer.status_code == status
        assert "x-accel-redirect" not in answer.headers


def test_a_path_is_encoded_as_those_who_read_it_decode_it() -> None:
    asked = Sendfile(None).ask(Path("/srv/дата 100%/archives/ab/x.zip"))
    assert asked == {"X-Sendfile": "/srv/%D0%B4%D0%B0%D1%82%D0%B0%20100%25/archives/ab/x.zip"}
