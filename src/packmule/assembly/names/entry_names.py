"""What each entry of one archive is called.

Owns where a name comes from and which of two equal ones gets the number. Leaves what a name may
hold to `zipformat.names`, the headers' grammar to `content_disposition` and `extensions`.
Law: the paragraph on entry names in the API's documentation; RFC 6266.

A name comes from, the first there is:
    the caller's `name`       known at the start   as it is, made safe; the only one with folders
    Content-Disposition       known at the head    its last path segment
    the final URL's           known at the head    where redirects led; only if the first URL's name
    last segment                                   has no real extension and this one has
    the URL's last segment    known at the start   percent-decoded
    the URL's host            known at the start
Where the last four have no extension, only digits or a script's (`.php`), Content-Type gives one.

What is known at the start is planned at the start: of two equal names the later in the caller's
order gets the number, whichever response comes first, and a name planned for one is given to no
other. Only names that a response announced are numbered in the order of arrival.

A name that may yet get an extension is planned as a stem of at most 200 bytes, so that neither
extension nor number ever makes two stems one.
"""

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from packmule.assembly.names.content_disposition import announced_name
from packmule.assembly.names.extensions import KNOWN_EXTENSIONS, extension_for
from packmule.assembly.names.url_names import (
    SCRIPTS,
    has_real_extension,
    is_random,
    is_real_extension,
    name_in_url,
)
from packmule.zipformat.names import (
    PLAIN_PART,
    clash_key,
    safe_name,
    shortened,
    split_extension,
    with_extension,
    with_suffix,
)

_PLAIN_URL: Final = re.compile(rf"https?://[^/?#]+/(?:[^?#]*/)?({PLAIN_PART})(?:[?#]|\Z)")
_FOLDER: Final = -1
_STEM_BYTES: Final = 200
_CERTAIN: Final = KNOWN_EXTENSIONS - SCRIPTS
# Types that a script's own text is sent under: then its extension is right.
_SOURCE_TYPES: Final = ("text/plain", "text/x-", "application/x-httpd-php", "application/x-perl")
# As they are, `.dll` is a library and no gateway.
_EXECUTABLE_TYPES: Final = ("application/x-msdownload", "application/x-dosexec")


class EntryNames:
    """The names of one archive's entries, no two of them one file on any system.

    A position is an index into the caller's list. Used by one thread. Costs are amortised O(1) a
    call.
    """

    def __init__(
        self, wanted: Sequence[tuple[str, str | None]], *, reserved: Sequence[str] = ()
    ) -> None:
        """Plan the names; `wanted` holds (URL, caller's name or None) in the caller's order.

        URLs are http or https and valid. No file is given a name that is `reserved`.
        """
        # Clash key -> position, or _FOLDER.
        self._taken: dict[str, int] = {clash_key(name): _FOLDER for name in reserved}
        self._is_held = bytearray(len(wanted))  # what has been claimed or restored, by position
        self._held: dict[int, str] = {}  # its name, where that is not the planned one
        self._plans: list[str] = []
        self._unnumbered: dict[int, str] = {}  # the plan without its number, where it has one
        self._next: dict[str, int] = {}  # series of a name -> number to try next
        self._callers: dict[int, str] = {}
        self._stems: set[int] = set()  # whose name gets an extension by Content-Type
        self._scripts: set[int] = set()  # whose extension is replaced by it
        self._plans_hold = True  # until a name planned for one has gone to another
        seen = set()
        for position, (_, name) in enumerate(wanted):
            if name is not None:
                safe = self._callers[position] = safe_name(name, folders=True)
                innermost = safe.rpartition("/")[0]
                if innermost not in seen:
                    seen.add(innermost)
                    for folder in _folders(safe):
                        self._taken[clash_key(folder)] = _FOLDER
        for position, (url, name) in enumerate(wanted):
            self._plan(position, url if name is None else None)

    def claim(
        self,
        position: int,
        *,
        content_disposition: str | None,
        content_type: str | None,
        final_url: str | None = None,
    ) -> str:
        """Return the name an entry gets, now that its response's head is there.

        `final_url` is the one that answered, None if it is the one that was asked for. A second
        claim of the same position gives the same name, until it is released.
        """
        held = self._name_of(position)
        if held is None:
            is_certain = position not in self._stems and position not in self._scripts
            if content_disposition is None and self._plans_hold and is_certain:
                self._is_held[position] = True
                return self._plans[position]
            announced = announced_name(content_disposition) if content_disposition else None
            if announced is None and not is_certain and final_url is not None:
                announced = self._from_final_url(final_url, self._plans[position])
            held = self._chosen(position, announced, content_type)
            self._hold(position, held)
        return held

    def restore(self, position: int, name: str) -> None:
        """Reserve for an entry the name it has in the archive already; before any claim.

        Raises ValueError where another restored entry has that name: the archive is not of this
        job, or its record is damaged.
        """
        for folder in _folders(name):
            self._seize(clash_key(folder), _FOLDER, name)
        self._seize(clash_key(name), position, name)
        self._hold(position, name)

    def release(self, position: int) -> None:
        """Set an entry's name free: the entry failed and will not be in the archive."""
        self._plans_hold = False
        held, self._is_held[position] = self._name_of(position), False
        self._held.pop(position, None)
        for name in (held, self._plans[position]):
            if name is not None and self._taken.get(key := clash_key(name)) == position:
                del self._taken[key]

    def _name_of(self, position: int) -> str | None:
        if not self._is_held[position]:
            return None
        return self._held.get(position) or self._plans[position]

    def _hold(self, position: int, name: str) -> None:
        self._is_held[position] = True
        if name != self._plans[position]:
            self._held[position] = name

    def _plan(self, position: int, url: str | None) -> None:
        name = self._callers[position] if url is None else self._planned(position, url)
        if self._taken.setdefault(clash_key(name), position) != position:
            self._unnumbered[position] = name
            name = self._numbered(name, position, extension=position not in self._stems)
        self._plans.append(name)

    def _planned(self, position: int, url: str) -> str:
        plain = _PLAIN_URL.match(url)
        if plain and plain[1].lower()[plain[1].rfind(".") :] in _CERTAIN:
            return plain[1]
        if segment := name_in_url(url):
            name = safe_name(segment, folders=False)
        else:  # a host's last label looks like an extension, and is none
            self._stems.add(position)
            return safe_name(urlsplit(url).hostname or "", folders=False)
        extension = split_extension(name)[1]
        if extension.lower() in SCRIPTS:
            self._scripts.add(position)
        elif not has_real_extension(name):
            self._stems.add(position)
            name = shortened(name, _STEM_BYTES)
        return name

    @staticmethod
    def _from_final_url(url: str, plan: str) -> str | None:
        """Return the name in the URL that redirects led to, if it says more than the plan."""
        name = name_in_url(url)
        stem, extension = split_extension(name)
        if not is_real_extension(extension):
            return None
        return plan + extension if is_random(stem) else name

    def _chosen(self, position: int, announced: str | None, content_type: str | None) -> str:
        plan = self._plans[position]
        base = self._unnumbered.get(position, plan)
        if position in self._callers:
            return self._free(plan, base, position)
        extension = extension_for(content_type) if content_type else ""
        is_stem = position in self._stems and extension != ""
        if is_stem:
            base = with_extension(base, extension)
        elif position in self._scripts:
            plan, base = _of_type(plan, content_type), _of_type(base, content_type)
        if announced is not None:
            announced = _of_type(safe_name(announced, folders=False), content_type)
            if clash_key(announced) != clash_key(base):
                return self._free(announced, announced, position)
        if is_stem:
            return self._extended(plan, extension, position)
        return self._free(plan, base, position)

    def _extended(self, plan: str, extension: str, position: int) -> str:
        """Take a planned stem with its extension, or a number of this stem that nobody planned."""
        stem, number = plan, 0
        while True:
            name = with_extension(stem, extension)
            stem_is_ours = self._taken.get(clash_key(stem), position) == position
            if stem_is_ours and self._taken.setdefault(clash_key(name), position) == position:
                return name
            number += 1
            stem = with_suffix(plan, number, extension=False)

    def _free(self, name: str, base: str, position: int) -> str:
        """Take `name`, or where it is another's the next number of `base`."""
        if self._taken.setdefault(clash_key(name), position) == position:
            return name
        return self._numbered(base, position)

    def _numbered(self, base: str, position: int, *, extension: bool = True) -> str:
        # Long names are cut to make room for the number, so several may share one series.
        series = clash_key(with_suffix(base, 1, extension=extension))
        number = self._next.get(series, 1)
        while True:
            name = with_suffix(base, number, extension=extension)
            number += 1
            if self._taken.setdefault(clash_key(name), position) == position:
                self._next[series] = number
                return name

    def _seize(self, key: str, position: int, name: str) -> None:
        holder = self._taken.get(key, position)
        self._plans_hold = self._plans_hold and holder == position
        if holder != position and (holder == _FOLDER or self._is_held[holder]):
            raise ValueError(f"entry {name!r} is in the archive twice, or beside its own folder")
        self._taken[key] = position


def _folders(path: str) -> list[str]:
    """Return all folders a path lies in: `a` and `a/b` for `a/b/c`."""
    return [path[: slash.start()] for slash in re.finditer("/", path)]


def _of_type(name: str, content_type: str | None) -> str:
    """Return a safe name with the extension that its media type asks for, where it has none."""
    stem, own = split_extension(name)
    extension = extension_for(content_type) if content_type else ""
    if has_real_extension(name) or not extension:
        return name
    if own.lower() not in SCRIPTS:
        return with_extension(name, extension)
    own_types = _EXECUTABLE_TYPES if own.lower() == ".dll" else _SOURCE_TYPES
    is_right = content_type is not None and content_type.lower().startswith(own_types)
    return name if is_right else with_extension(stem, extension)
