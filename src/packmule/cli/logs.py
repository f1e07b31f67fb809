"""The log: a line an event, for people on a terminal, else JSON for programs.

Owns form and level. What is logged holds no secret and no URL's query: whoever logs sees to that,
and logs a URL by its label only.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packmule.settings import Settings


class JsonLines(logging.Formatter):
    """One JSON object a line: at, level, process, logger, message, trace."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """Write a record."""
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "process": self._process,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class Text(logging.Formatter):
    """A line for people: time, level where it is above info, process, message."""

    def __init__(self, process: str) -> None:
        super().__init__(datefmt="%H:%M:%S")
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """Write a record."""
        level = "" if record.levelno == logging.INFO else f"{record.levelname.lower()}: "
        line = f"{self.formatTime(record, self.datefmt)} {self._process}: {level}"
        line += record.getMessage()
        if record.exc_info:
            line += f"\n{self.formatException(record.exc_info)}"
        return line


def start(settings: Settings, process: str) -> None:
    """Send all of this process's log to its error stream."""
    as_text = settings.log_format == "text" or (
        settings.log_format == "auto" and sys.stderr.isatty()
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Text(process) if as_text else JsonLines(process))
    logging.basicConfig(handlers=[handler], level=settings.log_level.upper(), force=True)
    # At its info level it tells each start how it was built.
    logging.getLogger("alembic").setLevel(logging.WARNING)
