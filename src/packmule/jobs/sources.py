"""The sources of one job, in the caller's order: of each its URL, and its name where it has one.

Owns how they are held in memory. A `Source` for each of a million would take 110 bytes more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, overload

from packmule.jobs.model import Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Sources(Sequence[Source]):
    """The sources of `wanted`, pairs of a URL and the caller's name or None."""

    __slots__ = ("_names", "_urls")

    def __init__(self, wanted: Iterable[tuple[str, str | None]] = ()) -> None:
        self._urls: list[str] = []
        self._names: dict[int, str] = {}
        for url, name in wanted:
            if name is not None:
                self._names[len(self._urls)] = name
            self._urls.append(url)

    def __repr__(self) -> str:
        return f"<Sources of {len(self._urls)}, {len(self._names)} of them named>"

    def __len__(self) -> int:
        return len(self._urls)

    def __iter__(self) -> Iterator[Source]:
        for position, url in enumerate(self._urls):
            yield Source(position, url, self._names.get(position))

    @overload
    def __getitem__(self, index: int) -> Source: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Source, ...]: ...
    def __getitem__(self, index: int | slice) -> Source | tuple[Source, ...]:
        if isinstance(index, slice):
            return tuple(self[position] for position in range(len(self._urls))[index])
        position = index if index >= 0 else index + len(self._urls)
        return Source(position, self._urls[index], self._names.get(position))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]  # a list may be equal to it
