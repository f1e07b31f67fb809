"""The command line: one program, whose commands are imported only when used.

Owns the list of commands and the form of errors: a message, and exit code 2 if the command itself
is wrong, else 1. What a command does is in its own file.
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

# Command: its module and function.
COMMANDS = {
    "serve": "packmule.cli.serve:serve",
    "worker": "packmule.cli.serve:worker",
    "api": "packmule.cli.serve:api",
    "create": "packmule.cli.create:create",
    "status": "packmule.cli.status:status",
    "files": "packmule.cli.files:files",
    "fetch": "packmule.cli.fetch:fetch",
    "cancel": "packmule.cli.status:cancel",
    "retry": "packmule.cli.status:retry",
    "finish": "packmule.cli.status:finish",
    "delete": "packmule.cli.status:delete",
    "pack": "packmule.cli.pack:pack",
    "list": "packmule.cli.list_command:list_",
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

# Library that `pip install packmule` leaves out: the extra that brings it (pyproject.toml).
EXTRAS = {
    "alembic": "server",
    "fastapi": "server",
    "granian": "server",
    "jinja2": "server",
    "markupsafe": "server",
    "prometheus_client": "server",
    "pydantic": "server",
    "pydantic_core": "server",
    "sqlalchemy": "server",
    "starlette": "server",
    "boto3": "s3",
    "botocore": "s3",
    "urllib3": "s3",
    "procrastinate": "postgres",
    "psycopg": "postgres",
    "opentelemetry": "otel",
}

_GARBAGE_THRESHOLD = 100_000


class CommandError(click.ClickException):
    """An error to print on the command line."""


class CommandUsageError(CommandError):
    """An error that can be fixed by changing the command."""

    exit_code = 2


def extra_of(module: str) -> str | None:
    """Return the extra that brings a module that is missing; None if none does."""
    return EXTRAS.get(module.partition(".")[0])


class Commands(click.Group):
    """The commands by name. Running one does not import another."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """List the names in the order in which people need them."""
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        # Nearly every object lives until the end, so frequent garbage collection finds nothing.
        gc.set_threshold(_GARBAGE_THRESHOLD)
        # The collection at exit would take as long as everything else in a short command.
        atexit.register(gc.freeze)
        module, _, name = COMMANDS[cmd_name].partition(":")
        return cast("click.Command", getattr(import_module(module), name))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or raise an error that suggests one with a similar name."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-") and not ctx.resilient_parsing:
            raise click.exceptions.NoSuchCommand(name, possibilities=COMMANDS, ctx=ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command and print its errors."""
        try:
            return super().invoke(ctx)
        except PackmuleError as error:
            kind = CommandUsageError if isinstance(error, UsageError) else CommandError
            raise kind(str(error)) from error
        except ModuleNotFoundError as error:
            extra = extra_of(error.name or "")
            if extra is None:
                raise
            raise CommandError(
                f"This needs {error.name}, which is not installed. Install it with: "
                f"pip install 'packmule[{extra}]'"
            ) from error
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            raise SystemExit(exits.INTERRUPTED) from None


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(packmule.__version__, prog_name="packmule")
def main() -> None:
    """Turn a list of public links into one ZIP archive.

    \b
    On a server:
      packmule create -i urls.txt
      packmule fetch HASH -o out.zip

    \b
    Without one:
      packmule pack -i urls.txt -o out.zip

    \b
    Environment variables:
      PACKMULE_SERVER   URL of the server that commands use
      PACKMULE_API_KEY  API key, if the server requires one
      PACKMULE_...      settings of `serve` and `pack`; `packmule settings` lists them

    Exit status: 0 success; 1 failed, or a file is missing; 2 invalid command; 3 cannot reach the
    server, try later; 4 timed out, the job goes on; 130 interrupted.
    """  # noqa: D301  # \b is click's mark of lines that stay as they are
