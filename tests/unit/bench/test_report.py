from dataclasses import replace
from pathlib import Path

from bench.records import Record, Run, append, chosen
from bench.report import render
from bench.run import command_line

RUN = Run(
    id="one",
    at="2026-01-02",
    command="make bench",
    scale=1.0,
    machine={"processor": "2 cores"},
    versions={"curl": "8.0"},
    works={"A": "64 x 64 MiB, plain HTTP"},
    titles={"pack": "**packmule pack**", "dd": "`dd`"},
    ways={"pack": "packs", "dd": "writes"},
)


def record(
    contestant: str, seconds: float, run: str = "one", settling: float | None = None
) -> Record:
    return Record(run, "A", contestant, 0, 1_000_000_000, seconds, 0.5, 40_000_000, settling)


def test_the_fastest_stands_first_with_its_ratio_to_ours() -> None:
    text = render([RUN], [record("pack", 4.0, settling=0.25), record("dd", 3.0)])
    rows = [line for line in text.splitlines() if line.startswith(("| `dd`", "| **packmule"))]
    assert rows == [
        "| `dd` | 3.00 | 3.00 to 3.00 | 0.75 |  | 0.50 | 40 | 1 |",
        "| **packmule pack** | 4.00 | 4.00 to 4.00 | 1.00 | 4.25 | 0.50 | 40 | 1 |",
    ]


def test_a_missed_promise_is_called_missed() -> None:
    limits = [record("dd", 3.0), record("curl-null", 2.0)]
    titled = replace(
        RUN, titles=RUN.titles | {"curl-null": "curl"}, ways=RUN.ways | {"curl-null": ""}
    )
    assert "| 1.33 x | at most 1.15 x | **missed** |" in render(
        [titled], [record("pack", 4.0), *limits]
    )


def test_a_failure_is_told_with_its_reason() -> None:
    broken = replace(record("dd", 0.0), failure="no archive was made")
    text = render([RUN], [record("pack", 1.0), broken])
    assert "`dd` failed 1 of 1 rounds: no archive was made" in text


def test_small_data_are_called_a_trial() -> None:
    assert "say nothing about speed" in render([replace(RUN, scale=0.1)], [])
    assert "say nothing about speed" not in render([RUN], [])


def test_readings_come_back_as_they_were_kept(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    for line in (RUN, record("pack", 1.0)):
        append(path, line)
    assert chosen(path, []) == ([RUN], [record("pack", 1.0)])


def test_of_two_runs_of_a_work_the_later_named_speaks(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    second = replace(RUN, id="two")
    for line in (RUN, record("pack", 1.0), second, record("pack", 2.0, "two")):
        append(path, line)
    assert chosen(path, ["one", "two"])[1] == [record("pack", 2.0, "two")]
    assert chosen(path, ["two", "one"])[1] == [record("pack", 1.0)]


def test_the_command_told_names_no_place_of_this_machine() -> None:
    arguments = ["--works", "A", "--dir", "/some/where", "--output=/else", "--rounds", "3"]
    assert command_line(arguments) == 'make bench ARGS="--works A --rounds 3"'
    assert command_line(["--dir=/some/where"]) == "make bench"
