r"""Entry names that every reader extracts at the same safe place.

Owns what a name may hold, how long it may be, and when two names are one file. Leaves to
`assembly.names.entry_names` where a name comes from and which of two equal ones gets the number.
Law: APPNOTE 4.4.17 (forward slashes, no drive, no leading slash); Microsoft's "Naming Files,
Paths, and Namespaces"; Unicode UAX 15 (NFC), UAX 44 (Default_Ignorable_Code_Point), D145 (caseless
match).

What happens to a part of a path, in this order:
1. What cannot be seen goes: zero-width and bidi characters, variation selectors, fillers.
2. NFC. Only now is it known which characters stand there.
3. `_` for each separator, control, `:*?"<>|`, lone surrogate, U+FFFD, line separator, code point
   not assigned (APFS refuses those), and U+F000 to U+F0FF (Windows layers show them as `:` or `\`).
4. Spaces at both ends and dots at the end go. `.`, `..` and the empty part are nothing then.
5. A Windows device name gets a `_` before it, with an extension or without: `_con.txt`.
6. Over 255 bytes the stem is cut, never the extension, nor within a character or its marks; then
   the ends and the device names are looked at again, for cutting may bring one to light.

Look-alikes (fullwidth forms, say) are letters like any other: files bear them on purpose.
"""

import re
import unicodedata
from typing import Final

MAX_PART_BYTES: Final = 255  # ext4, APFS; NTFS counts 255 UTF-16 units, which are never more
MAX_FOLDERS_BYTES: Final = 640  # with the file 895: below macOS's 1,024 with a folder to spare
DEFAULT_NAME: Final = "file"

# A part that is safe as it stands, at one glance; a pattern's text, so that others may build on it.
# It may be matched inside a URL: no percent sign, no separator, no character that needs a look.
PLAIN_PART: Final = (
    r"(?!(?i:aux|con|nul|prn|com[0-9]|lpt[0-9])(?![A-Za-z0-9_-]))"
    r"[A-Za-z0-9_-](?:[A-Za-z0-9_.()+,=@~!&'-]{0,190}[A-Za-z0-9_()+,=@~!&'-])?"
)
_PLAIN: Final = re.compile(PLAIN_PART)
_PLAIN_PATH: Final = re.compile(f"{PLAIN_PART}(?:/{PLAIN_PART})*")

# Default_Ignorable_Code_Point, and the interlinear marks U+FFF9 to U+FFFB.
_INVISIBLE: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_FORBIDDEN: Final = re.compile('[\x00-\x1f\x7f-\x9f/\\\\:*?"<>|\ufffd\uf000-\uf0ff\ud800-\udfff]')
_SEPARATOR: Final = re.compile(r"[/\\]")
_SPACES: Final = (
    " \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u202f\u205f\u3000"
)
_NEVER_SHOWN: Final = frozenset({"Cn", "Cs", "Cc", "Cf", "Zl", "Zp"})
_DEVICE: Final = re.compile(
    rf"(?i:CON|PRN|AUX|NUL|CLOCK\$|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9¹²³])[{_SPACES}]*(?:\.|\Z)"
)
# Letters and digits after the last dot; `.tar` before it belongs to it.
_EXTENSION: Final = re.compile(r"(?<=[^./])((?i:\.tar)?\.[^\W_][\w+~-]{0,15})\Z")
_LONGEST_EXTENSION: Final = len(".tar.") + 16
_SKIN_TONES: Final = range(0x1F3FB, 0x1F400)

# A part's first and last code points, enough for any name of 255 bytes: four of them compose to one
# character at most, of two bytes or more. Composing takes time by the square of a run of marks, so
# a header of 60 kB would otherwise stop the whole process for seconds.
_FIRST: Final = 512
_LAST: Final = 64

# Up to here no name is over 255 bytes, whatever its characters and a number added to it.
_SHORT: Final = 56


def safe_name(name: str, *, folders: bool) -> str:
    r"""Make any string a name that is safe everywhere; a safe name stays as it is.

    With `folders`, `/` and `\` part folders, and what leads out (`..`, a leading slash, a drive's
    colon) is gone; without, they are characters to be replaced. The innermost folders that exceed
    640 bytes together are left out. Where nothing remains the name is `file`.
    """
    if not folders:
        return name if _PLAIN.fullmatch(name) else _safe_part(name) or DEFAULT_NAME
    if len(name) <= MAX_PART_BYTES and _PLAIN_PATH.fullmatch(name):
        return name
    parts = [safe for part in _SEPARATOR.split(name) if (safe := _safe_part(part))]
    if not parts:
        return DEFAULT_NAME
    room = MAX_FOLDERS_BYTES
    path = []
    for folder in parts[:-1]:
        room -= len(folder.encode()) + 1
        if room < 0:
            break
        path.append(folder)
    return "/".join([*path, parts[-1]])


def clash_key(name: str) -> str:
    """Return what two names share exactly if they are one file on Windows or macOS.

    Unicode's canonical caseless match (D145), in NFC; besides, dotless i is i, since Windows'
    upper case table takes it so. A key is its own key.
    """
    if name.isascii():
        lower = name.lower()
        return name if lower == name else lower  # one text for both, of a million files
    folded = unicodedata.normalize("NFD", name).casefold().replace("\u0131", "i")
    return unicodedata.normalize("NFC", folded)


def split_extension(name: str) -> tuple[str, str]:
    """Split a path into what comes before its extension and the extension with its dot.

    The extension is empty where there is none: `.profile`, `v. Chr`, a dot before more than 16
    characters. `.tar.gz` and its like are one extension.
    """
    found = _EXTENSION.search(name, max(len(name) - _LONGEST_EXTENSION, 0))
    return (name[: found.start()], found[0]) if found else (name, "")


def with_suffix(name: str, number: int, *, extension: bool = True) -> str:
    """Add a number to a safe name: `name (1).ext`, the last part within 255 bytes.

    Without `extension` the number goes to the very end: `www.example.org (1)`.
    """
    stem, tail = split_extension(name) if extension else (name, "")
    tail = f" ({number}){tail}"
    return stem + tail if len(name) <= _SHORT else _within_part(stem, tail)


def with_extension(name: str, extension: str) -> str:
    """Put an extension (with its dot) behind a safe name, the last part within 255 bytes."""
    return name + extension if len(name) <= _SHORT else _within_part(name, extension)


def shortened(name: str, limit: int) -> str:
    """Cut the last part of a safe name to `limit` bytes, its extension like the rest."""
    return name if len(name.encode()) <= limit else _within_part(name, "", limit)


def _safe_part(part: str) -> str:
    if not part.isascii():
        part = unicodedata.normalize("NFC", _bounded(_INVISIBLE.sub("", part)))
        if not part.isprintable():
            part = "".join("_" if unicodedata.category(c) in _NEVER_SHOWN else c for c in part)
    part = _no_device(_FORBIDDEN.sub("_", part).lstrip(_SPACES).rstrip(_SPACES + "."))
    if len(part) <= _SHORT or len(part.encode()) <= MAX_PART_BYTES:
        return part
    return _within_part(*split_extension(part))


def _bounded(part: str) -> str:
    """Drop what lies in the middle of an overlong part, which no name would keep."""
    if len(part) <= _FIRST + _LAST:
        return part
    part = part.lstrip(_SPACES).rstrip(_SPACES + ".")
    return part if len(part) <= _FIRST + _LAST else part[:_FIRST] + part[-_LAST:]


def _no_device(part: str) -> str:
    return "_" + part if _DEVICE.match(part) else part


def _within_part(stem: str, tail: str, limit: int = MAX_PART_BYTES) -> str:
    """Join stem and tail, cutting the stem's last part so that the whole part has `limit` bytes."""
    folders, slash, last = stem.rpartition("/")
    room = limit - len(tail.encode())
    encoded = last.encode()
    if len(encoded) > room:
        # Dots and spaces may end up last, where there is no tail.
        last = _cut(last, encoded[:room].decode(errors="ignore")).rstrip(_SPACES + ".") or "_"
        # A device's name is short: where one was cut from something long, there is room for `_`.
        return folders + slash + _no_device(last + tail)
    return folders + slash + last + tail


def _cut(text: str, head: str) -> str:
    """Shorten `head`, a beginning of `text`, so that no character is parted from its marks."""
    end = len(head)
    while end and _is_mark(text[end]):
        end -= 1
    return text[:end] or head  # a character of hundreds of marks: nothing sensible can be kept


def _is_mark(character: str) -> bool:
    return unicodedata.category(character)[0] == "M" or ord(character) in _SKIN_TONES
