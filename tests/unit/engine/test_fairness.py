"""Turns of tasks: even between clients, by priority within one, and nobody waits for ever."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packmule.engine.fairness import (
    LASTING_TIMES,
    LASTS_AFTER,
    PRIORITY_SECONDS,
    SHORT_SLICE,
    SLICE,
    Waiting,
    choose,
    is_full,
    over_share,
    room,
    slice_of,
)

YOUNG, LASTING = 0.0, LASTS_AFTER


def queue(*clients: str) -> list[Waiting]:
    """Give tasks of these clients, posted a second apart; their ids are their places."""
    return [Waiting(n, client, 0, float(n)) for n, client in enumerate(clients)]


@pytest.mark.parametrize(
    ("waiting", "in_work", "most", "chosen"),
    [
        (queue(), {}, 8, []),
        (queue("a", "a", "a"), {}, 2, [0, 1]),
        (queue("a", "a", "b"), {}, 2, [0, 2]),  # a turn each
        (queue("a", "a", "b"), {"a": 1}, 1, [2]),  # who has less in work is first
        (queue("a", "a", "b"), {"b": 1}, 2, [0, 1]),
        (queue("b", "a", "b"), {"c": 9}, 3, [0, 1, 2]),
        (queue(*"aaaaaaaab"), {"a": 7}, 1, [8]),
        ([Waiting(1, "a", 0, 0.0), Waiting(2, "a", 5, 9.0)], {}, 2, [2, 1]),
        ([Waiting(1, "a", 0, 0.0), Waiting(2, "b", 100, 9.0)], {"b": 1}, 2, [1, 2]),
        ([Waiting(2, "a", 0, 0.0), Waiting(1, "a", 0, 0.0)], {}, 2, [1, 2]),
    ],
)
def test_who_begins(
    waiting: list[Waiting], in_work: dict[str, int], most: int, chosen: list[int]
) -> None:
    assert choose(waiting, in_work, most) == chosen


def test_a_thousand_jobs_of_one_client_do_not_hold_up_the_one_of_another() -> None:
    assert choose(queue(*["a"] * 1_000, "b"), {"a": 7}, 1) == [1_000]


def test_what_has_waited_for_long_goes_before_a_greater_priority() -> None:
    old = Waiting(1, "a", 0, 0.0)
    for waited, first in ((PRIORITY_SECONDS - 1, 2), (PRIORITY_SECONDS + 1, 1)):
        assert choose([old, Waiting(2, "a", 1, waited)], {}, 1) == [first]


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(-100, 100)), max_size=60),
    st.dictionaries(st.sampled_from("abc"), st.integers(0, 9)),
    st.integers(0, 12),
)
def test_nobody_is_passed_over_for_one_who_has_more(
    tasks: list[tuple[str, int]], in_work: dict[str, int], most: int
) -> None:
    waiting = [Waiting(n, client, priority, n) for n, (client, priority) in enumerate(tasks)]
    chosen = choose(waiting, in_work, most)
    assert len(chosen) == len(set(chosen)) == min(most, len(waiting))
    begun = Counter(waiting[id_].client for id_ in chosen)
    for one in begun:
        for other in {task.client for task in waiting if task.id not in chosen}:
            # One more than the other at most: it went first where both had the same.
            has = {client: in_work.get(client, 0) + begun[client] for client in (one, other)}
            assert has[one] <= has[other] + 1
    for client in begun:
        own = [task for task in waiting if task.client == client]
        ranks = [task.due_at - PRIORITY_SECONDS * task.priority for task in own]
        first = sorted(zip(ranks, own, strict=True))[: begun[client]]
        assert [id_ for id_ in chosen if waiting[id_].client == client] == [
            task.id for _, task in first
        ]


@pytest.mark.parametrize(
    ("ages", "free"),
    [
        ([], 8),
        ([YOUNG] * 8, 0),
        ([LASTING] * 8, 8),
        ([LASTING] * 5 + [YOUNG] * 3, 5),
        ([LASTING] * 24, 8),
        ([LASTING] * 24 + [YOUNG] * 8, 0),
        ([LASTING] * 31, 1),
        ([LASTING] * 32, 0),
        ([LASTING] * 40, 0),
    ],
)
def test_what_lasts_makes_room_up_to_a_bound(ages: list[float], free: int) -> None:
    assert room(ages, 8) == free


@given(st.lists(st.sampled_from([YOUNG, LASTING]), max_size=50), st.integers(1, 9))
def test_there_are_never_more_than_the_bound(ages: list[float], most: int) -> None:
    within = ages[: most * (1 + LASTING_TIMES)]
    assert len(within) + room(within, most) <= most * (1 + LASTING_TIMES)
    assert sum(age < LASTS_AFTER for age in within) + room(within, most) <= max(
        most, sum(age < LASTS_AFTER for age in within)
    )
    assert is_full(within, most) == (len(within) == most * (1 + LASTING_TIMES))


def test_each_slice_is_twice_as_long_so_that_all_comes_to_an_end() -> None:
    assert [slice_of(n) / SLICE for n in range(4)] == [1, 2, 4, 8]
    assert slice_of(10_000) > 365 * 86_400


@pytest.mark.parametrize(
    ("holders", "waiting", "over"),
    [
        ("aaaa", "", ""),
        ("aaaa", "aa", ""),  # nobody else wants it
        ("aaaa", "b", "a"),
        ("aaab", "b", "a"),
        ("aabb", "b", ""),
        ("aabb", "c", "ab"),
        ("abcd", "efgh", ""),  # an only task is never more than a share
        ("aabc", "defgh", "a"),
        ("", "a", ""),
    ],
)
def test_who_holds_more_than_an_even_share_while_others_wait(
    holders: str, waiting: str, over: str
) -> None:
    assert over_share(holders, waiting) == set(over)


def test_a_slice_is_shorter_for_more_than_a_share_and_doubles_all_the_same() -> None:
    assert slice_of(0, is_over=True) == SHORT_SLICE < SLICE == slice_of(0)
    assert slice_of(3, is_over=True) == 8 * SHORT_SLICE
