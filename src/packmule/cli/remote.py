"""What the commands that use a server share: options, error messages, exit codes.

Owns the translation of the client's errors into a message and an exit code. What is requested is
up to each command.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from packmule.cli import exits, output_options
from packmule.cli.progress_reporter import ProgressReporter
from packmule.cli.tables import harmless, writing_output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from packmule.client import Client, ClientError

_UNUSABLE = frozenset({400, 413, 422})
_TRY_LATER = frozenset({408, 429})


server_option = click.option(
    "--server", metavar="URL", envvar="PACKMULE_SERVER", show_envvar=True,
    help="The server's URL.  [default: http://localhost:8000]",
)  # fmt: skip


def options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that every command using a server has."""
    for option in (output_options.json_line, output_options.quiet, server_option):
        command = option(command)
    return command


@contextmanager
def connect(
    server: str | None,
    *,
    quiet: bool,
    go_on: Callable[[], str],
    where: Callable[[str], str] = lambda pointer: pointer,
) -> Iterator[tuple[Client, ProgressReporter]]:
    """Yield a client of the server and a progress reporter; print errors and set the exit code.

    The bar is cleared with the block's end, so print the result behind it. `go_on` returns what to
    say after ctrl-C: what happened so far, and how to continue. `where` returns what of the command
    a JSON pointer of the server means.
    """
    from packmule.client import Client, ClientError  # noqa: PLC0415 - slow to import

    reporter = ProgressReporter(quiet=quiet)
    try:
        with (
            Client(server, on_retry=reporter.retry) as client,
            writing_output(),
            reporter.bar(),
        ):
            yield client, reporter
    except KeyboardInterrupt:
        click.echo(f"Interrupted. {go_on()}", err=True)
        raise SystemExit(exits.INTERRUPTED) from None
    except ClientError as error:
        click.echo(f"Error: {_message(error, where)}", err=True)
        raise SystemExit(_exit_code(error)) from error


def _message(error: ClientError, where: Callable[[str], str]) -> str:
    """Return an error's text; if it is about parts of the request, with a line for each."""
    listed = getattr(error, "errors", ())
    if not listed:
        return harmless(f"{error} [{error.code}]")
    lines = [harmless(f"{where(each.where)}: {each.detail}") for each in listed]
    return "\n".join([f"The server refused the request. [{error.code}]", *lines])


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
