"""The log: a line an event, text for people, JSON for programs."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

import pytest

from packmule.cli import logs
from packmule.settings import read
from packmule.telemetry.context import about
from packmule.telemetry.trace_ids import ids_of


def record(message: str, *arguments: object, level: int = logging.INFO) -> logging.LogRecord:
    return logging.LogRecord("packmule.test", level, __file__, 1, message, arguments, None)


def test_json_is_one_object_a_line_with_everything_in_it() -> None:
    line = logs.JsonLines("api").format(record("job %s:\nfailed", "ü"))
    assert "\n" not in line
    document = json.loads(line)
    at = datetime.fromisoformat(document.pop("at"))
    assert (datetime.now(UTC) - at).total_seconds() < 3600
    assert document == {
        "level": "info",
        "process": "api",
        "logger": "packmule.test",
        "message": "job ü:\nfailed",
    }


def test_json_holds_nothing_that_changes_a_terminal() -> None:
    hostile = "a\x1b[2J\x7f\x9b2J\u202e\u2028\ue000\U000e0001\udc80ü"
    line = logs.JsonLines("api").format(record("%s", hostile))
    assert line.isprintable()
    assert "ü" in line
    assert json.loads(line)["message"] == hostile


def test_json_names_the_trace_of_the_job_that_it_is_about() -> None:
    hash_ = "0f" * 16
    with about(job=hash_, attempt=2):
        document = json.loads(logs.JsonLines("worker").format(record("job started")))
    assert document["trace_id"] == f"{ids_of(hash_).trace:032x}"


def test_json_keeps_the_trace() -> None:
    event = record("failed")
    error = ValueError("because")
    event.exc_info = (ValueError, error, None)
    assert json.loads(logs.JsonLines("api").format(event))["trace"].endswith("ValueError: because")


def test_text_names_the_level_only_above_info() -> None:
    form = logs.Text("worker")
    assert form.format(record("begun")).endswith(" worker: begun")
    assert form.format(record("lost", level=logging.ERROR)).endswith(" worker: error: lost")


@pytest.mark.parametrize(
    ("chosen", "terminal", "is_json"),
    [("auto", True, False), ("auto", False, True), ("json", True, True), ("text", False, False)],
)
def test_the_form_is_as_set_or_as_the_reader_needs_it(
    chosen: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    terminal: bool,
    is_json: bool,
) -> None:
    root, ours = logging.getLogger(), logging.getLogger("packmule")
    before = (root.handlers[:], root.level, ours.level)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    try:
        logs.start(read({"PACKMULE_LOG_FORMAT": chosen, "PACKMULE_LOG_LEVEL": "warning"}), "api")
        logging.getLogger("packmule.test").info("not said")
        logging.getLogger("packmule.test").warning("said")
    finally:
        root.handlers[:], root.level = before[:2]
        ours.setLevel(before[2])
    [line] = capsys.readouterr().err.splitlines()
    assert "said" in line
    assert line.startswith("{") is is_json


def test_a_line_carries_the_fields_that_hold_where_it_is_written() -> None:
    with about(job="0f" * 16, attempt=2):
        document = json.loads(logs.JsonLines("worker").format(record("begun")))
        text = logs.Text("worker").format(record("begun"))
    assert (document["job"], document["attempt"]) == ("0f0f0f0f", 2)
    assert text.endswith(" worker: begun  [job=0f0f0f0f attempt=2]")


@pytest.mark.parametrize("form", [logs.JsonLines("worker"), logs.Text("worker")])
def test_no_line_holds_a_whole_hash(form: logging.Formatter) -> None:
    hash_ = "0123456789abcdef" * 2
    event = record("removed scratch/01/%s.1.zip", hash_)
    error = OSError(2, "No such file", f"/data/scratch/01/{hash_}.1.zip")
    event.exc_info = (OSError, error, None)
    with about(job=hash_, file=f"{hash_}.zip"):
        line = form.format(event)
    assert hash_ not in line
    assert line.count(hash_[:8]) == 4


def test_the_ids_of_requests_and_traces_stay_whole() -> None:
    id_, trace = "ab" * 16, "cd" * 16
    with about(request=id_, trace_id=trace):
        document = json.loads(logs.JsonLines("api").format(record("request answered")))
    assert (document["request"], document["trace_id"]) == (id_, trace)


def test_a_field_tells_no_secret_and_is_json() -> None:
    with about(
        url="https://a.example/f?signature=topsecret", rate=float("nan"), of=ValueError("x")
    ):
        line = logs.JsonLines("worker").format(record("fetched"))
        text = logs.Text("worker").format(record("fetched"))
    document = json.loads(line, parse_constant=pytest.fail)
    assert (document["url"], document["rate"], document["of"]) == (
        "https://a.example/f?…", "nan", "x",
    )  # fmt: skip
    assert text.endswith("[url=https://a.example/f?… rate=nan of=x]")


def test_a_line_of_text_is_one_line_that_does_nothing_to_a_terminal() -> None:
    with about(name="a\x1b[2Jb"):
        text = logs.Text("worker").format(
            record("said %s", "x\r\n12:00:00 worker: all is well\x07")
        )
    assert text.endswith("worker: said x 12:00:00 worker: all is well�  [name=a�[2Jb]")


def test_libraries_are_heard_from_warnings_on_whatever_the_level(
    capsys: pytest.CaptureFixture[str],
) -> None:
    root, ours = logging.getLogger(), logging.getLogger("packmule")
    before = (root.handlers[:], root.level, ours.level)
    try:
        logs.start(read({"PACKMULE_LOG_FORMAT": "json", "PACKMULE_LOG_LEVEL": "debug"}), "api")
        logging.getLogger("httpx").info("GET https://a.example/?signature=topsecret")
        logging.getLogger("httpx").warning("GET https://a.example/?signature=topsecret")
        logging.getLogger("packmule.web").debug("said")
    finally:
        root.handlers[:], root.level = before[:2]
        ours.setLevel(before[2])
    foreign, own = map(json.loads, capsys.readouterr().err.splitlines())
    assert foreign["message"] == "GET https://a.example/?…"
    assert own["message"] == "said"


def test_the_trace_of_a_foreign_error_tells_no_secret() -> None:
    event = record("failed")
    error = ValueError("https://ann:topsecret@a.example/f?signature=topsecret")
    event.exc_info = (ValueError, error, None)
    assert "topsecret" not in logs.JsonLines("api").format(event)
    assert "topsecret" not in logs.Text("api").format(event)
