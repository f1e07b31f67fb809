"""`packmule migrate-store`: from one machine's database to a fleet's.

Owns the command. The new database's URL, which may hold a password, can come by the environment.
"""

from __future__ import annotations

import click

from packmule.settings.forms import database_url


@click.command("migrate-store")
@click.option(
    "--from", "old", required=True, metavar="URL", help="The database now: sqlite:///PATH."
)
@click.option(
    "--to", "new", required=True, metavar="URL", envvar="PACKMULE_DATABASE_URL",
    help="The empty database to be: postgresql://…  [env: PACKMULE_DATABASE_URL]",
)  # fmt: skip
def migrate_store(old: str, new: str) -> None:
    """Carry all jobs from SQLite into an empty PostgreSQL database.

    Stop the service first. All is carried or nothing, the old database is left as it is, and jobs
    that were under way go on from their last checkpoint. Archives stay where they are.
    """
    from packmule.errors import UsageError  # noqa: PLC0415
    from packmule.wiring.moving import move  # noqa: PLC0415

    try:
        urls = database_url(old), database_url(new)
    except ValueError as error:
        raise UsageError(f"A database's URL cannot be used: {error}.") from error
    moved = move(*urls)
    click.echo(f"carried {', '.join(f'{number} {name}' for name, number in moved.items())}")
    click.echo("Start the service with PACKMULE_DATABASE_URL set to the new database.")
