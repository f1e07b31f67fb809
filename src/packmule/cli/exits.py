"""Exit codes, the same for all commands that use a server.

docs/cli.md lists them, and tests/spec/test_commands.py checks them.
"""

from __future__ import annotations

FAILED = 1
"""The job failed, a file is missing, or the server refused the request."""
USAGE = 2
"""The command is invalid, or asks for something impossible."""
TRY_LATER = 3
"""The server cannot be reached or is too busy; the command itself is fine."""
TIME_OVER = 4
"""The --timeout is over; the job goes on."""
INTERRUPTED = 130
"""Ctrl-C; the message says how to continue."""
