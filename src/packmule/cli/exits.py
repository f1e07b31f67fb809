"""How the commands end: what their exit codes mean, the same for all that ask a server.

Owns the numbers. docs/cli.md lists them, and tests/spec/test_commands.py holds them.
"""

from __future__ import annotations

FAILED = 1
"""It was not done, or not wholly: the job failed, a file is missing, the server refused."""
USAGE = 2
"""The command was not understood, or asks for what cannot be done."""
TRY_LATER = 3
"""The server cannot be reached, or takes no more now; nothing is wrong with the command."""
TIME_OVER = 4
"""The time given with --timeout is over; the job goes on."""
INTERRUPTED = 130
"""Ctrl-C; what was said tells how to go on."""
