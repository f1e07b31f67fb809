"""Pages that lead on to a file by themselves."""

from __future__ import annotations

import pytest

from packmule.assembly.names.meta_refresh import leads_to_file

PAGE = "https://a.example/dl/page?id=1"
FILE = "https://a.example/dl/real.zip"


@pytest.mark.parametrize(
    ("tag", "target"),
    [
        ('<meta http-equiv="refresh" content="0; url=real.zip">', FILE),
        ('<META HTTP-EQUIV=REFRESH CONTENT="5;URL=/dl/real.zip">', FILE),
        ("<meta content='0;url=real.zip' http-equiv='refresh' />", FILE),
        ('<meta http-equiv="refresh" content="0;real.zip">', FILE),
        ("<meta http-equiv=\"refresh\" content=\"0; url='real.zip?a=1&amp;key=s'\">", FILE),
        ('<meta charset="utf-8"><meta http-equiv="refresh" content="3,url=real.zip">', FILE),
        ('<meta http-equiv="refresh" content="0; url=//cdn.example/x.pdf#p">',
         "https://cdn.example/x.pdf"),
        ('<meta http-equiv="refresh" content="0; url=/w%2fx/J%c3%bc.pdf">',
         "https://a.example/w%2fx/J%c3%bc.pdf"),
    ],
)  # fmt: skip
def test_the_file_s_link_is_named_without_its_query(tag: str, target: str) -> None:
    assert leads_to_file(PAGE, f"<html><head>{tag}".encode()) == target


@pytest.mark.parametrize(
    "tag",
    [
        "",
        '<meta http-equiv="refresh" content="60">',
        '<meta http-equiv="refresh" content="0; url=login.php">',
        '<meta http-equiv="refresh" content="0; url=index.html">',
        '<meta http-equiv="refresh" content="0; url=/login">',
        '<meta http-equiv="refresh" content="0; url=javascript:x.zip">',
        '<meta http-equiv="refresh" content="0; url=https://u:p@[x/a.zip">',
        '<meta http-equiv="refresh">',
        '<meta name="refresh" content="0; url=real.zip">',
        '<meta http-equiv="x-refresh" content="0; url=real.zip">',
    ],
)
def test_a_page_that_leads_to_no_file_is_none(tag: str) -> None:
    assert leads_to_file(PAGE, f"<html><head>{tag}".encode()) is None


@pytest.mark.parametrize("unit", [b"<meta ", b"<meta content=", b'<meta content="', b"\xff"])
def test_garbage_is_read_at_once(unit: bytes) -> None:
    # Quadratic time would take hours here, and the suite's time-out would end it.
    assert leads_to_file(PAGE, unit * 1_000_000) is None
