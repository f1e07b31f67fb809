"""Request bodies that cost more than they should, from clients with and without a key."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from tests.attacks.stage import attack

if TYPE_CHECKING:
    import httpx
    from tests.attacks.stage import Stage
    from tests.spec.service import Service

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
CREATE = "/api/archive/create"
LINK = b'"https://example.com/a"'
MOST_ERRORS = 50
AT_ONCE = 6
MOST_SHOWN = 12_000_000


@attack("a form of millions of lines, without a key", full=33_000_000, small=4_000_000)
def form_without_a_key(stage: Stage, size: int) -> None:
    with stage.service(API_KEYS="owner:0123456789abcdef0123456789abcdef") as service:
        for body in (b"links=" + b"a%0A" * (size // 4), b"key=x&links=" + b"%0A" * (size // 3)):
            answer = service.client.post("/archives", content=body, headers=FORM)
            assert answer.status_code in {401, 413}, answer.status_code


@attack("bodies of as many lines, faults and fields as fit", full=11_000_000, small=1_000_000)
def bombs(stage: Stage, size: int) -> None:
    with stage.usual_service() as service:
        for piece in (b"a%0A", b"%0A", b"%41", b"%22", b"&a=", b"\n"):
            body = b"links=" + piece * (size // len(piece))
            answer = service.client.post("/archives", content=body, headers=FORM)
            assert answer.status_code in {400, 422}, answer.status_code
            assert len(answer.content) < MOST_SHOWN, len(answer.content)
        for body in _bombs(size):
            _is_refused(service.client.post(CREATE, content=body))
        answers = _at_once(service, _bombs(size)[:AT_ONCE])
        assert len(answers) == AT_ONCE
        assert set(answers) <= {400, 422, 503}, answers


def _at_once(service: Service, bodies: list[bytes]) -> list[int]:
    answers: list[int] = []

    def send(body: bytes) -> None:
        answers.append(service.client.post(CREATE, content=body, timeout=120).status_code)

    threads = [threading.Thread(target=send, args=(body,)) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def _bombs(size: int) -> list[bytes]:
    """Return bodies of this size, each of which was expensive to refuse."""

    def many(item: bytes) -> bytes:
        return b",".join([item] * (size // (len(item) + 1)))

    fields = b",".join(b'"%d":1' % number for number in range(size // 12))
    depth = size // 2
    return [
        b'{"urls":[%s]}' % many(b"1"),
        b'{"urls":[%s]}' % many(b"[]"),
        b'{"urls":[%s]}' % many(b'{"a":1,"b":2}'),
        b'{"urls":[%s,{"url":%s,%s}]}' % (LINK, LINK, fields),
        b'{"urls":[%s],%s}' % (LINK, fields),
        b'{"urls":[%s],"name":[%s]}' % (LINK, many(b"1")),
        b'{"urls":[%s]%s}' % (LINK, b',"name":"a"' * (size // 11)),
        b'{"urls":[%s]}' % many(b'"\\ud83d\\ude00"'),
        b'{"urls":["%s"]}' % (b"a" * size),
        b'{"urls":[%s]}' % (b"9" * size),
        b'{"urls":[%s]}' % many(b"9" * 4000),
        b'{"urls":[%s]}' % many(b"NaN"),
        b'{"urls":%s1%s}' % (b"[" * depth, b"]" * depth),
        b'{"a":' * (size // 5) + b"1",
        b" " * size,
    ]


def _is_refused(answer: httpx.Response) -> None:
    assert answer.status_code in {400, 422}, answer.text[:200]
    assert len(answer.json().get("errors", [])) <= MOST_ERRORS


@attack("a hash with control characters, queries and markup in it", full=200, small=2)
def hostile_hashes(stage: Stage, rounds: int) -> None:
    hostile = ["%00", "%0a", "0" * 32 + "%0a", "x%3Fwait=60", "%3Cscript%3E", "..%5c", "A" * 32]
    with stage.usual_service() as service:
        for _ in range(rounds):
            for hash_ in hostile:
                for path in (
                    f"/archives/{hash_}",
                    f"/api/archive/status/{hash_}?wait=bad",
                    f"/api/archive/files/{hash_}?limit=0",
                    f"/api/archive/events/{hash_}",
                    f"/archive/get/{hash_}.zip",
                ):
                    answer = service.client.get(path)
                    assert answer.status_code == 404, (path, answer.status_code)
                    assert "script" not in answer.text
                    assert "wait" not in answer.text
        assert "Traceback" not in service.log
