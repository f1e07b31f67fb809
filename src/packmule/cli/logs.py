"""The log: a line an event, for people on a terminal, else JSON for programs.

Owns form and level. Every line carries the fields that hold where it is written (the job and its
attempt, the request), as `telemetry.context` keeps them, lines of libraries too. What is logged
holds no secret and no URL's query: whoever logs sees to that, and logs a URL by its label only.
Libraries do not know this law, so they are heard from warnings on, whatever the level, and what
looks like a secret in any line is struck out by `redaction.py`.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from math import isfinite
from typing import TYPE_CHECKING

from packmule.cli.redaction import redact
from packmule.cli.tables import harmless
from packmule.telemetry.context import fields_of

if TYPE_CHECKING:
    from packmule.settings import Settings


class JsonLines(logging.Formatter):
    """One JSON object a line: at, level, process, logger, message, the fields, trace."""

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
            "message": redact(record.getMessage()),
            **{name: _value(each) for name, each in fields_of(record).items()},
        }
        if record.exc_info:
            line["trace"] = redact(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


class Text(logging.Formatter):
    """A line for people: time, level where it is above info, process, message, the fields."""

    def __init__(self, process: str) -> None:
        super().__init__(datefmt="%H:%M:%S")
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """Write a record."""
        level = "" if record.levelno == logging.INFO else f"{record.levelname.lower()}: "
        line = f"{self.formatTime(record, self.datefmt)} {self._process}: {level}"
        line += " ".join(redact(record.getMessage()).split())
        fields = " ".join(f"{name}={_value(each)}" for name, each in fields_of(record).items())
        if fields:
            line += f"  [{fields}]"
        lines = [line]
        if record.exc_info:
            lines += redact(self.formatException(record.exc_info)).split("\n")
        return "\n".join(map(harmless, lines))


def _value(given: object) -> str | int | float | bool | None:
    """Return a field's value as JSON can hold it, without what looks like a secret."""
    if given is None or isinstance(given, int) or (isinstance(given, float) and isfinite(given)):
        return given
    return redact(str(given))


def start(settings: Settings, process: str) -> None:
    """Send all of this process's log to its error stream."""
    as_text = settings.log_format == "text" or (
        settings.log_format == "auto" and sys.stderr.isatty()
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Text(process) if as_text else JsonLines(process))
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    # At its lower levels a library tells what we never would: SQLAlchemy rows, httpx whole URLs.
    logging.basicConfig(handlers=[handler], level=max(level, logging.WARNING), force=True)
    logging.getLogger("packmule").setLevel(level)
