"""Whose name is next: clients in turn, then their jobs, each client within its limit."""

from __future__ import annotations

from packmule.outbound.lookup_turns import Asker, Lookup, LookupTurns


def waiting(*asked: tuple[str, int, str], per_client: int = 8) -> LookupTurns:
    """Return names that wait: client, job and host of each, in order."""
    turns = LookupTurns(per_client)
    for client, job, host in asked:
        turns.add(turns.get(host) or Lookup(host, 443), Asker(client, job))
    return turns


def begun(turns: LookupTurns) -> list[str]:
    """Begin all that may be begun; return the hosts in order."""
    hosts = []
    while (lookup := turns.take(0.0)) is not None:
        hosts.append(lookup.host)
    return hosts


def test_clients_take_turns() -> None:
    turns = waiting(("a", 1, "a1"), ("a", 1, "a2"), ("a", 1, "a3"), ("b", 1, "b1"), ("b", 1, "b2"))
    assert begun(turns) == ["a1", "b1", "a2", "b2", "a3"]


def test_a_client_gets_no_more_turns_by_more_jobs() -> None:
    turns = waiting(("a", 1, "a1"), ("a", 2, "a2"), ("a", 3, "a3"), ("b", 1, "b1"), ("b", 1, "b2"))
    assert begun(turns) == ["a1", "b1", "a2", "b2", "a3"]


def test_the_jobs_of_a_client_take_turns() -> None:
    turns = waiting(("a", 1, "x1"), ("a", 1, "x2"), ("a", 1, "x3"), ("a", 2, "y1"), ("a", 2, "y2"))
    assert begun(turns) == ["x1", "y1", "x2", "y2", "x3"]


def test_a_client_has_no_more_running_than_its_limit_until_one_ends() -> None:
    turns = waiting(("a", 1, "a1"), ("a", 2, "a2"), ("a", 3, "a3"), ("b", 1, "b1"), per_client=2)
    first = turns.take(0.0)
    assert first is not None
    assert begun(turns) == ["b1", "a2"]
    turns.ended(first)
    assert begun(turns) == ["a3"]
    assert len(turns) == 0


def test_what_runs_already_counts() -> None:
    turns = waiting(("a", 1, "a1"), ("a", 1, "a2"))
    assert begun(turns) == ["a1", "a2"]
    for client, host in (("a", "a3"), ("b", "b1"), ("b", "b2"), ("b", "b3")):
        turns.add(Lookup(host, 443), Asker(client, 1))
    assert begun(turns) == ["b1", "b2", "a3", "b3"]


def test_a_name_is_begun_once_in_the_turn_of_whoever_comes_first() -> None:
    turns = waiting(("a", 1, "a1"), ("a", 1, "both"), ("b", 1, "both"), ("b", 1, "b2"))
    assert begun(turns) == ["a1", "both", "b2"]


def test_a_name_that_nobody_waits_for_is_gone_for_each_who_asked() -> None:
    turns = waiting(("a", 1, "x"), ("b", 1, "x"), ("b", 1, "y"))
    lookup = turns.get("x")
    assert lookup is not None
    turns.remove(lookup)
    assert begun(turns) == ["y"]
