"""ZIP archives as bytes and names: pure, no I/O, nothing of ours imported.

`records` and `extras` are APPNOTE's tables, `headers` what we write for an entry, `layout` where
entries lie and the central directory, `names` what an entry may be called.
"""

from packmule.zipformat.headers import (
    central_header,
    local_header,
    local_header_size,
    needs_zip64_room,
)
from packmule.zipformat.layout import (
    Entry,
    Gap,
    Move,
    Overlap,
    central_directory,
    check,
    closing_moves,
    end_records,
)
from packmule.zipformat.names import (
    clash_key,
    safe_name,
    shortened,
    split_extension,
    with_extension,
    with_suffix,
)
from packmule.zipformat.records import DEFLATED, STORED, FormatError

__all__ = [
    "DEFLATED",
    "STORED",
    "Entry",
    "FormatError",
    "Gap",
    "Move",
    "Overlap",
    "central_directory",
    "central_header",
    "check",
    "clash_key",
    "closing_moves",
    "end_records",
    "local_header",
    "local_header_size",
    "needs_zip64_room",
    "safe_name",
    "shortened",
    "split_extension",
    "with_extension",
    "with_suffix",
]
