"""The fields of a line: of the block, of the thread, or taken along."""

from __future__ import annotations

import logging
import threading

from packmule.telemetry.context import about, as_extra, current, fields_of, note


def line() -> logging.LogRecord:
    return logging.LogRecord("x", logging.INFO, __file__, 1, "said", (), None)


def test_fields_hold_for_the_block_and_add_up() -> None:
    with about(request="r"):
        with about(job="j", attempt=2):
            assert dict(fields_of(line())) == {"request": "r", "job": "j", "attempt": 2}
        assert dict(current()) == {"request": "r"}
    assert dict(current()) == {}


def test_a_note_holds_until_the_block_ends() -> None:
    with about(request="r"):
        note(job="j")
        assert dict(current()) == {"request": "r", "job": "j"}
    assert dict(current()) == {}


def test_another_thread_has_no_fields_unless_they_are_taken_along() -> None:
    found: list[dict[str, object]] = []
    with about(job="j"):
        extra = as_extra()

        def work() -> None:
            record = line()
            found.append(dict(fields_of(record)))
            vars(record).update(extra)
            found.append(dict(fields_of(record)))

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert found == [{}, {"job": "j"}]
