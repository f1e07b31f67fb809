"""`python -m packmule`."""

from packmule.cli import main

main(prog_name="packmule")
