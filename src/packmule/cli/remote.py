"""What the commands that use a server share: options, error messages, exit codes.

Owns the translation of the client's errors into a message and an exit code. What is requested is
up to each command.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import click

from packmule.cli import exits, output_options
from packmule.cli.progress_reporter import ProgressReporter
from packmule.cli.tables import harmless

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from packmule.client import Client, ClientError

_UNUSABLE = frozenset({400, 413, 422})
_TRY_LATER = frozenset({408, 429})


def options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that every command using a server has."""
    for option in (
        output_options.json_line,
        output_options.quiet,
        click.option(
            "--server", metavar="URL", envvar="PACKMULE_SERVER", show_envvar=True,
            help="The server's URL.  [default: http://localhost:8000]",
        ),
    ):  # fmt: skip
        command = option(command)
    return command


@contextmanager
def connect(
    server: str | None, *, quiet: bool, go_on: Callable[[], str]
) -> Iterator[tuple[Client, ProgressReporter]]:
    """Yield a client of the server and a progress reporter; print errors and set the exit code.

    `go_on` returns what to say after ctrl-C: what happened so far, and how to continue.
    """
    from packmule.client import Client, ClientError  # noqa: PLC0415 - slow to import

    reporter = ProgressReporter(quiet=quiet)
    try:
        with Client(server, on_retry=reporter.retry) as client, reporter.bar():
            yield client, reporter
    except KeyboardInterrupt:
        click.echo(f"Interrupted. {go_on()}", err=True)
        raise SystemExit(exits.INTERRUPTED) from None
    except ClientError as error:
        click.echo(f"Error: {_message(error)}", err=True)
        raise SystemExit(_exit_code(error)) from error
    except BrokenPipeError:
        raise  # whoever reads the output has enough; click ends quietly
    except OSError as error:
        click.echo(f"Error: Cannot write the output: {error.strerror or error}.", err=True)
        with suppress(OSError):
            sys.stdout.close()  # or the interpreter would try once more at its end
        raise SystemExit(exits.FAILED) from error


def _message(error: ClientError) -> str:
    items = [f"\n  {each.where}: {each.detail}" for each in getattr(error, "errors", ())]
    text = f"{error} [{error.code}]{''.join(items)}"
    return "\n".join(map(harmless, text.split("\n")))


def _exit_code(error: ClientError) -> int:
    from packmule.client import (  # noqa: PLC0415
        APIStatusError,
        ConnectionError,
        InvalidResponseError,
        WaitTimeout,
    )

    match error:
        case WaitTimeout():
            return exits.TIME_OVER
        case ConnectionError() | InvalidResponseError():
            return exits.TRY_LATER
        case APIStatusError(status_code=status) if status in _UNUSABLE:
            return exits.USAGE
        case APIStatusError(status_code=status) if status in _TRY_LATER or status >= 500:  # noqa: PLR2004
            return exits.TRY_LATER
        case _:
            return exits.FAILED
