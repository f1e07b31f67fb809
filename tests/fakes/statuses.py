"""Status documents of every kind, named after their views."""

from __future__ import annotations

from typing import Any, Final

_FAILURE: Final = {
    "position": 0,
    "url": "https://example.org/a.jpg",
    "name": "a.jpg",
    "code": "dns",
    "detail": "no such host",
    "http_status": None,
    "attempts": 1,
}


def _open(done: int, failed: int, size: int, *, finishing: bool = False) -> dict[str, Any]:
    return {
        "status": "in-progress",
        "progress": {
            "files": {"total": 3, "done": done, "failed": failed},
            "bytes": {"done": size, "total": None},
        },
        "finishing": finishing,
    }


def _failed(code: str, done: int) -> dict[str, Any]:
    return {
        "status": "failed",
        "error": {"code": code, "detail": "some could not be fetched"},
        "files": {"total": 3, "done": done, "failed": 3 - done},
        "failures": [_FAILURE] if code == "files-failed" else [],
    }


STATUSES: Final[dict[str, dict[str, Any]]] = {
    "preparing": _open(0, 0, 0),
    "packing": _open(1, 0, 10),
    "packing, nothing done": _open(0, 0, 10),
    "packing, one failed": _open(0, 1, 0),
    "finishing": _open(2, 1, 10),
    "finishing, early": _open(1, 0, 10, finishing=True),
    "ready": {"status": "completed", "missing": []},
    "incomplete": {"status": "completed", "missing": [_FAILURE]},
    "failed": _failed("files-failed", 2),
    "failed, nothing packed": _failed("files-failed", 0),
    "broken": _failed("disk-full", 1),
    "broken, nothing packed": _failed("internal", 0),
    "cancelled": {"status": "cancelled"},
    "expired": {"status": "expired"},
    "unknown": {"status": "unknown"},
    "unknown, of a later version": {"status": "something-new"},
}
