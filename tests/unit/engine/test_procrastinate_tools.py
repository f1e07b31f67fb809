"""What Procrastinate's own tools do to the fleet's queue: no job is lost by it."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import subprocess
import sys
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import procrastinate
import pytest
from procrastinate.jobs import Job, Status
from sqlalchemy import text
from tests.fakes.jobs import no_defer, request

from packmule.cleanup.reconciling import Reconciler, ToBeDone
from packmule.engine.interface import Task
from packmule.engine.postgres import PostgresEngine
from packmule.engine.procrastinate_queue import ProcrastinateQueue
from packmule.engine.shared_transaction import at_once, manager_of
from packmule.jobs import database
from packmule.jobs.store import JobStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from packmule.engine.queue import Leased

SCALING = Path(__file__).parents[3] / "docs/scaling.md"
STATES = text("SELECT status::text FROM procrastinate_jobs ORDER BY id")


@pytest.fixture
def db(postgres_with_tables: str) -> Iterator[Engine]:
    engine = database.connect(postgres_with_tables)
    yield engine
    engine.dispose()


def put_in(db: Engine, *tasks: Task) -> None:
    with database.writing(db) as connection:
        for task in tasks:
            PostgresEngine(db).defer(connection, task)


def states(db: Engine) -> list[str]:
    with database.reading(db) as connection:
        return list(connection.scalars(STATES))


def a_worker(db: Engine) -> ProcrastinateQueue:
    queue = ProcrastinateQueue(db, lambda: 0.0, lease=15.0)
    queue.free_the_gone()
    return queue


def run_stock_worker(url: str) -> None:
    """Run a worker of Procrastinate that knows none of our tasks, until nothing is left to do."""
    logging.getLogger("procrastinate").setLevel(logging.CRITICAL)
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=url))

    async def work() -> None:
        async with app.open_async():
            await app.run_worker_async(wait=False, install_signal_handlers=False)

    asyncio.run(work())


def test_jobs_whose_tasks_a_stock_worker_has_ended_get_others(
    db: Engine, postgres_with_tables: str
) -> None:
    store, engine = JobStore(db), PostgresEngine(db)
    wanted = [
        Task("build", store.create(request(), defer=no_defer), client=str(n)) for n in range(3)
    ]
    put_in(db, *wanted)
    run_stock_worker(postgres_with_tables)
    assert states(db) == ["failed"] * 3

    def to_do(after: int, most: int) -> list[ToBeDone]:
        return [
            ToBeDone(job.id, Task("build", job.hash, job.priority, client=job.client))
            for job in store.still_open(after, most)
        ]

    Reconciler([to_do], engine, lambda: database.writing(db)).sweep("all", Event())
    queue = a_worker(db)
    found = queue.find_due(0.0, {"build": 9}, ())["build"]
    taken = queue.exchange((), (), found).leased
    assert {task.key for task in taken} == {task.key for task in wanted}


def test_what_another_program_puts_into_our_queue_does_not_stop_us(db: Engine) -> None:
    put_in(db, Task("build", "a" * 32))
    foreign = Job(
        id=None, queue="build", lock=None, queueing_lock=None, task_name="theirs.task", priority=9
    )
    with database.writing(db) as connection:
        at_once(manager_of(connection).defer_job_async(foreign))
    queue = a_worker(db)
    leased: list[Leased] = []
    for _ in range(2):
        found = queue.find_due(0.0, {"build": 1}, ())["build"]
        leased += queue.exchange((), (), found).leased
    assert [task.key for task in leased] == ["a" * 32]
    assert states(db) == ["doing", "failed"]


def test_a_foreign_task_of_a_dead_worker_is_left_alone(db: Engine) -> None:
    foreign = Job(id=None, queue="theirs", lock=None, queueing_lock=None, task_name="theirs.task")
    with database.writing(db) as connection:
        jobs = manager_of(connection)
        at_once(jobs.defer_job_async(foreign))
        dead = at_once(jobs.register_worker())
        at_once(jobs.fetch_job(queues=["theirs"], worker_id=dead))
        connection.execute(text("UPDATE procrastinate_workers SET last_heartbeat = 'epoch'"))
    queue = a_worker(db)
    vars(queue).update(_beat_at=float("-inf"), _judge_at=float("-inf"))
    queue.free_the_gone()
    assert states(db) == ["doing"]


@pytest.mark.parametrize(("hours", "left"), [(23, ["failed"]), (25, [])])
def test_what_tools_have_ended_is_removed_after_a_day(
    db: Engine, hours: int, left: list[str]
) -> None:
    put_in(db, Task("build", "a" * 32))
    with database.writing(db) as connection:
        jobs = manager_of(connection)
        job = at_once(jobs.fetch_job(queues=None, worker_id=at_once(jobs.register_worker())))
        assert job is not None
        at_once(jobs.finish_job(job, Status.FAILED, delete_job=False))
        ago = text("UPDATE procrastinate_events SET at = now() - make_interval(hours => :hours)")
        connection.execute(ago, {"hours": hours})
    a_worker(db)
    assert states(db) == left


def run_tool(folder: Path, url: str, *arguments: str, typed: str = "") -> str:
    """Run Procrastinate's program with the file that docs/scaling.md shows; give its output."""
    (app,) = re.findall(r"```python\n(import os.*?)```", SCALING.read_text(), re.DOTALL)
    (folder / "fleet_queue.py").write_text(app)
    command = [sys.executable, "-m", "procrastinate", "--app=fleet_queue.app", *arguments]
    path = f"{folder}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    env = {**os.environ, "PACKMULE_DATABASE_URL": url, "PYTHONPATH": path}
    ended = subprocess.run(
        command, env=env, input=typed, capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_the_health_checks_and_the_shell_work_as_the_documents_say(
    db: Engine, postgres_with_tables: str, tmp_path: Path
) -> None:
    put_in(db, Task("build", "a" * 32))
    assert "procrastinate_jobs table: OK" in run_tool(
        tmp_path, postgres_with_tables, "healthchecks"
    )
    told = run_tool(tmp_path, postgres_with_tables, "shell", typed="list_queues\nexit\n")
    assert "build: 1 jobs (todo: 1" in told
