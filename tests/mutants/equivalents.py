"""Mutations that change nothing anybody could see, each reviewed, with its reason.

By target, then by the mutation's name as `make mutants` prints it. One that is no longer made is
reported, so that the list does not outlive the code.
"""

from __future__ import annotations

_ONLY_QUICKER = "a short name takes the short way; the long one ends at the same name"
_FARTHER_OFF = "it is only looked for from farther off"
_LINES_ARE_CACHED = "what is remembered of the lines changes the time, not what they mean"
_FAST_PATH = "a head that does not take the fast path is walked through, and means the same"
_ALREADY_KEPT = "`BaseException.__new__` has kept the arguments"
_ORDER_DECIDES = "no two retries have the same order, so nothing after it is compared"
_FIRST_BYTE = "nothing is in front of a scratch's first byte"
_ANY_NUMBER = "a series is known by the name with any one number, as long as it is the same"
_ENOUGH_TO_JUDGE = "nobody needs to know the number of bytes that are enough"
_IS_ZLIB = (
    "_wrapper: is_zlib = len(first) >= _ZLIB_HEAD_BYTES and first[0] & 15 == _ZLIB_METHOD"
    " and (int.from_bytes(fi..."
)
_WHOLE_HEAD = (
    "len(first) >= _ZLIB_HEAD_BYTES and first[0] & 15 == _ZLIB_METHOD"
    " and (int.from_bytes(first[:_ZLIB..."
)
_LESS_OF_THE_HEAD = (
    f"{_WHOLE_HEAD} -> len(first) >= _ZLIB_HEAD_BYTES and first[0] & 15 == _ZLIB_METHOD",
    (
        f"{_WHOLE_HEAD} -> len(first) >= _ZLIB_HEAD_BYTES"
        " and int.from_bytes(first[:_ZLIB_HEAD_BYTES], 'big') % _ZLIB_CHECK ..."
    ),
    "15 -> 14",
)

EQUIVALENT: dict[str, dict[str, str]] = {
    "assembly/content_coding": {
        "module: PEEK_BYTES: Final = 1024: 1024 -> 1025": _ENOUGH_TO_JUDGE,
        "module: PEEK_BYTES: Final = 1024: 1024 -> 1023": _ENOUGH_TO_JUDGE,
        "Wrapper: GZIP = 31: 31 -> 32": "zlib then finds out what it is, and only gzip comes to it",
        "CodingUnsupportedError.__init__: super().__init__(coding):"
        " super().__init__(coding) -> pass": _ALREADY_KEPT,
        **dict.fromkeys(
            (f"{_IS_ZLIB}: {change}" for change in _LESS_OF_THE_HEAD), "zlib checks its head itself"
        ),
        "_wrapper: return Wrapper.RAW_DEFLATE if first and _peek(Wrapper.RAW_DEFLATE, first) is not"
        " None else None: first and _peek(Wrapper.RAW_DEFLATE, first) is not None ->"
        " _peek(Wrapper.RAW_DEFLATE, first) is not None": "of no bytes nothing comes",
    },
    "assembly/names/charsets": {
        "readable: continue: continue -> pass": "it is the last statement of the loop",
    },
    "assembly/names/entry_names": {
        "module: _FOLDER: Final = -1: 1 -> 2": "no position is negative, so either is none",
        "EntryNames.__init__: self._plans_hold = True: True -> False": (
            "the long way ends at the plan, too"
        ),
        "EntryNames.__init__: seen.add(innermost): seen.add(innermost) -> pass": (
            "folders are only noted again"
        ),
        "EntryNames._planned: return safe_name(urlsplit(url).hostname or '', folders=False):"
        " urlsplit(url).hostname or '' -> urlsplit(url).hostname": "a valid URL has a host",
        "EntryNames._planned: return safe_name(urlsplit(url).hostname or '', folders=False):"
        " False -> True": "no host holds a slash",
        "EntryNames._chosen: announced = _of_type(safe_name(announced, folders=False),"
        " content_type): False -> True": (
            "what is announced is the last segment of a path, and holds no slash"
        ),
        "EntryNames._numbered: series = clash_key(with_suffix(base, 1, extension=extension)):"
        " 1 -> 2": _ANY_NUMBER,
        "EntryNames._numbered: series = clash_key(with_suffix(base, 1, extension=extension)):"
        " 1 -> 0": _ANY_NUMBER,
    },
    "assembly/resuming": {
        "usable: in_file = [(0, file_size)] if in_areas is None else in_areas: 0 -> -1": (
            _FIRST_BYTE
        ),
    },
    "outbound/fetch_scheduler": {
        "_Due: queue: JobQueue = field(compare=False): False -> True": _ORDER_DECIDES,
        "_Due: item: Fetch = field(compare=False): False -> True": _ORDER_DECIDES,
        "FetchScheduler._take: host = self._hosts.get(key) or self.host(key):"
        " self._hosts.get(key) or self.host(key) -> self.host(key)": "it looks there first itself",
    },
    "outbound/head": {
        **dict.fromkeys(
            (
                *(
                    f"module: _REMEMBERED_LINES, _REMEMBERED_LENGTH = (2048, 200): {change}"
                    for change in ("2048 -> 2049", "2048 -> 2047", "200 -> 201", "200 -> 199")
                ),
                (
                    "_Lines.__missing__: if len(line) <= _REMEMBERED_LENGTH::"
                    " len(line) <= _REMEMBERED_LENGTH -> len(line) < _REMEMBERED_LENGTH"
                ),
                *(
                    "_Lines.__missing__: if len(self) >= _REMEMBERED_LINES::"
                    f" len(self) >= _REMEMBERED_LINES -> len(self) {other} _REMEMBERED_LINES"
                    for other in (">", "<")
                ),
                "_Lines.__missing__: self[line] = said: self[line] = said -> pass",
            ),
            _LINES_ARE_CACHED,
        ),
        **dict.fromkeys(
            (
                *(
                    f"parse: fields = dict(said[1:-1]): {change}"
                    for change in (
                        "1:-1 -> :-1",
                        "1:-1 -> 1:",
                        "1 -> 2",
                        "1 -> 0",
                        "-1 -> 1",
                        "1 -> 2 (#2)",
                        "1 -> 0 (#2)",
                    )
                ),
                *(
                    "parse: if len(fields) == len(said) - 2 and '' not in fields"
                    f" and (lines[-1] == _USUAL_BLANK):: {change}"
                    for change in (
                        "len(said) - 2 -> len(said) + 2",
                        "2 -> 1",
                        "-1 -> 1",
                        "1 -> 2",
                        "1 -> 0",
                    )
                ),
            ),
            _FAST_PATH,
        ),
        **dict.fromkeys(
            ("_walked: status = 0: 0 -> 1", "_walked: status = 0: 0 -> -1"),
            "each of the three is below every final status",
        ),
        "_walked: for line, (name, value) in zip(lines, said, strict=True):: True -> False": (
            "there is one meaning for each line"
        ),
    },
    "outbound/urls": {
        "UrlInvalid.__init__: super().__init__(detail): super().__init__(detail) -> pass": (
            _ALREADY_KEPT
        ),
    },
    "web/json_scan": {
        "JsonObject.is_object: self._at = len(_BOM) if self._body.startswith(_BOM) else 0:"
        " 0 -> -1": ("a pattern that is looked for before the first byte is looked for from there"),
    },
    "webhook/retry_schedule": {
        "RetrySchedule._pause: return max(pause, min(asked or 0.0, LONGEST_RETRY_AFTER)):"
        " 0.0 -> -1.0": "no pause is shorter than zero, so neither figure is ever the greater one",
    },
    "zipformat/headers": {
        f"module: _TIMESTAMP_HEAD: Final = Timestamp(0).pack()[:-4]: {change}": (
            "the time itself is what is cut off"
        )
        for change in ("0 -> 1", "0 -> -1")
    },
    "zipformat/names": {
        "module: _LONGEST_EXTENSION: Final = len('.tar.') + 16: 16 -> 17": _FARTHER_OFF,
        **dict.fromkeys(
            (
                "module: _SHORT: Final = 56: 56 -> 55",
                "module: _SHORT: Final = 56: 56 -> 57",
                (
                    "safe_name: if len(name) <= MAX_PART_BYTES and _PLAIN_PATH.fullmatch(name)::"
                    " len(name) <= MAX_PART_BYTES -> len(name) < MAX_PART_BYTES"
                ),
                (
                    "with_suffix: return stem + tail if len(name) <= _SHORT"
                    " else _within_part(stem, tail): len(name) <= _SHORT -> len(name) < _SHORT"
                ),
                (
                    "with_extension: return name + extension if len(name) <= _SHORT"
                    " else _within_part(name, extension): len(name) <= _SHORT -> len(name) < _SHORT"
                ),
                (
                    "shortened: return name if len(name.encode()) <= limit"
                    " else _within_part(name, '', limit):"
                    " len(name.encode()) <= limit -> len(name.encode()) < limit"
                ),
                *(
                    "_safe_part: if len(part) <= _SHORT or len(part.encode()) <= MAX_PART_BYTES::"
                    f" {change}"
                    for change in (
                        (
                            "len(part) <= _SHORT or len(part.encode()) <= MAX_PART_BYTES"
                            " -> len(part.encode()) <= MAX_PART_BYTES"
                        ),
                        (
                            "len(part) <= _SHORT or len(part.encode()) <= MAX_PART_BYTES"
                            " -> len(part) <= _SHORT and len(part.encode()) <= MAX_PART_BYTES"
                        ),
                        (
                            "len(part) <= _SHORT or len(part.encode()) <= MAX_PART_BYTES"
                            " -> len(part) <= _SHORT"
                        ),
                        "len(part) <= _SHORT -> len(part) < _SHORT",
                        (
                            "len(part.encode()) <= MAX_PART_BYTES"
                            " -> len(part.encode()) < MAX_PART_BYTES"
                        ),
                    )
                ),
            ),
            _ONLY_QUICKER,
        ),
        "split_extension: found = _EXTENSION.search(name, max(len(name) - _LONGEST_EXTENSION, 0)):"
        " max(len(name) - _LONGEST_EXTENSION, 0) -> min(len(name) - _LONGEST_EXTENSION, 0)": (
            _FARTHER_OFF
        ),
        "split_extension: found = _EXTENSION.search(name, max(len(name) - _LONGEST_EXTENSION, 0)):"
        " 0 -> -1": "a search that begins before the name begins with it",
        "split_extension: found = _EXTENSION.search(name, max(len(name) - _LONGEST_EXTENSION, 0)):"
        " 0 -> 1": "no extension begins at a name's first character",
        "split_extension: return (name[:found.start()], found[0]) if found else (name, ''):"
        " 0 -> 1": "the only group of the pattern is all of it",
    },
}
