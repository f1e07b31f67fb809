"""Names that hang: how far they hold up other names, of other clients above all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fakes.names import PUBLIC, SOON, Ear, Names, ask_in_vain

from packmule.outbound.lookup_turns import Asker

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fakes.clock import FakeClock

    from packmule.outbound.resolver import Resolver


def test_names_of_one_client_that_hang_do_not_keep_another_waiting(
    make: Callable[..., Resolver], names: Names
) -> None:
    resolver = make(threads=4, per_client=3)
    for number in range(50):
        names.keep_silent_about(f"{number}.hangs.example")
        asker = Asker("attacker", number)
        assert resolver.resolve(f"{number}.hangs.example", 443, Ear(), asker) is None
    ear = Ear()
    assert resolver.resolve("a.example", 443, ear, Asker("victim")) is None
    assert ear.next().addresses == (PUBLIC,)
    assert len(names.asked) == 4


def test_a_name_that_another_client_waits_for_too_is_looked_up_in_the_turn_of_either(
    make: Callable[..., Resolver], names: Names
) -> None:
    resolver = make(threads=2, per_client=1)
    names.keep_silent_about("hangs.example")
    ears = [Ear(), Ear()]
    assert resolver.resolve("hangs.example", 443, Ear(), Asker("attacker")) is None
    assert names.begun.acquire(timeout=SOON)
    for client, ear in zip(("attacker", "victim"), ears, strict=True):
        assert resolver.resolve("a.example", 443, ear, Asker(client)) is None
    assert [ear.next().addresses for ear in ears] == [(PUBLIC,), (PUBLIC,)]
    assert names.asked == ["hangs.example", "a.example"]


def test_a_thread_that_is_stuck_is_replaced_up_to_a_bound(
    make: Callable[..., Resolver], names: Names, clock: FakeClock
) -> None:
    resolver = make(threads=1, max_stuck=1)
    hanging = [names.keep_silent_about(f"{number}.example") for number in range(3)]
    ask_in_vain(resolver, "0.example")
    assert names.begun.acquire(timeout=SOON)
    waiting = ask_in_vain(resolver, "1.example")
    clock.advance(9)
    ask_in_vain(resolver, "1.example")
    clock.advance(1)
    resolver.expire()  # the first is stuck, and nobody has waited for the second for that long
    assert "no answer" in (waiting.next().error or "")
    assert names.begun.acquire(timeout=SOON)
    assert names.asked == ["0.example", "1.example"]
    last = ask_in_vain(resolver, "2.example")
    clock.advance(10)
    resolver.expire()
    assert "no answer" in (last.next().error or "")
    assert names.asked == ["0.example", "1.example"]
    for event in hanging:
        event.set()
    assert ask_in_vain(resolver, "b.example").next().error is None
