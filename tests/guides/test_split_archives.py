"""docs/guides/split-archives.md, typed against the service."""

from __future__ import annotations

import random
import zipfile
from typing import TYPE_CHECKING

from tests.fakes.documents import blocks, typed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.origin import Origin
    from tests.spec.service import Service

GUIDE = "docs/guides/split-archives.md"
BODIES = {f"{n}.bin": random.Random(n).randbytes(600_000) for n in range(2)}


def test_the_parts_that_the_guide_fetches_hold_every_file(
    service: Service, origin: Origin, path: str, tmp_path: Path
) -> None:
    urls = [origin.put(f"/split-guide/{name}", body) for name, body in BODIES.items()]
    (tmp_path / "urls.txt").write_text("\n".join(urls))
    env = {"PATH": path, "PACKMULE_SERVER": service.url}
    [block] = blocks(GUIDE, "sh")
    assert "2GB" in block
    code, said = typed(block.replace("2GB", "1MB"), tmp_path, env)
    assert code == 0, said
    found: dict[str, bytes] = {}
    for name in ("photos-1.zip", "photos-2.zip"):
        with zipfile.ZipFile(tmp_path / name) as archive:
            found |= {each: archive.read(each) for each in archive.namelist()}
    assert found == BODIES
