"""The command line: one program, each command imported only when it is used.

Owns the list of commands, and how errors are told: a sentence, and 2 where what was asked for is at
fault, else 1. Leaves what a command does to its own file.
"""

from __future__ import annotations

import atexit
import gc
from importlib import import_module
from typing import TYPE_CHECKING, cast

import click

import packmule
from packmule.cli import exits
from packmule.errors import PackmuleError, UsageError

if TYPE_CHECKING:
    from typing import Any

# Command: where it is. Those that `serve` starts by itself are not shown.
COMMANDS = {
    "serve": "packmule.cli.serve:serve",
    "worker": "packmule.cli.serve:worker",
    "api": "packmule.cli.serve:api",
    "create": "packmule.cli.create:create",
    "status": "packmule.cli.status:status",
    "fetch": "packmule.cli.fetch:fetch",
    "cancel": "packmule.cli.status:cancel",
    "retry": "packmule.cli.status:retry",
    "delete": "packmule.cli.status:delete",
    "pack": "packmule.cli.pack:pack",
    "verify": "packmule.cli.verify:verify",
    "jobs": "packmule.cli.jobs:jobs",
    "webhooks": "packmule.cli.webhooks:webhooks",
    "keys": "packmule.cli.keys:keys",
    "settings": "packmule.cli.show:settings",
    "openapi": "packmule.cli.show:openapi",
    "manual": "packmule.cli.show:manual",
    "completion": "packmule.cli.completion:completion",
    "migrate": "packmule.cli.serve:migrate",
    "migrate-store": "packmule.cli.moving:migrate_store",
}

_GARBAGE_THRESHOLD = 100_000


class CommandError(click.ClickException):
    """An error of ours, told on the command line."""


class CommandUsageError(CommandError):
    """One that whoever typed the command can mend."""

    exit_code = 2


class Commands(click.Group):
    """The commands by name; nothing of one is imported for another."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """List the names in the order in which one meets them."""
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        # Nearly everything made lives until the end: looking for garbage so often finds none.
        gc.set_threshold(_GARBAGE_THRESHOLD)
        # Nor is it worth finding at the very end, which would take as long as all the rest of it.
        atexit.register(gc.freeze)
        module, _, name = COMMANDS[cmd_name].partition(":")
        return cast("click.Command", getattr(import_module(module), name))

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command and tell its errors."""
        try:
            return super().invoke(ctx)
        except PackmuleError as error:
            kind = CommandUsageError if isinstance(error, UsageError) else CommandError
            raise kind(str(error)) from error
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            raise SystemExit(exits.INTERRUPTED) from None


@click.command(cls=Commands)
@click.version_option(packmule.__version__, prog_name="packmule")
def main() -> None:
    """Turn a list of public links into one ZIP archive.

    \b
    On a server (PACKMULE_SERVER, PACKMULE_API_KEY):
      packmule create -i urls.txt
      packmule fetch HASH -o out.zip

    \b
    Without one:
      packmule pack -i urls.txt -o out.zip

    Exit status: 0 done; 1 failed, or not wholly done; 2 not understood; 3 the server cannot be
    reached, try later; 4 the time is over, the job goes on; 130 interrupted.
    """  # noqa: D301  # \b is click's mark of lines that stay as they are
