"""The sources of one job, in the caller's order: of each its URL, and what else was given with it.

Owns how they are held in memory. A `Source` for each of a million would take 110 bytes more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, overload

from packmule.jobs.model import Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from packmule.jobs.expected import Expected


class Sources(Sequence[Source]):
    """The sources of `wanted`: URLs, each with the caller's name and expectations, or None."""

    __slots__ = ("_expected", "_names", "_urls")

    def __init__(self, wanted: Iterable[tuple[str, str | None, Expected | None]] = ()) -> None:
        self._urls: list[str] = []
        self._names: dict[int, str] = {}
        self._expected: dict[int, Expected] = {}
        for url, name, expected in wanted:
            if name is not None:
                self._names[len(self._urls)] = name
            if expected is not None:
                self._expected[len(self._urls)] = expected
            self._urls.append(url)

    def __repr__(self) -> str:
        return f"<Sources of {len(self._urls)}, {len(self._names)} of them named>"

    def __len__(self) -> int:
        return len(self._urls)

    def __iter__(self) -> Iterator[Source]:
        names, expected = self._names, self._expected
        for position, url in enumerate(self._urls):
            yield Source(position, url, names.get(position), expected.get(position))

    @overload
    def __getitem__(self, index: int) -> Source: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Source, ...]: ...
    def __getitem__(self, index: int | slice) -> Source | tuple[Source, ...]:
        if isinstance(index, slice):
            return tuple(self[position] for position in range(len(self._urls))[index])
        position = index if index >= 0 else index + len(self._urls)
        name, expected = self._names.get(position), self._expected.get(position)
        return Source(position, self._urls[index], name, expected)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]  # a list may be equal to it
