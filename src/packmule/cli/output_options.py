"""The options that commands share, one text each: how a result is printed, and manifests."""

from __future__ import annotations

import click

json_line = click.option(
    "--json", "as_json", is_flag=True, help="Print the result as a line of JSON."
)
json_lines = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object per line, with all fields."
)
quiet = click.option("-q", "--quiet", is_flag=True, help="Print only results and errors.")


class ManifestCommand(click.Command):
    """A command with `--manifest`, whose value is only what follows `=`, never the next link."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse, with the option's usual value where it stands alone."""
        whole = [f"{each}=sums" if each == "--manifest" else each for each in args]
        return super().parse_args(ctx, whole)


manifest = click.option(
    "--manifest", is_flag=False, flag_value="sums", default="none",
    type=click.Choice(["none", "sums", "bagit"]),
    help="Add SHA256SUMS and sources.csv to the archive, or with --manifest=bagit make it a BagIt "
    "bag.",
)  # fmt: skip
