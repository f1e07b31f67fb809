"""`packmule serve` and its processes, API and worker, each restarted if it dies.

Owns the commands and their flags, which are generated from the table of settings. `serve` itself
imports neither server nor database: its children do.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import click

from packmule import settings as settings_module
from packmule.cli import listening, logs, open_files, parent_watch, service_lock
from packmule.cli.supervisor import Supervisor
from packmule.telemetry import tracing

if TYPE_CHECKING:
    from collections.abc import Callable

    from packmule.settings import Settings

_log = logging.getLogger(__name__)

# What is written is for this user only; an archive for a proxy's group is made readable by itself.
_UMASK = 0o077

# Seconds for a migration to end when `serve` has ended: its transaction is undone.
_MIGRATION_GRACE = 5.0

# Passed by `serve` to its children.
_PARENT = click.option("--parent", type=int, hidden=True)


def with_flags(command: Callable[..., None]) -> Callable[..., None]:
    """Add a flag to a command for each setting that is not secret."""
    for setting in reversed(settings_module.TABLE):
        if setting.flag is not None:
            command = click.option(
                setting.flag,
                setting.field,
                metavar="VALUE",
                help=f"{setting.help[0].upper()}{setting.help[1:]}.  [{setting.shown_default}]",
            )(command)
    return command


def _environment(flags: dict[str, str | None]) -> dict[str, str]:
    """Return the environment with the flags as variables."""
    given = {
        setting.name: value
        for setting in settings_module.TABLE
        if (value := flags.get(setting.field)) is not None
    }
    return dict(os.environ) | given


def _begin(process: str, parent: int | None) -> Settings:
    """Set up a process of the service."""
    os.umask(_UMASK)
    settings = settings_module.read(os.environ)
    logs.start(settings, process)
    tracing.start(os.environ, process)
    if parent is not None:
        parent_watch.stop_with_parent(parent, grace=settings.drain_timeout + settings.drain_delay)
    open_files.raise_limit()
    return settings


def _upgrade(settings: Settings) -> None:
    # Imported by whoever upgrades alone, for what it imports takes long.
    from packmule.wiring.migrating import migrate as upgrade  # noqa: PLC0415

    upgrade(settings)


@click.command()
@with_flags
def serve(**flags: str | None) -> None:
    """Run the service: API, web page, downloads and jobs.

    Every flag is also an environment variable; `packmule settings` lists them.
    """
    os.umask(_UMASK)
    environment = _environment(flags)
    settings = settings_module.read(environment)
    logs.start(settings, "serve")
    address = listening.address_of(settings.host)
    held = listening.hold_port(address, settings.port)
    lock = service_lock.hold(settings.data_dir)
    program = [sys.executable, "-m", "packmule"]
    parent = ["--parent", str(os.getpid())]
    supervisor = Supervisor(
        {name: [*program, name, *parent] for name in ("api", "worker")},
        environment,
        drain_timeout=settings.drain_timeout + settings.drain_delay,
    )
    with held, lock:
        migrate_first = [*program, "migrate", *parent]
        migrated = subprocess.run(migrate_first, env=environment, check=False)  # noqa: S603  # ourselves
        if migrated.returncode:
            sys.exit(migrated.returncode)
        code = supervisor.run(
            lambda: listening.answers(address, settings.port),
            lambda: _log.info(
                "listening on %s data_dir=%s",
                f"http://{f'[{address}]' if ':' in address else address}:{settings.port}",
                settings.data_dir,
            ),
        )
    sys.exit(code)


@click.command()
@_PARENT
def worker(parent: int | None) -> None:
    """Run only a worker, configured by environment variables."""
    settings = _begin("worker", parent)
    from packmule.wiring.worker import run_worker  # noqa: PLC0415

    if parent is None:
        _upgrade(settings)
    stop = threading.Event()

    def ask_to_stop(_number: int, _frame: object) -> None:
        # Before the event is set: a handler that interrupts this one would wait for its lock.
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, signal.SIG_DFL)  # a second one ends it at once
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask_to_stop)
    run_worker(settings, stop)
    tracing.stop()


@click.command()
@_PARENT
def api(parent: int | None) -> None:
    """Run only the API, configured by environment variables."""
    settings = _begin("api", parent)
    from packmule.web.server import ConnectionLimits, Stopping  # noqa: PLC0415
    from packmule.web.server import serve as serve_app  # noqa: PLC0415
    from packmule.wiring.api import make_app  # noqa: PLC0415
    from packmule.wiring.stores import open_stores  # noqa: PLC0415

    if parent is None:
        _upgrade(settings)
    stopping = Stopping(settings.drain_delay)
    with open_stores(settings) as stores:
        app = make_app(settings, stores, stopping)
        address = listening.address_of(settings.host)
        serve_app(
            app,
            address,
            settings.port,
            stopping=stopping,
            limits=ConnectionLimits(
                connections=settings.connections,
                max_head_bytes=settings.max_head_bytes,
                send_timeout=settings.send_timeout,
                proxies=settings.trusted_proxies,
            ),
        )
    tracing.stop()
    # The server's threads may still be closing connections. They would return to an interpreter
    # that is being finalized, and abort the process: so it exits without finalizing.
    logging.shutdown()
    os._exit(0)


@click.command(hidden=True)
@_PARENT
def migrate(parent: int | None) -> None:
    """Upgrade the job database to this version; `serve` does this first."""
    os.umask(_UMASK)
    settings = settings_module.read(os.environ)
    logs.start(settings, "migrate")
    if parent is not None:
        parent_watch.stop_with_parent(parent, grace=_MIGRATION_GRACE)
    _upgrade(settings)
