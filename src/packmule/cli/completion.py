"""`packmule completion`: the script that has a shell complete our commands and options.

Leaves the scripts to click, whose own they are: click.palletsprojects.com, "Shell Completion".
"""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

VARIABLE = "_PACKMULE_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script that completes commands and options in a shell.

    \b
    Put into the shell's own start-up file:
      bash   eval "$(packmule completion bash)"
      zsh    eval "$(packmule completion zsh)"
      fish   packmule completion fish | source

    Exit status: 0; 2 no such shell.
    """  # noqa: D301
    found = get_completion_class(shell)
    assert found is not None  # noqa: S101  # click has these three
    click.echo(found(context.find_root().command, {}, "packmule", VARIABLE).source())
