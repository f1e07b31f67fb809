"""The course of a case: every round, every contestant in its turn, on one link.

Owns order, cleaning up between turns and taking a reading; figures are `readings.py`'s.
"""

import os
import shutil
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bench.certificate import Certificate
from bench.measure import RunError, Step, run_steps
from bench.rounds import environment
from bench.wan import files
from bench.wan.archived import LOOPBACK, serving_archive
from bench.wan.cases import Case
from bench.wan.contestants import Contestant, Task, contestants
from bench.wan.network import Namespace, Network, host_address, linked
from bench.wan.readings import Line, Turn
from bench.wan.server import Log, serving, urls

LIMIT_SECONDS = 300.0
SAMPLE_SECONDS = 0.1
SLOW = 2.5


@dataclass(frozen=True, slots=True)
class Setup:
    """What all cases share: our program, the link, the certificate, the folder to work in."""

    program: Path
    link: Path
    certificate: Certificate
    folder: Path


def play(case: Case, setup: Setup, rounds: int, only: Sequence[str]) -> tuple[int, list[Line]]:
    """Run a case; return the bytes that each run moves, and each contestant's turns.

    A peer that is much slower than the fastest, or fails, has one turn: more would say no more.
    """
    served = files.provide(case, setup.folder / "data")
    players = [one for one in contestants(case, setup.program) if not only or one.name in only]
    lines = {one.name: Line(one.name, one.title) for one in players}
    with (
        linked(setup.link, [path for path, _ in case.hosts]) as network,
        serving(case, served, network, setup.certificate, setup.folder / "server") as log,
        ExitStack() as stack,
    ):
        folder = setup.folder / "service"
        shutil.rmtree(folder, ignore_errors=True)
        links = urls(served)
        if case.archive:
            authority = setup.certificate.authority
            archive = stack.enter_context(
                serving_archive(links, network.server, setup.program, authority, folder)
            )
            served = archive.served
            links = dict.fromkeys(served.files, archive.url)
        task = Task(case, links, setup.folder / "outputs", setup.certificate.authority)
        stage = _Stage(task, served, network, log)
        for number in range(rounds):
            turn = number % len(players)
            for one in players[turn:] + players[:turn]:
                if not one.ours and _is_out(lines[one.name], lines.values()):
                    continue
                taken = stage.take_turn(one)
                lines[one.name].turns.append(taken)
                print(f"{case.name:12} {one.name:12} {_said(taken)}", flush=True)
    return served.total, list(lines.values())


def _is_out(line: Line, lines: Iterable[Line]) -> bool:
    fastest = min((one.seconds for one in lines if one.seconds is not None), default=0.0)
    return bool(line.failures) or (line.seconds or 0.0) > SLOW * fastest > 0


def _said(turn: Turn) -> str:
    if turn.failure is not None:
        return f"failed: {turn.failure}"
    refused = f", {turn.refused} refused" if turn.refused else ""
    return f"{turn.seconds:7.2f} s, {turn.connections} connections{refused}"


class _Stage:
    """Where contestants take their turns."""

    def __init__(self, task: Task, served: files.Served, network: Network, log: Log) -> None:
        self._served = served
        self._network = network
        self._log = log
        self._task = task

    def take_turn(self, one: Contestant) -> Turn:
        """Run a contestant once; check what it made, and remove it."""
        task = self._task
        shutil.rmtree(task.folder, ignore_errors=True)
        home = task.folder / "home"
        home.mkdir(parents=True)
        if not one.packs:
            task.output.mkdir()
        os.sync()
        self._log.read()
        # Nothing that an earlier turn left behind at home may help a later one.
        told = {**one.variables, "HOME": str(home), "XDG_CACHE_HOME": str(home)}
        told |= {"PACKMULE_CA_FILE": str(task.authority)} if one.ours else {}
        command = self._network.client.command(*one.words(task))
        turn = _measured(Step(command, task.folder, told), self._network.client)
        seen = self._log.read()
        turn = replace(turn, connections=seen.connections, refused=seen.refused)
        try:
            check = files.check_archive if one.packs else files.check_folder
            check(task.output, self._served)
        except RunError as error:
            # What is missing says more than an exit status.
            turn = replace(turn, failure=str(error))
        shutil.rmtree(task.folder, ignore_errors=True)
        return turn


def _measured(step: Step, client: Namespace) -> Turn:
    """Run a program, and watch the link meanwhile."""
    log = step.folder / "output.log"
    with _watched(client) as received:
        try:
            reading = run_steps([step], base_environment(), log, LIMIT_SECONDS)
        except RunError as error:
            return Turn(failure=str(error))
    return Turn(reading.seconds, reading.cpu_seconds, reading.peak_bytes, received=tuple(received))


def base_environment() -> Mapping[str, str]:
    """Return the variables that contestants run with."""
    return environment(None)


@contextmanager
def _watched(client: Namespace) -> Iterator[list[int]]:
    """Note what has come in over the link, every tenth of a second, until the block ends."""
    received: list[int] = []
    over = threading.Event()
    before = client.received_bytes()
    begun = time.monotonic()

    def watch() -> None:
        due = begun + SAMPLE_SECONDS
        while not over.wait(max(due - time.monotonic(), 0)):
            received.append(client.received_bytes() - before)
            due += SAMPLE_SECONDS

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield received
    finally:
        over.set()
        thread.join()
        received.append(client.received_bytes() - before)


def subject_names() -> str:
    """Return the names that the hosts' certificate is for (X.509 subjectAltName)."""
    addresses = [LOOPBACK, *(host_address(number) for number in range(8))]
    return ", ".join(f"IP:{address}" for address in addresses)
