"""`packmule migrate-store`: copy the jobs from SQLite to PostgreSQL.

The new database's URL, which may contain a password, can be passed in the environment.
"""

from __future__ import annotations

import click

from packmule.settings.forms import database_url


@click.command("migrate-store")
@click.option(
    "--from", "old", required=True, metavar="URL", help="The current database: sqlite:///PATH."
)
@click.option(
    "--to", "new", required=True, metavar="URL", envvar="PACKMULE_DATABASE_URL",
    help="The new, empty database: postgresql://…  [env: PACKMULE_DATABASE_URL]",
)  # fmt: skip
def migrate_store(old: str, new: str) -> None:
    """Copy all jobs from SQLite to an empty PostgreSQL database.

    Stop the service first. Either everything is copied or nothing. The old database and the
    archives stay as they are, and running jobs continue from their last checkpoint.
    """
    from packmule.errors import UsageError  # noqa: PLC0415
    from packmule.wiring.moving import move  # noqa: PLC0415

    try:
        urls = database_url(old), database_url(new)
    except ValueError as error:
        raise UsageError(f"Invalid database URL: {error}.") from error
    moved = move(*urls)
    copied = (f"{number} {table.replace('_', ' ')}" for table, number in moved.items())
    click.echo(f"Copied {', '.join(copied)}")
    click.echo("Start the service with PACKMULE_DATABASE_URL set to the new database.")
