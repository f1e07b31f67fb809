"""The options for how a command prints its result: one text each, shared by all commands."""

from __future__ import annotations

import click

json_line = click.option(
    "--json", "as_json", is_flag=True, help="Print the result as a line of JSON."
)
json_lines = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object per line, with all fields."
)
quiet = click.option("-q", "--quiet", is_flag=True, help="Print only results and errors.")
