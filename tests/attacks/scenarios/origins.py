"""Origins that answer with more, or with other things, than a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.attacks.stage import attack
from tests.fakes.raw_origin import each_on_its_host

if TYPE_CHECKING:
    from tests.attacks.stage import Stage

LONG = 60_000


@attack("headers of 60 kB with terminal escapes, once for each file", full=1000, small=40)
def long_headers(stage: Stage, size: int) -> None:
    hostile = "\x1b]0;owned\x07" + "x" * LONG
    with stage.origin() as origin, stage.usual_service() as service:
        leading = {"Location": f"ftp://{hostile}"}
        urls = [origin.put(f"/{n}", b"x", status=302, headers=leading) for n in range(size)]
        created = service.create(*urls)
        found = service.outcome(created)
        assert found["status"] == "failed", found
        assert {each["code"] for each in found["failures"]} == {"redirects"}
        answer = service.client.get(f"/api/archive/status/{created}")
        assert len(answer.content) < 1000 * size, len(answer.content)
        assert all(each["detail"].isprintable() for each in found["failures"])


@attack("an origin that sends interim responses only, over and over", full=200, small=20)
def interim_responses(stage: Stage, size: int) -> None:
    flood = b"HTTP/1.1 103 E\r\n\r\n" * 3600
    switch = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"
    with each_on_its_host([flood] * size + [switch]) as urls, stage.usual_service() as service:
        found = service.outcome(service.create(*urls))
        assert {each["code"] for each in found["failures"]} == {"bad-response"}, found
