"""Asking a server on the command line: which one, how errors are told, how a command ends.

Owns the options that all such commands share, and the translation of the client's errors into a
sentence and an exit code. Leaves what is asked to each command.
"""

from __future__ import annotations

import re
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import click

from packmule.cli import exits
from packmule.cli.tables import harmless
from packmule.cli.watching import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from packmule.client import Client, ClientError

_HASH = re.compile(r"[0-9a-f]{32}")
_UNUSABLE = frozenset({400, 413, 422})
_TRY_LATER = frozenset({408, 429})


class Hash(click.ParamType[str]):
    """An archive's hash, or a link that ends in it: of its status, or of its download."""

    name = "hash"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Read it."""
        last = str(value).rstrip("/").rpartition("/")[2].removesuffix(".zip")
        if not _HASH.fullmatch(last):
            self.fail(f"{value!r} is no hash: that has 32 digits, 0-9 and a-f.", param, ctx)
        return last


hash_argument = click.argument("archive_hash", metavar="HASH", type=Hash())


def options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that all who ask a server have."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Tell the result as one JSON line."),
        click.option("-q", "--quiet", is_flag=True, help="No progress; only results and errors."),
        click.option(
            "--server", metavar="URL", envvar="PACKMULE_SERVER", show_envvar=True,
            help="The server to ask.  [default: http://localhost:8000]",
        ),
    ):  # fmt: skip
        command = option(command)
    return command


@contextmanager
def asking(
    server: str | None, *, quiet: bool, go_on: Callable[[], str]
) -> Iterator[tuple[Client, Watch]]:
    """Give a client of the server, and what tells its progress; tell what goes wrong.

    `go_on` says, for whoever has pressed ctrl-C, what became of it and how to go on.
    """
    from packmule.client import Client, ClientError  # noqa: PLC0415 - slow to import

    watch = Watch(quiet=quiet)
    try:
        with Client(server, on_trouble=watch.trouble) as client, watch.bar():
            yield client, watch
    except KeyboardInterrupt:
        click.echo(f"Interrupted. {go_on()}", err=True)
        raise SystemExit(exits.INTERRUPTED) from None
    except ClientError as error:
        click.echo(f"Error: {_sentence(error)}", err=True)
        raise SystemExit(_code(error)) from error
    except BrokenPipeError:
        raise  # whoever reads the output has enough; click ends quietly
    except OSError as error:
        click.echo(f"Error: The output cannot be written: {error.strerror or error}.", err=True)
        with suppress(OSError):
            sys.stdout.close()  # or the interpreter would try once more at its end
        raise SystemExit(exits.FAILED) from error


def _sentence(error: ClientError) -> str:
    items = [f"\n  {each.where}: {each.detail}" for each in getattr(error, "errors", ())]
    text = f"{error} [{error.code}]{''.join(items)}"
    return "\n".join(map(harmless, text.split("\n")))


def _code(error: ClientError) -> int:
    from packmule.client import (  # noqa: PLC0415
        BadAnswer,
        RequestRefused,
        ServerUnreachable,
        WaitTimeout,
    )

    match error:
        case WaitTimeout():
            return exits.TIME_OVER
        case ServerUnreachable() | BadAnswer():
            return exits.TRY_LATER
        case RequestRefused(status=status) if status in _UNUSABLE:
            return exits.USAGE
        case RequestRefused(status=status) if status in _TRY_LATER or status >= 500:  # noqa: PLR2004
            return exits.TRY_LATER
        case _:
            return exits.FAILED
