"""`packmule completion`: the script for completing commands and options in a shell.

The scripts are click's: click.palletsprojects.com, "Shell Completion".
"""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

VARIABLE = "_PACKMULE_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the shell completion script.

    \b
    Add to your shell's startup file:
      bash   eval "$(packmule completion bash)"
      zsh    eval "$(packmule completion zsh)"    (after compinit)
      fish   packmule completion fish | source

    Exit status: 0 printed; 2 unsupported shell.
    """  # noqa: D301
    found = get_completion_class(shell)
    assert found is not None  # noqa: S101  # click has these three
    click.echo(found(context.find_root().command, {}, "packmule", VARIABLE).source())
