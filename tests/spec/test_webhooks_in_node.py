"""Webhooks as others verify them: by npm's `standardwebhooks`, which shares no code with PyPI's."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.fakes import node
from tests.fakes.receiver import SECRET, Receiver
from tests.spec.service import Service, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fakes.origin import Origin

PACKAGES = Path(__file__).parents[1] / "guides/node"
NEXT = "whsec_" + "QUJD" * 12
VECTOR = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}

pytestmark = [pytest.mark.needs("node", "npm"), pytest.mark.timeout(400)]


@dataclass(frozen=True, slots=True)
class Message:
    """What came over the wire, and the secret it is verified with."""

    headers: dict[str, str]
    body: str
    secret: str = SECRET


def verified(*messages: Message) -> list[Any]:
    """Have the library verify messages: what each says, or None where it is refused."""
    lines = [
        json.dumps({"secret": m.secret, "headers": m.headers, "body": m.body}) for m in messages
    ]
    ran = subprocess.run(
        ["node", "verify.mjs"],
        cwd=node.installed(PACKAGES),
        input="".join(f"{line}\n" for line in lines),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return [None if line == "refused" else json.loads(line) for line in ran.stdout.splitlines()]


@pytest.fixture(scope="module")
def received(
    tmp_path_factory: pytest.TempPathFactory, origin: Origin
) -> Iterator[dict[str, Message]]:
    """Have the program tell how jobs ended, signed with two secrets; give the messages by kind."""
    with (
        Receiver(secret=NEXT) as receiver,
        Service(
            tmp_path_factory.mktemp("signs"),
            ATTEMPTS="1",
            WEBHOOK_URL=receiver.url,
            WEBHOOK_SECRET=f"{SECRET},{NEXT}",
        ) as service,
    ):
        service.start()
        name = "Größe 😀 \u2028.txt"
        service.completed({"url": origin.put("/node/a", b"a"), "name": name})
        service.outcome(service.create(origin.url("/node/Ärger"), origin.url("/node/none")))
        slow = service.create(origin.put("/node/slow", b"s", latency=30.0))
        service.client.post(f"/api/archive/cancel/{slow}").raise_for_status()
        until(lambda: len(receiver.received) == 3, "all is told")
        assert receiver.wrong == []
        yield {
            one.document["type"]: Message(_signed(one.fields), one.body.decode())
            for one in receiver.received
        }


def _signed(fields: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in fields.items() if name.startswith("webhook-")}


@pytest.mark.long  # test_webhooks.py has it in Python
def test_each_kind_of_message_is_accepted_with_either_secret(received: dict[str, Message]) -> None:
    kinds = ["archive.completed", "archive.failed", "archive.cancelled"]
    assert sorted(received) == sorted(kinds)
    for secret in (SECRET, NEXT):
        told = verified(
            *(Message(received[kind].headers, received[kind].body, secret) for kind in kinds)
        )
        assert told == [json.loads(received[kind].body) for kind in kinds]


@pytest.mark.long  # test_webhooks.py has it in Python
def test_what_was_not_signed_so_is_refused(received: dict[str, Message]) -> None:
    true = received["archive.completed"]
    other = received["archive.failed"].headers
    stale = str(int(true.headers["webhook-timestamp"]) - 1)
    assert verified(
        Message(true.headers, true.body.replace("archive.completed", "archive.failed")),
        Message(true.headers | {"webhook-timestamp": stale}, true.body),
        Message(true.headers | {"webhook-id": other["webhook-id"]}, true.body),
        Message(true.headers | {"webhook-signature": other["webhook-signature"]}, true.body),
        Message(true.headers, true.body, "whsec_" + "eHl6" * 12),
        Message(VECTOR, '{"test": 2432232314}'),  # right, and years old
        true,
    ) == [None] * 6 + [json.loads(true.body)]
