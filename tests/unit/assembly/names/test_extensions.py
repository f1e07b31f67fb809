"""The extension a media type asks for."""

import mimetypes
from collections.abc import Iterator

import pytest

from packmule.assembly.names.extensions import _library, extension_for


@pytest.mark.parametrize(
    ("content_type", "extension"),
    [
        ("image/jpeg", ".jpg"),
        ("IMAGE/JPEG", ".jpg"),
        ("text/html; charset=utf-8", ".html"),
        (" text/plain ;charset=x", ".txt"),
        ("application/json", ".json"),
        ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", ".docx"),
        ("audio/basic", ".au"),  # known to the standard library alone
    ],
)
def test_a_media_type_gives_its_usual_extension(content_type: str, extension: str) -> None:
    assert extension_for(content_type) == extension


@pytest.mark.parametrize(
    "content_type",
    [
        "application/octet-stream",
        "binary/octet-stream",
        "application/force-download",
        "",
        ";",
        "nonsense",
        "image/",
        "x/" + "y" * 1000,
        "\ud800",
    ],
)
def test_a_type_that_says_nothing_gives_none(content_type: str) -> None:
    assert extension_for(content_type) == ""


@pytest.fixture
def _a_machine_with_a_type_of_its_own() -> Iterator[None]:
    mimetypes.add_type("application/x-of-this-machine", ".machine")
    extension_for.cache_clear()
    _library.cache_clear()
    yield
    mimetypes.init()


@pytest.mark.usefixtures("_a_machine_with_a_type_of_its_own")
def test_what_the_system_adds_to_the_table_changes_nothing() -> None:
    assert mimetypes.guess_extension("application/x-of-this-machine") == ".machine"
    assert extension_for("application/x-of-this-machine") == ""
