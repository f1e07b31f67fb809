"""Known pages that show a file, or ask for something first, in place of sending it.

Owns the table: whose page it is, how it is recognised, and which link sends the file. Pure. A page
of this table is never what a caller wants, so it fails whatever `on_html` says. Sources are in
`docs/field-cases.md`.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple
from urllib.parse import urlsplit


class Viewer(NamedTuple):
    """A known page: patterns of its host, its path and its first bytes; `advice` for people.

    Each pattern must match; an empty one always does. A host's matches the whole host.
    """

    host: str
    path: str
    text: bytes
    advice: str


VIEWERS: Final = (
    Viewer(
        r"(?:drive|docs)\.google\.com|drive\.usercontent\.google\.com", "",
        rb"quota exceeded|quota-exceeded|too many users have viewed",
        "Google Drive refuses this file because too many people have downloaded it: try again in "
        "24 hours, or copy it to your own Drive and use the copy's link",
    ),
    Viewer(
        r"(?:drive|docs)\.google\.com|drive\.usercontent\.google\.com", "",
        rb"virus scan warning|scan this file for viruses|uc-download-link|download-form",
        "Google Drive asks for confirmation because it cannot scan the file for viruses: use "
        "https://drive.usercontent.google.com/download with the file's id and confirm=t",
    ),
    Viewer(
        r"drive\.google\.com", r"/(?:file/d/|open\b|drive/)", b"",
        "this is Google Drive's viewer: use https://drive.usercontent.google.com/download with the "
        "file's id and confirm=t; a folder has to be shared file by file",
    ),
    Viewer(
        r"docs\.google\.com", r"/(?:document|spreadsheets|presentation)/d/", b"",
        "this is Google Docs' editor: end the link in /export?format=pdf, docx, xlsx or csv",
    ),
    Viewer(
        r"accounts\.google\.com|login\.microsoftonline\.com|login\.live\.com", "", b"",
        "the file is not shared with everyone, so its host asks for a login: share it with anyone "
        "who has the link",
    ),
    Viewer(
        r"consent\.(?:google|youtube)\.com", "", b"",
        "this is a consent page: use a link that sends the file without asking",
    ),
    Viewer(
        r"(?:www\.)?dropbox\.com", r"/(?:s|sh|scl)/", b"",
        "this is Dropbox's viewer: put dl=1 in place of dl=0 at the end of the link",
    ),
    Viewer(
        r"onedrive\.live\.com|1drv\.ms|[a-z0-9-]+\.sharepoint\.com", "", b"",
        "this is the viewer of OneDrive or SharePoint: add download=1 to the link, and share the "
        "file with anyone who has it",
    ),
    Viewer(
        r"github\.com", r"/[^/]+/[^/]+/blob/", b"",
        "this is GitHub's viewer: use /raw/ in place of /blob/",
    ),
    Viewer(
        r"", r"/.+/-/blob/", rb"gitlab",
        "this is GitLab's viewer: use /-/raw/ in place of /-/blob/",
    ),
    Viewer(
        r"huggingface\.co", r"/.+/blob/", b"",
        "this is Hugging Face's viewer: use /resolve/ in place of /blob/",
    ),
    Viewer(
        r"", r"(?:/index\.php)?/s/[A-Za-z0-9]{8,32}/?\Z", rb"data-requesttoken|nextcloud|owncloud",
        "this is the share page of Nextcloud or ownCloud: add /download to the link",
    ),
    Viewer(
        r"[a-z0-9.-]+\.(?:wikipedia|wikimedia)\.org", r"/wiki/[^/]+:.+\.[A-Za-z0-9]{2,5}\Z", b"",
        "this is the file's description page: use /wiki/Special:Redirect/file/ and the file's name",
    ),
    Viewer(
        r"[a-z0-9.-]*safelinks\.protection\.outlook\.com", "", b"",
        "this is a mail filter's page: use the link that is in its url parameter",
    ),
    Viewer(
        r"(?:www\.)?(?:wetransfer\.com|we\.tl|mega\.nz|mediafire\.com|icloud\.com)", "", b"",
        "this host sends files only to a browser: use a link that sends the file itself",
    ),
)  # fmt: skip


def viewer_page(url: str, first: bytes) -> str | None:
    """Return what to do about a web page at a URL; None if it is none of the known ones.

    `url` is the one that answered, `first` the first bytes of the page.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    for each in VIEWERS:
        if each.host and not re.fullmatch(each.host, host):
            continue
        if each.path and not re.match(each.path, parts.path):
            continue
        if not each.text or re.search(each.text, first, re.IGNORECASE):
            return each.advice
    return None
