"""What a body is to be checked against, and whether it is that.

Owns which checksums of a body are computed, the comparison, and what a manifest keeps of them.
Leaves computing to `body_digest`, what a server sends to `outbound.sent_digests`, and the second
try to `receiving`.

    given with the link    compared; then what the server sends is not
    sent by the server     compared as far as that costs no byte and no segment more
    for a manifest         SHA-256, kept with the file
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from packmule.assembly.body_digest import BodyDigest
from packmule.errors import Failure, FailureCode
from packmule.jobs.model import Manifest
from packmule.jobs.receipts import Receipt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from packmule.jobs.expected import Expected
    from packmule.jobs.model import Source

_PREFERRED: Final = ("crc32", "sha256", "sha512", "sha1", "md5")
"""Of what a server sends one suffices: these take the least time first."""
_WORDS: Final = {
    "crc32": "CRC-32",
    "md5": "MD5",
    "sha1": "SHA-1",
    "sha256": "SHA-256",
    "sha512": "SHA-512",
}


class BodyCheck:
    """What one body is checked against; `digest` is that of the sink that takes it now.

    `is_required`: the file must not be packed unchecked, whatever that costs.
    """

    __slots__ = ("_by", "_receipt", "_size", "_wanted", "digest", "is_required")

    def __init__(
        self,
        expected: Expected | None,
        sent: Mapping[str, str],
        receipt: tuple[str | None, str | None] | None,
    ) -> None:
        """Check against what is `expected`, or else what was `sent`.

        `receipt` has the validators that a manifest tells, None where there is to be none.
        """
        self._wanted: dict[str, str] = {}
        self._by = "given with the link"
        self._size = None if expected is None else expected.size
        self._receipt = receipt
        if expected is not None:
            given = (("sha256", expected.sha256), ("md5", expected.md5))
            self._wanted = {name: value for name, value in given if value is not None}
        self.is_required = bool(self._wanted) or receipt is not None
        if not self._wanted and sent:
            self._by = "sent by the server"
            chosen = next(name for name in self._preferred if name in sent)
            self._wanted = {chosen: sent[chosen]}
        self.digest = self.begin()

    def __repr__(self) -> str:
        return f"<BodyCheck of {', '.join(self._wanted)} {self._by}, {self.digest!r}>"

    @property
    def _preferred(self) -> tuple[str, ...]:
        return _PREFERRED if self._receipt is None else ("sha256", *_PREFERRED)

    def begin(self) -> BodyDigest:
        """Begin with the first byte; return what the sink is to feed."""
        manifest = () if self._receipt is None else ("sha256",)
        self.digest = BodyDigest({*self._wanted, *manifest})
        return self.digest

    def fault(self, size: int) -> Failure | None:
        """Return why the whole body, of `size` bytes, is not the file.

        Where not all of it was digested, only the size tells, unless that is not enough.
        """
        if (wrong := self.size_fault(size)) is not None:
            return wrong
        if self.digest.at != size:
            return _failure("bytes could not all be verified") if self.is_required else None
        found = self.digest.found()
        for name, wanted in self._wanted.items():
            if found[name] != wanted:
                return _failure(f"{_WORDS[name]} is {found[name]}, not {wanted} as {self._by}")
        return None

    def size_fault(self, size: int) -> Failure | None:
        """Return why a body of that many bytes is not the file."""
        if self._size is None or size == self._size:
            return None
        return _failure(f"size is {size:,} bytes, not {self._size:,} as given with the link")

    def receipt(self) -> str | None:
        """Return what a manifest keeps of the body, all of which has been digested."""
        if self._receipt is None:
            return None
        return Receipt(self.digest.found()["sha256"], *self._receipt, int(time.time())).text()


def body_check(
    expected: Expected | None,
    sent: Mapping[str, str],
    receipt: tuple[str | None, str | None] | None = None,
) -> BodyCheck | None:
    """Return what a body is checked against; None where nothing is known of it or wanted."""
    if expected is None and not sent and receipt is None:
        return None
    return BodyCheck(expected, sent, receipt)


def digested(sources: Sequence[Source], manifest: Manifest) -> Callable[[int], bool]:
    """Return what says of a position whether its file must not be packed unchecked."""
    if manifest is not Manifest.NONE:
        return lambda _position: True

    def is_required(position: int) -> bool:
        expected = sources[position].expected
        return expected is not None and (expected.sha256 or expected.md5) is not None

    return is_required


def _failure(fault: str) -> Failure:
    return Failure(FailureCode.CHECKSUM, f"the file's {fault}: it may be damaged or another one")
