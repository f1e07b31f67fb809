"""Request bodies that cost more than they should."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.attacks.stage import attack

if TYPE_CHECKING:
    from tests.attacks.stage import Stage

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@attack("a form of millions of lines, without a key", full=33_000_000, small=4_000_000)
def form_bomb(stage: Stage, size: int) -> None:
    with stage.service(API_KEYS="owner:0123456789abcdef0123456789abcdef") as service:
        body = b"urls=" + b"a%0A" * (size // 4)
        answer = service.client.post("/archives", content=body, headers=FORM)
        assert answer.status_code in {401, 413}, answer.status_code
