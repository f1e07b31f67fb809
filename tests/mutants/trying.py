"""Running the tests of a module against its mutations, each in a process forked from a warm one.

Owns importing what the tests need but the module under test and what depends on it, forking for
each mutation, and bounding its time. A fork imports the rest anew, with the mutation in it, so that
constants and defaults count as well as functions do.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import importlib.abc
import importlib.util
import os
import select
import signal
import sys
import time
import traceback
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import ast
    import types
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from importlib.machinery import ModuleSpec

    from tests.mutants.mutating import Mutation
    from tests.mutants.targets import Target

ROOT = Path(__file__).parents[2]
OPTIONS = (
    "-o", "addopts=", "--import-mode=importlib", "-x", "-q", "--no-header", "--tb=no",
    "--assert=plain", "-k", "not postgresql",
    "-p", "no:cacheprovider", "-p", "no:unraisableexception", "-p", "pytest_timeout",
)  # fmt: skip
# Tests that hang notice a mutation as well as those that fail.
PATIENCE = 20.0
SLOWER = 10.0


@dataclass(frozen=True)
class Verdict:
    """What became of a mutation: noticed, or alive."""

    mutation: Mutation
    noticed: bool


class Mutant(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Loads one module from a changed tree."""

    def __init__(self, module: str, path: Path, tree: ast.Module) -> None:
        self._module = module
        self._path = path
        self._tree = tree

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: types.ModuleType | None = None,
    ) -> ModuleSpec | None:
        del path, target
        if fullname != self._module:
            return None
        return importlib.util.spec_from_loader(fullname, self, origin=str(self._path))

    def exec_module(self, module: types.ModuleType) -> None:
        module.__file__ = str(self._path)
        exec(compile(self._tree, str(self._path), "exec"), module.__dict__)  # noqa: S102


def in_a_fork(work: Callable[[], int]) -> int:
    """Start a process that does this work and exits with its answer; return its id."""
    process_id = os.fork()
    if process_id:
        return process_id
    code = 70
    try:
        os.setpgid(0, 0)
        code = work()
    except BaseException:  # noqa: BLE001 - nobody above this to print it
        traceback.print_exc()
    finally:
        os._exit(code)


def run_tests(tests: Iterable[str]) -> int:
    """Run tests in this process, which says nothing; return pytest's exit code."""
    gc.disable()
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
        return int(pytest.main([*OPTIONS, *tests]))


def loaded_by(tests: Iterable[str]) -> tuple[int, list[str], float]:
    """Run the tests once in a fork: their exit code, the modules they load, the seconds taken."""
    began = time.monotonic()
    reading, writing = os.pipe()

    def work() -> int:
        code = run_tests(tests)
        with os.fdopen(writing, "w") as pipe:
            pipe.write("\n".join(sys.modules))
        return code

    process_id = in_a_fork(work)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        names = pipe.read().split("\n")
    return os.waitstatus_to_exitcode(os.waitpid(process_id, 0)[1]), names, time.monotonic() - began


def warm_up(names: Iterable[str], cold: set[str]) -> None:
    """Import modules, but the tests' own and those that must see the mutation."""
    for name in names:
        top = name.partition(".")[0]
        if top in {"tests", "__main__", "conftest"} or name in cold or name in sys.modules:
            continue
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    assert not cold & set(sys.modules), sorted(cold & set(sys.modules))
    gc.freeze()


def passes_unchanged(target: Target, tree: ast.Module) -> bool:
    """Return whether the tests pass where the module is loaded as mutated ones are, but is not."""
    process_id = in_a_fork(lambda: _tried(target, tree))
    return os.waitstatus_to_exitcode(os.waitpid(process_id, 0)[1]) == 0


def verdicts(
    target: Target, tree: ast.Module, mutations: Sequence[Mutation], seconds: float, jobs: int
) -> Iterator[Verdict]:
    """Try each mutation, some side by side."""
    limit = PATIENCE + SLOWER * seconds
    waiting = list(reversed(mutations))
    running: dict[int, tuple[int, Mutation, float]] = {}
    while waiting or running:
        while waiting and len(running) < jobs:
            mutation = waiting.pop()
            process_id = in_a_fork(partial(_tried, target, mutation.apply(tree)))
            running[os.pidfd_open(process_id)] = (process_id, mutation, time.monotonic() + limit)
        for watched in select.select(list(running), [], [], 0.5)[0]:
            process_id, mutation, _ = running.pop(watched)
            os.close(watched)
            code = os.waitstatus_to_exitcode(os.waitpid(process_id, 0)[1])
            yield Verdict(mutation, code != 0)
        for process_id, _, deadline in running.values():
            if time.monotonic() > deadline:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process_id, signal.SIGKILL)


def _tried(target: Target, tree: ast.Module) -> int:
    sys.meta_path.insert(0, Mutant(target.module, ROOT / target.path, tree))
    return run_tests(target.tests)
