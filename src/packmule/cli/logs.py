"""The log: one line per event, as text on a terminal, else as JSON.

Owns format and level. Every line carries the fields of its context (job, attempt, request), kept by
`telemetry.context`; so do the lines of libraries. A line has the first 8 digits of a job's hash; as
JSON, also the ID of the job's trace. Code that logs leaves out secrets and the queries of URLs.
Libraries do not, so they log only warnings and errors whatever the level, and `redaction.py`
redacts what looks like a secret in any line.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from math import isfinite
from typing import TYPE_CHECKING

from packmule.cli.redaction import redact, redact_secrets
from packmule.cli.tables import harmless
from packmule.telemetry.context import fields_of
from packmule.telemetry.trace_ids import ids_of

if TYPE_CHECKING:
    from packmule.settings import Settings


# These may look like a hash, and are looked for as they are.
_IDS = frozenset({"request", "trace_id"})


class JsonLines(logging.Formatter):
    """One JSON object per line: at, level, process, logger, message, the fields, trace."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """Format a record."""
        fields = fields_of(record)
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "process": self._process,
            "logger": record.name,
            "message": redact(record.getMessage()),
            **{name: _value(name, each) for name, each in fields.items()},
        }
        if "job" in fields:  # it is of the job's trace, whatever the caller's is
            line["trace_id"] = f"{ids_of(str(fields['job'])).trace:032x}"
        if record.exc_info:
            line["trace"] = redact(self.formatException(record.exc_info))
        return _printable(json.dumps(line, ensure_ascii=False))


class Text(logging.Formatter):
    """One line of text: time, process, level unless it is info, message, the fields."""

    def __init__(self, process: str) -> None:
        super().__init__(datefmt="%H:%M:%S")
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """Format a record."""
        level = "" if record.levelno == logging.INFO else f"{record.levelname.lower()}: "
        line = f"{self.formatTime(record, self.datefmt)} {self._process}: {level}"
        line += " ".join(redact(record.getMessage()).split())
        fields = " ".join(
            f"{name}={_value(name, each)}" for name, each in fields_of(record).items()
        )
        if fields:
            line += f"  [{fields}]"
        lines = [line]
        if record.exc_info:
            lines += redact(self.formatException(record.exc_info)).split("\n")
        return "\n".join(map(harmless, lines))


def _printable(text: str) -> str:
    """Return JSON with what is not printable escaped: a log is read on terminals, too."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else json.dumps(each)[1:-1] for each in text)


def _value(name: str, given: object) -> str | int | float | bool | None:
    """Return a field's value as a JSON value, without what looks like a secret."""
    if given is None or isinstance(given, int) or (isinstance(given, float) and isfinite(given)):
        return given
    return redact_secrets(str(given)) if name in _IDS else redact(str(given))


def start(settings: Settings, process: str) -> None:
    """Log everything in this process to standard error."""
    as_text = settings.log_format == "text" or (
        settings.log_format == "auto" and sys.stderr.isatty()
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Text(process) if as_text else JsonLines(process))
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    # At lower levels libraries log what we never would: SQLAlchemy rows, httpx whole URLs.
    logging.basicConfig(handlers=[handler], level=max(level, logging.WARNING), force=True)
    logging.getLogger("packmule").setLevel(level)
