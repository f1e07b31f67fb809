"""One POST: what is sent, what is made of each answer, and whom it never reaches."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from tests.fakes.receiver import Answer, Received, Receiver

from packmule.errors import FailureCode
from packmule.outbound.addresses import AddressRules, parse_networks
from packmule.outbound.outcomes import Answered, TryFailed
from packmule.outbound.post import Poster
from packmule.outbound.resolver import Resolver
from packmule.outbound.urls import parse
from packmule.outbound.user_agent import DEFAULT as DEFAULT_USER_AGENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STRICT = AddressRules()
LOOPBACK = AddressRules(allow_networks=parse_networks("127.0.0.0/8"))
FIELDS = {"content-type": "application/json", "webhook-id": "msg_1"}


def poster(
    rules: AddressRules | None = None,
    names: Callable[[str, int], list[str]] = lambda _host, _port: ["127.0.0.1"],
    seconds: float = 10.0,
) -> Poster:
    return Poster(Resolver(look_up=names, ttl=0.0), rules, seconds=seconds)


@contextmanager
def raw(script: Callable[[socket.socket], None]) -> Iterator[str]:
    """Serve one connection by a script."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                script(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/hook"
        thread.join(10)


def test_the_body_and_the_fields_arrive_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    with Receiver(secret=None) as receiver:
        body = b'{"a": "\xc3\xa4"}' + b" " * 100_000
        url = parse(f"http://somewhere.example:{receiver.port}/h%6Fok?a=%2f")
        assert poster().post(url, FIELDS, body) == Answered(204)
        [received] = receiver.received
    assert received.body == body
    assert received.path == "/h%6Fok?a=%2f"
    assert received.fields["host"] == f"somewhere.example:{receiver.port}"
    assert received.fields["user-agent"] == DEFAULT_USER_AGENT
    assert "expect" not in received.fields


@pytest.mark.parametrize("status", [200, 204, 302, 307, 410, 500])
def test_the_status_is_told_and_no_redirect_is_followed(status: int) -> None:
    def answer(_received: Received) -> Answer:
        return Answer(status, (("location", "/other"),))

    with Receiver(answer, secret=None) as receiver:
        assert poster().post(parse(receiver.url), FIELDS, b"{}") == Answered(status)
        assert len(receiver.received) == 1


@pytest.mark.parametrize(("value", "seconds"), [("120", 120.0), ("soon", None)])
def test_retry_after_is_read(value: str, seconds: float | None) -> None:
    with Receiver(lambda _: Answer(503, (("retry-after", value),)), secret=None) as receiver:
        assert poster().post(parse(receiver.url), FIELDS, b"{}") == Answered(503, seconds)


def test_an_endless_answer_is_cut_and_its_status_counts() -> None:
    def endless(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while True:
                connection.sendall(b"x" * 65536)
        except OSError:
            return

    with raw(endless) as url:
        assert poster().post(parse(url), FIELDS, b"{}") == Answered(200)


def test_a_receiver_that_says_nothing_is_left_in_time() -> None:
    let_go = threading.Event()

    def say_nothing(_connection: socket.socket) -> None:
        let_go.wait(10)

    with raw(say_nothing) as url:
        found = poster(seconds=0.3).post(parse(url), FIELDS, b"{}")
        let_go.set()
    assert isinstance(found, TryFailed)
    assert found.code is FailureCode.TIMEOUT


def test_a_name_that_is_not_found_in_time_is_left_as_well() -> None:
    let_go = threading.Event()

    def hang(_host: str, _port: int) -> list[str]:
        let_go.wait(10)
        return []

    found = poster(names=hang, seconds=0.2).post(parse("http://slow.example/"), FIELDS, b"{}")
    let_go.set()
    assert isinstance(found, TryFailed)
    assert found.code is FailureCode.DNS


@pytest.mark.parametrize(
    "answer",
    [b"", b"SSH-2.0-server\r\n", b"HTTP/1.1 200 OK\r\nContent-Le",
     b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 20_000 + b"\r\n"],
    ids=["nothing", "no HTTP", "half a head", "an endless head"],
)  # fmt: skip
def test_what_is_no_answer_is_none(answer: bytes) -> None:
    def say(connection: socket.socket) -> None:
        try:
            connection.sendall(answer)
        except OSError:
            return

    with raw(say) as url:
        assert isinstance(poster().post(parse(url), FIELDS, b"{}"), TryFailed)


def test_a_port_where_nobody_listens_is_said(free_port: int) -> None:
    found = poster().post(parse(f"http://127.0.0.1:{free_port}/"), FIELDS, b"{}")
    assert isinstance(found, TryFailed)
    assert found.code is FailureCode.CONNECT


@pytest.mark.parametrize("host", ["127.0.0.1", "hooks.example", "localhost"])
def test_under_rules_what_is_not_public_is_never_connected_to(host: str) -> None:
    with Receiver(secret=None) as receiver:
        url = parse(f"http://{host}:{receiver.port}/hook")
        found = poster(STRICT).post(url, FIELDS, b"{}")
        assert isinstance(found, TryFailed)
        assert found.code is FailureCode.ADDRESS_NOT_ALLOWED
        assert "127.0.0.1" not in found.detail.replace(host, "")
        assert receiver.received == []
        assert poster(LOOPBACK).post(url, FIELDS, b"{}") == Answered(204)


def test_an_answer_that_mixes_public_and_other_addresses_is_refused() -> None:
    mixed = poster(LOOPBACK, lambda _host, _port: ["127.0.0.1", "10.0.0.1"])
    found = mixed.post(parse("http://hooks.example:8080/"), FIELDS, b"{}")
    assert isinstance(found, TryFailed)
    assert found.code is FailureCode.ADDRESS_NOT_ALLOWED


def test_the_connection_itself_is_judged_whatever_the_look_up_said() -> None:
    """The first answer is judged and pinned; a guard that is asked again at the socket refuses."""

    class Lax(AddressRules):
        """Lets every answer pass, so that only the socket's own judgement is left."""

        __slots__ = ()

        def permits_all(self, _addresses: object) -> bool:
            return True

    with Receiver(secret=None) as receiver:
        url = parse(f"http://hooks.example:{receiver.port}/hook")
        found = poster(Lax()).post(url, FIELDS, b"{}")
        assert isinstance(found, TryFailed)
        assert found.code is FailureCode.ADDRESS_NOT_ALLOWED
        assert receiver.received == []


def test_a_body_is_returned_whole_or_not_at_all_if_it_is_wanted() -> None:
    body = b"x" * 200_000
    with Receiver(lambda _: Answer(200, body=body), secret=None) as receiver:
        url = parse(receiver.url)
        assert poster().post(url, FIELDS, b"{}", keep=len(body)) == Answered(200, body=body)
        too_large = poster().post(url, FIELDS, b"{}", keep=len(body) - 1)
        assert isinstance(too_large, TryFailed)
        assert too_large.code is FailureCode.BAD_RESPONSE
        assert poster().post(url, FIELDS, b"{}") == Answered(200)


def test_a_wanted_body_that_is_cut_is_no_answer() -> None:
    def cut(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")

    with raw(cut) as url:
        assert isinstance(poster().post(parse(url), FIELDS, b"{}", keep=1000), TryFailed)
