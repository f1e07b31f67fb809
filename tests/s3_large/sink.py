"""An S3 server that keeps of an object what tells whether it is right, and nothing else.

Owns the words of S3 that an upload in parts needs, one small part of the answers each; takes no
notice of signatures. Of each part it keeps the length and the CRC-32, and of the last two their
bytes, since a program may read back the end of what it has stored. So an object may be of any size.

`python -m tests.s3_large.sink` runs one, says its port, and ends with its input.
"""

from __future__ import annotations

import json
import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree import ElementTree as ET

from isal.isal_zlib import crc32

_PIECE = 1024 * 1024
_DATE = "2026-01-05T12:00:00.000Z"


@dataclass
class Part:
    """A part: its bytes only where it may be one of the last two."""

    size: int
    crc: int
    content: bytes | None

    @property
    def etag(self) -> str:
        """Tell it apart from others of its number."""
        return f'"{self.crc:08x}-{self.size:x}"'


@dataclass
class Kept:
    """An object, by its parts in order."""

    parts: list[Part]
    etag: str

    @property
    def size(self) -> int:
        """Tell its length."""
        return sum(part.size for part in self.parts)

    def read(self, start: int, stop: int) -> bytes | None:
        """Give bytes of the last two parts; None where others are wanted."""
        last = self.parts[-2:]
        content = b"".join(part.content or b"" for part in last)
        begin = self.size - sum(part.size for part in last)
        if len(content) != self.size - begin or start < begin:
            return None
        return content[start - begin : stop - begin]


@dataclass
class Upload:
    """An upload under way."""

    key: str
    parts: dict[int, Part] = field(default_factory=dict)
    with_content: set[int] = field(default_factory=set)


class State:
    """All that is kept; one lock for all of it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.objects: dict[str, Kept] = {}
        self.uploads: dict[str, Upload] = {}
        self.numbers = count(1)
        self.puts = 0

    def take(self, upload: str, number: int, part: Part) -> bool:
        """Keep a part, and of all parts the content of the last two; False: no such upload."""
        with self.lock:
            found = self.uploads.get(upload)
            if found is None:
                return False
            # A service tries the store at its start, with an object of another name.
            self.puts += found.key.endswith(".zip")
            found.parts[number] = part
            for other in sorted(found.with_content | {number})[:-2]:
                found.parts[other].content = None
            found.with_content = set(sorted(found.with_content | {number})[-2:])
            return True


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    state: State

    def handle_any(self) -> None:
        """Answer whatever it is."""
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query, True).items()}
        key = unquote(url.path).lstrip("/").partition("/")[2]
        match self.command:
            case "PUT" if "partNumber" in query:
                self.put_part(query)
            case "PUT":
                self.put(key)
            case "POST":
                self.post(key, query, self.body())
            case "GET" if "uploadId" in query:
                self.list_parts(query)
            case "GET" if "uploads" in query:
                self.list_uploads(query.get("prefix", ""))
            case "GET" if not key:
                self.list_objects(query.get("prefix", ""))
            case "GET":
                self.get(key)
            case _:
                self.delete(key, query)

    do_GET = do_PUT = do_POST = do_DELETE = handle_any  # noqa: N815 - names there

    def body(self) -> bytes:
        """Read a small body."""
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def summed(self) -> Part:
        """Read a body of any size."""
        left = int(self.headers.get("Content-Length", 0))
        part, pieces = Part(left, 0, None), []
        while left:
            piece = self.rfile.read(min(left, _PIECE))
            if not piece:
                raise ConnectionError
            part.crc = crc32(piece, part.crc)
            pieces.append(piece)
            left -= len(piece)
        part.content = b"".join(pieces)
        return part

    def put_part(self, query: dict[str, str]) -> None:
        """Keep a part."""
        part = self.summed()
        if self.state.take(query["uploadId"], int(query["partNumber"]), part):
            self.answer(200, b"", {"ETag": part.etag})
        else:
            self.refuse(404, "NoSuchUpload")

    def put(self, key: str) -> None:
        """Keep a small object."""
        part = self.summed()
        self.state.objects[key] = Kept([part], part.etag)
        self.answer(200, b"", {"ETag": part.etag})

    def post(self, key: str, query: dict[str, str], body: bytes) -> None:
        """Begin an upload, or complete it."""
        if "uploads" in query:
            name = f"upload-{next(self.state.numbers)}"
            self.state.uploads[name] = Upload(key)
            self.tell("InitiateMultipartUploadResult", Key=key, UploadId=name)
            return
        found = self.state.uploads.get(query["uploadId"])
        if found is None:
            self.refuse(404, "NoSuchUpload")
            return
        parts = []
        for each in ET.fromstring(body):  # noqa: S314 - of our own program
            number, etag = (each.findtext(f"{{*}}{name}") for name in ("PartNumber", "ETag"))
            part = found.parts.get(int(number or 0))
            if part is None or part.etag != etag:
                self.refuse(400, "InvalidPart")
                return
            parts.append(part)
        del self.state.uploads[query["uploadId"]]
        kept = self.state.objects[key] = Kept(parts, f'"{len(parts)}-{crc32(body):08x}"')
        self.tell("CompleteMultipartUploadResult", Key=key, ETag=kept.etag)

    def list_parts(self, query: dict[str, str]) -> None:
        """Tell the parts of an upload."""
        found = self.state.uploads.get(query["uploadId"])
        if found is None:
            self.refuse(404, "NoSuchUpload")
            return
        after, most = int(query.get("part-number-marker", 0)), int(query.get("max-parts", 1000))
        numbers = [number for number in sorted(found.parts) if number > after]
        shown = [
            {
                "PartNumber": number,
                "Size": found.parts[number].size,
                "ETag": found.parts[number].etag,
            }
            for number in numbers[:most]
        ]
        more = len(numbers) > most
        last = numbers[most - 1] if more else 0
        truncated = str(more).lower()
        self.tell("ListPartsResult", IsTruncated=truncated, NextPartNumberMarker=last, Part=shown)

    def list_uploads(self, prefix: str) -> None:
        """Tell the uploads under way."""
        shown = [
            {"Key": upload.key, "UploadId": name, "Initiated": _DATE}
            for name, upload in self.state.uploads.items()
            if upload.key.startswith(prefix)
        ]
        self.tell("ListMultipartUploadsResult", IsTruncated="false", Upload=shown)

    def list_objects(self, prefix: str) -> None:
        """Tell the objects."""
        shown = [
            {"Key": key, "Size": kept.size, "ETag": kept.etag, "LastModified": _DATE}
            for key, kept in sorted(self.state.objects.items())
            if key.startswith(prefix)
        ]
        self.tell("ListBucketResult", IsTruncated="false", Contents=shown)

    def get(self, key: str) -> None:
        """Give a range of an object; of the key `sums`, what is known of all objects."""
        if key == "sums":
            self.answer(200, json.dumps(self.sums()).encode(), {})
            return
        kept = self.state.objects.get(key)
        first, _, last = self.headers.get("Range", "").removeprefix("bytes=").partition("-")
        if kept is None or not first:
            self.refuse(404, "NoSuchKey")
            return
        content = kept.read(int(first), int(last) + 1)
        if content is None:
            self.refuse(501, "NotImplemented")
            return
        where = f"bytes {first}-{last}/{kept.size}"
        self.answer(206, content, {"ETag": kept.etag, "Content-Range": where})

    def sums(self) -> dict[str, Any]:
        """Tell length and CRC-32 of every part of every object, and how many parts came."""
        objects = {
            key: [(part.size, part.crc) for part in kept.parts]
            for key, kept in self.state.objects.items()
        }
        return {"objects": objects, "puts": self.state.puts, "uploads": len(self.state.uploads)}

    def delete(self, key: str, query: dict[str, str]) -> None:
        """Remove an object, or an upload."""
        if "uploadId" in query:
            self.state.uploads.pop(query["uploadId"], None)
        else:
            self.state.objects.pop(key, None)
        self.answer(204, b"", {})

    def tell(self, what: str, **fields: Any) -> None:
        """Answer in XML; a list is so many elements of that name."""
        root = ET.Element(what)
        for name, value in fields.items():
            for each in value if isinstance(value, list) else [value]:
                element = ET.SubElement(root, name)
                if isinstance(each, dict):
                    for inner, text in each.items():
                        ET.SubElement(element, inner).text = str(text)
                else:
                    element.text = str(each)
        self.answer(200, ET.tostring(root), {"Content-Type": "application/xml"})

    def refuse(self, status: int, code: str) -> None:
        """Say no in S3's word."""
        self.answer(status, f"<Error><Code>{code}</Code></Error>".encode(), {})

    def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        """Send an answer."""
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main() -> None:
    """Run until the input ends."""
    handler = type("Sink", (Handler,), {"state": State()})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sys.stdout.write(f"{server.server_address[1]}\n")
        sys.stdout.flush()
        sys.stdin.read()
        server.shutdown()


if __name__ == "__main__":
    main()
