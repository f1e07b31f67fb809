"""What the documents tell to type: their fenced blocks, for the tests that type them.

Owns finding the blocks, typing them in a shell, and putting a test's own ports and folders in.
Which test types which block stands in tests/house/test_commands.py.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parents[2]

_FENCED = re.compile(r"^( *)```([^\n`]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_SETTING = re.compile(r"(?:export )?([A-Z][A-Z0-9_]*)=(.*)")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block; `document` is its file, from the project's root."""

    document: str
    language: str
    text: str


def every_block(document: str) -> list[Block]:
    """List a document's blocks in their order."""
    text = (ROOT / document).read_text(encoding="utf-8")
    return [Block(document, found[2], found[3]) for found in _FENCED.finditer(text)]


def blocks(document: str, language: str) -> list[str]:
    """List what stands in a document's blocks of one language."""
    found = [block.text for block in every_block(document) if block.language == language]
    assert found, f"{document} has no block of {language}"
    return found


def the_block(document: str, begin: str) -> str:
    """Give the one block that begins so."""
    [found] = [block.text for block in every_block(document) if block.text.startswith(begin)]
    return found


def replaced(text: str, changes: Mapping[str, object]) -> str:
    """Put a test's own into a block; what is to be replaced must be there."""
    for theirs, ours in changes.items():
        assert theirs in text, f"{theirs!r} is not in:\n{text}"
        text = text.replace(theirs, str(ours))
    return text


def settings_in(text: str) -> dict[str, str]:
    """Read a block of settings, a variable a line, as a program's environment file has them."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    found = [_SETTING.fullmatch(line) for line in lines]
    assert all(found), f"a line is no setting:\n{text}"
    return {each[1]: each[2] for each in found if each}


def typed(
    text: str, where: Path, environment: Mapping[str, str], *, seconds: float = 60
) -> tuple[int, str]:
    """Type a block as it stands, and give its exit code and all that it said."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", text],
        cwd=where,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=seconds,
        check=False,
    )
    return done.returncode, done.stdout
