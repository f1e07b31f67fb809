r"""Share links, rewritten to the links that send the file.

Owns the table: which links of which host are rewritten, and how. Leaves judging a link to
`urls.py`: a rewritten one passes the same checks as any other. Pure. Every other link stays
byte-identical.

    https://www.dropbox.com/scl/fi/x/a.pdf?rlkey=y&dl=0  -> …?rlkey=y&dl=1
    https://drive.google.com/file/d/ID/view              -> https://drive.usercontent.google.com/…
    https://github.com/o/r/blob/main/a.bin               -> https://github.com/o/r/raw/main/a.bin
    s3://bucket/key                                      -> https://bucket.s3.amazonaws.com/key

Each rule has a name, by which `PACKMULE_REWRITE_LINKS` switches it on. Sources of the rules stand
beside them; hosts change their links, so a rule is as narrow as its documentation.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable


class Rewritten(NamedTuple):
    """A link that was rewritten, and the name of the rule that did it."""

    url: str
    rule: str


def _with_parameter(url: str, name: str, value: str) -> str:
    """Set one parameter of the query and leave all else as it is."""
    rest, mark, fragment = url.partition("#")
    address, _, query = rest.partition("?")
    kept = [each for each in query.split("&") if each and each.partition("=")[0] != name]
    return f"{address}?{'&'.join([*kept, f'{name}={value}'])}{mark}{fragment}"


def _dropbox(found: re.Match[str]) -> str:
    # help.dropbox.com/share/force-download; a folder comes as a ZIP archive.
    return _with_parameter(found[0], "dl", "1")


def _sharepoint(found: re.Match[str]) -> str:
    # learn.microsoft.com: "download=1" on a sharing link.
    return _with_parameter(found[0], "download", "1")


def _github(found: re.Match[str]) -> str:
    # /raw/ redirects to raw.githubusercontent.com, or for Git LFS to media.githubusercontent.com.
    return f"{found[1]}/raw/{found[2]}"


def _google_drive(found: re.Match[str]) -> str:
    # The address that the viewer's own download button ends at; confirm=t answers the virus notice.
    key = re.search(r"[?&]resourcekey=([\w-]+)", found[0])
    resource = f"&resourcekey={key[1]}" if key else ""
    file_id = found[1] or found[2]
    return (
        f"https://drive.usercontent.google.com/download?id={file_id}&export=download&confirm=t"
        f"{resource}"
    )


def _s3(found: re.Match[str]) -> str:
    # docs.aws.amazon.com/AmazonS3: a bucket with a dot does not fit the wildcard certificate.
    bucket, key = found[1], quote(found[2], safe="/%~")
    if "." in bucket:
        return f"https://s3.amazonaws.com/{bucket}/{key}"
    return f"https://{bucket}.s3.amazonaws.com/{key}"


def _gs(found: re.Match[str]) -> str:
    # cloud.google.com/storage/docs/request-endpoints
    return f"https://storage.googleapis.com/{found[1]}/{quote(found[2], safe='/%~')}"


def _wikimedia(found: re.Match[str]) -> str:
    # mediawiki.org/wiki/Help:Linking_to_files: Special:Redirect/file/NAME
    return f"{found[1]}/wiki/Special:Redirect/file/{found[2]}"


def _gitlab(found: re.Match[str]) -> str:
    # docs.gitlab.com: /-/raw/ sends what /-/blob/ shows.
    return f"{found[1]}/-/raw/{found[2]}"


def _hugging_face(found: re.Match[str]) -> str:
    # huggingface.co/docs/hub: /resolve/ sends what /blob/ shows.
    return f"{found[1]}/resolve/{found[2]}"


def _nextcloud(found: re.Match[str]) -> str:
    # docs.nextcloud.com: a public share is downloaded at /download. Its tokens have 15 characters.
    return f"{found[1]}/download"


_BUCKET: Final = r"([a-z0-9][a-z0-9._-]{1,61}[a-z0-9])"
_TITLES: Final = (
    r"(?:File|Datei|Fichier|Archivo|Ficheiro|Immagine|Bestand|Plik|Fil|Tiedosto|Image|"
    r"%D0%A4%D0%B0%D0%B9%D0%BB|Файл)"
)


class _Rule(NamedTuple):
    """One rule. A link that holds none of `signs` does not match `pattern`."""

    name: str
    signs: tuple[str, ...]
    pattern: re.Pattern[str]
    rewritten: Callable[[re.Match[str]], str]


_RULES: Final = (
    _Rule(
        "dropbox",
        ("dropbox.com/",),
        re.compile(
            r"https?://(?:www\.)?dropbox\.com/(?:s|sh|scl)/[^?#]+(?:\?(?!(?:[^#]*&)?(?:dl|raw)=1)"
            r"[^#]*)?(?:#.*)?"
        ),
        _dropbox,
    ),
    _Rule(
        "sharepoint",
        ("sharepoint.com/:", "1drv.ms/", "onedrive.live.com/"),
        re.compile(
            r"https?://(?:[a-z0-9-]+\.sharepoint\.com/:[a-z]:/|1drv\.ms/[a-z]/|"
            r"onedrive\.live\.com/(?:redir|embed|download)?\?)"
            r"(?![^#]*[?&]download=1)[^#]+(?:#.*)?"
        ),
        _sharepoint,
    ),
    _Rule(
        "github",
        ("/blob/",),
        re.compile(r"(https?://github\.com/[^/?#]+/[^/?#]+)/blob/([^?#]+)(?:[?#].*)?"),
        _github,
    ),
    _Rule(
        "google-drive",
        ("drive.google.com/",),
        re.compile(
            r"https?://drive\.google\.com/(?:file/(?:u/[0-9]+/)?d/([\w-]{10,})(?:/[a-z]*)?(?:[?#].*)?|"
            r"(?:open|uc)\?(?:[^#]*&)?id=([\w-]{10,})(?:[&#].*)?)"
        ),
        _google_drive,
    ),
    _Rule("s3", ("s3://",), re.compile(rf"s3://{_BUCKET}/(.+)"), _s3),
    _Rule("gs", ("gs://",), re.compile(rf"gs://{_BUCKET}/(.+)"), _gs),
    _Rule(
        "wikimedia",
        ("/wiki/",),
        re.compile(
            r"(https?://(?:[a-z-]+\.)?(?:m\.)?(?:wikipedia|wikimedia)\.org)/wiki/"
            rf"{_TITLES}:([^?#]+)(?:[?#].*)?"
        ),
        _wikimedia,
    ),
    _Rule(
        "gitlab",
        ("/blob/",),
        re.compile(r"(https?://gitlab\.com/[^?#]+?)/-/blob/([^?#]+)(?:[?#].*)?"),
        _gitlab,
    ),
    _Rule(
        "hugging-face",
        ("/blob/",),
        re.compile(r"(https?://(?:huggingface\.co|hf\.co)/[^?#]+?)/blob/([^?#]+)(?:[?#].*)?"),
        _hugging_face,
    ),
    _Rule(
        "nextcloud",
        ("/s/",),
        re.compile(r"(https?://[^/?#]+(?:/[^/?#]+)*?/s/[A-Za-z0-9]{15})/?(?:#.*)?"),
        _nextcloud,
    ),
)
_SIGNS: Final = frozenset(sign for rule in _RULES for sign in rule.signs)
"""To look for these first takes a hundredth of the time of trying all rules."""

RULES: Final = tuple(rule.name for rule in _RULES)
"""The names of all rules, in the order in which they are tried."""


def parse_rules(text: str) -> frozenset[str]:
    """Parse a setting: `all`, `off`, or names of rules with commas. Raises ValueError."""
    words = frozenset(word for part in text.split(",") if (word := part.strip().lower()))
    if words <= {"all"}:
        return frozenset(RULES)
    if words == {"off"}:
        return frozenset()
    unknown = sorted(words - frozenset(RULES))
    if unknown:
        raise ValueError(
            f"{unknown[0]!r} is not a rule; use all, off, or some of {', '.join(RULES)}"
        )
    return words


def rewrite(url: str, rules: frozenset[str] = frozenset(RULES)) -> Rewritten | None:
    """Return a share link as the link that sends the file; None for any other link."""
    if not any(map(url.__contains__, _SIGNS)):
        return None
    for rule in _RULES:
        if rule.name in rules and (found := rule.pattern.fullmatch(url)) is not None:
            return Rewritten(rule.rewritten(found), rule.name)
    return None


def rewritten(url: str, rules: frozenset[str] = frozenset(RULES)) -> str:
    """Return the link to fetch for a link: rewritten if a rule applies, else as it is."""
    found = rewrite(url, rules)
    return url if found is None else found.url
