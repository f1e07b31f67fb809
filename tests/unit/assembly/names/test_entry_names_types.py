"""Names that get their extension from the media type, and names from where redirects lead."""

import pytest
from tests.unit.assembly.names.test_entry_names import ROOT, claimed

from packmule.assembly.names.entry_names import EntryNames

PDF = "application/pdf"


@pytest.mark.parametrize(
    ("path", "content_type", "name"),
    [
        ("download.php?id=1", PDF, "download.pdf"),
        ("view.ASPX", "text/html", "view.html"),
        ("download.php", "application/octet-stream", "download.php"),
        ("download.php", None, "download.php"),
        ("index.php", "text/plain; charset=utf-8", "index.php"),
        ("pdf/2301.01234", PDF, "2301.01234.pdf"),
        ("v1.4.3", "application/zip", "v1.4.3.zip"),
        ("disk.001", "application/octet-stream", "disk.001"),
        ("backup.7z.001", "application/x-7z-compressed", "backup.7z.001"),
        ("backup.tar.gz.12", "application/gzip", "backup.tar.gz.12"),
        ("server.log.1", "text/plain", "server.log.1"),
        ("libfoo.so.1.2.3", "application/x-sharedlib", "libfoo.so.1.2.3"),
        ("Report.v.001", "application/zip", "Report.v.001.zip"),
        ("plugin.dll", "application/x-msdownload", "plugin.dll"),
        ("get.dll?file=1", PDF, "get.pdf"),
        ("scribus-1.6.0.tar.gz/download", "application/gzip", "scribus-1.6.0.tar.gz"),
        ("files/data.csv/content", "text/csv", "data.csv"),
        ("a.php/download", PDF, "download.pdf"),
        ("media/F.jpg:large", "image/jpeg", "F.jpg"),
        ("photo.jpg!w800", "image/jpeg", "photo.jpg"),
        ("report.pdf;jsessionid=1A2B.node1", PDF, "report.pdf"),
        ("file.pdf&download=1", PDF, "file.pdf"),
        ("me@example.jpg", "image/jpeg", "me@example.jpg"),
        ("R&D.pdf", PDF, "R&D.pdf"),
        ("%83%65%83%58%83%67.pdf", PDF, "テスト.pdf"),
        ("%E4%F6%FC.pdf", PDF, "äöü.pdf"),
        ("x?id=1", "application/rar", "x.rar"),
        ("x?id=2", "audio/mp3", "x.mp3"),
        ("x?id=3", "video/3gpp", "x.3gp"),
        ("x?id=4", "application/java-archive", "x.jar"),
        ("x?id=5", "image/vnd.adobe.photoshop", "x.psd"),
    ],
)
def test_a_name_gets_the_extension_that_tells_its_type(
    path: str, content_type: str | None, name: str
) -> None:
    assert claimed(ROOT + path, heads={0: (None, content_type)}) == [name]


def test_scripts_of_one_name_are_numbered_in_the_callers_order() -> None:
    heads: dict[int, tuple[str | None, str | None]] = dict.fromkeys(range(3), (None, PDF))
    wanted = [f"{ROOT}get.php?id={n}" for n in range(3)]
    for order in ([0, 1, 2], [2, 1, 0]):
        assert claimed(*wanted, heads=heads, order=order) == [
            "get.pdf", "get (1).pdf", "get (2).pdf",
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("announced", "name"),
    [
        ("get.php", "get.pdf"),
        ("a.zip.002", "a.zip.002"),
        ("Report 12.05.2024", "Report 12.05.2024.pdf"),
        ("a.txt", "a.txt"),
    ],
)
def test_an_announced_name_gets_the_extension_that_tells_its_type(
    announced: str, name: str
) -> None:
    head = (f'attachment; filename="{announced}"', PDF)
    assert claimed(ROOT + "x", heads={0: head}) == [name]


@pytest.mark.parametrize(
    ("url", "final", "name"),
    [
        ("latest", "files/Report%202024.xlsx?sig=1", "Report 2024.xlsx"),
        ("get.php?id=1", "files/Report.xlsx", "Report.xlsx"),
        ("", "files/Report.xlsx", "Report.xlsx"),
        ("first.pdf", "files/other.pdf", "first.pdf"),
        ("annual", "550e8400-e29b-41d4-a716-446655440000", "annual.zip"),
        ("annual", "550e8400-e29b-41d4-a716-446655440000.pdf", "annual.pdf"),
        ("annual", "d41d8cd98f00b204e9800998ecf8427e.pdf", "annual.pdf"),
        ("annual", "out.php", "annual.zip"),
    ],
)
def test_the_final_url_gives_the_name_where_the_first_has_no_real_extension(
    url: str, final: str, name: str
) -> None:
    names = EntryNames([(ROOT + url, None)])
    claim = names.claim(
        0,
        content_disposition=None,
        content_type="application/zip",
        final_url=f"https://cdn.example/{final}",
    )
    assert claim == name


def test_content_disposition_and_the_callers_name_go_before_the_final_url() -> None:
    names = EntryNames([(ROOT + "a", None), (ROOT + "b", "mine")])
    final = "https://cdn.example/c.pdf"
    said = "attachment; filename=d.pdf"
    assert names.claim(0, content_disposition=said, content_type=PDF, final_url=final) == "d.pdf"
    assert names.claim(1, content_disposition=None, content_type=PDF, final_url=final) == "mine"
