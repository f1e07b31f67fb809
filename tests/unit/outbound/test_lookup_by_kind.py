"""The system's lookup where a name server fails for one kind of address (RFC 8305 3)."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from packmule.outbound.resolver import system_look_up

A, AAAA = "192.0.2.1", "2001:db8::1"


def answering(by_family: dict[int, str | int], asked: list[int]) -> Any:
    def getaddrinfo(_host: bytes, port: int, family: int, kind: int) -> list[Any]:
        asked.append(family)
        answer = by_family[family]
        if isinstance(answer, int):
            raise socket.gaierror(answer, "no")
        return [(family, kind, 6, "", (answer, port))]

    return getaddrinfo


@pytest.mark.parametrize(
    ("by_family", "found"),
    [
        ({socket.AF_INET: A}, [A]),
        ({socket.AF_INET: socket.EAI_AGAIN, socket.AF_INET6: AAAA}, [AAAA]),
    ],
)
def test_one_kind_of_address_that_fails_does_not_stop_the_other(
    monkeypatch: pytest.MonkeyPatch, by_family: dict[int, str | int], found: list[str]
) -> None:
    by_family[socket.AF_UNSPEC] = socket.EAI_AGAIN
    monkeypatch.setattr(socket, "getaddrinfo", answering(by_family, []))
    assert system_look_up("a.example", 80) == found


@pytest.mark.parametrize("error", [socket.EAI_AGAIN, socket.EAI_NONAME])
def test_a_name_without_any_answer_fails_as_at_first(
    monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    asked: list[int] = []
    families = (socket.AF_UNSPEC, socket.AF_INET, socket.AF_INET6)
    monkeypatch.setattr(socket, "getaddrinfo", answering(dict.fromkeys(families, error), asked))
    with pytest.raises(socket.gaierror) as raised:
        system_look_up("a.example", 80)
    assert raised.value.errno == error
    assert len(asked) == (3 if error == socket.EAI_AGAIN else 1)
