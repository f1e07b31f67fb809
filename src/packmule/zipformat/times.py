"""Moments as ZIP writes them: MS-DOS date and time, and whether Unix seconds fit their field.

Owns the arithmetic and its limits. Leaves the extended timestamp's bytes to `extras`.
Law: APPNOTE 4.4.6 (MS-DOS format) and Info-ZIP's `proginfo/extrafld.txt` for field 0x5455.

    one little-endian 32-bit word, as it stands at offset 10 (local) and 12 (central):
    31      25 24  21 20  16 15   11 10    5 4       0
    | year-1980 | month | day | hour | minute | second/2 |

MS-DOS time knows no zone. It is written in UTC, so that the same input gives the same bytes on
every machine; the extended timestamp beside it is exact and in UTC by definition.
"""

import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, TypeGuard

DOS_FIRST_SECOND: Final = 315_532_800  # 1980-01-01 00:00:00 UTC
DOS_LAST_SECOND: Final = 4_354_819_198  # 2107-12-31 23:59:58 UTC
DOS_EPOCH: Final = 1 << 21 | 1 << 16  # 1980-01-01 00:00:00, what stands for "not known"

# The field is signed by its definition, but 7-Zip and libarchive read it unsigned and Java signed:
# only where both readings agree is it worth writing.
UNIX_FIRST_SECOND: Final = 0
UNIX_LAST_SECOND: Final = 0x7FFF_FFFF

_DAY: Final = 86_400


def dos_time(second: int | None) -> int:
    """Return the 32-bit MS-DOS date and time of a POSIX second, rounded down to an even second.

    Before 1980 and after 2107 the nearest moment that can be written; None is 1980-01-01.
    """
    if second is None:
        return DOS_EPOCH
    day, rest = divmod(min(max(second, DOS_FIRST_SECOND), DOS_LAST_SECOND), _DAY)
    minutes, seconds = divmod(rest, 60)
    hour, minute = divmod(minutes, 60)
    return _dos_date(day) | hour << 11 | minute << 5 | seconds >> 1


@lru_cache(maxsize=4096)
def _dos_date(day: int) -> int:
    date = time.gmtime(day * _DAY)
    return (date.tm_year - 1980) << 25 | date.tm_mon << 21 | date.tm_mday << 16


def posix_second(word: int) -> int | None:
    """Read a 32-bit MS-DOS date and time as UTC; None where it names no day or hour that exists."""
    try:
        moment = datetime(
            year=1980 + (word >> 25),
            month=word >> 21 & 0xF,
            day=word >> 16 & 0x1F,
            hour=word >> 11 & 0x1F,
            minute=word >> 5 & 0x3F,
            second=(word & 0x1F) * 2,
            tzinfo=UTC,
        )
    except ValueError:
        return None
    return int(moment.timestamp())


def fits_unix_field(second: int | None) -> TypeGuard[int]:
    """Return whether every reader takes this second out of a 32-bit field as it was put in."""
    return second is not None and UNIX_FIRST_SECOND <= second <= UNIX_LAST_SECOND
