"""What looks like a secret is struck out, and the rest of the line stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packmule.cli.redaction import redact


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("GET https://a.example/f.png?sig=abc&x=1 failed", "GET https://a.example/f.png?… failed"),
        ("at http://ann:hunter2@a.example/f", "at http://…@a.example/f"),
        ("url='https://a.example/f?s=1'", "url='https://a.example/f?…'"),
        ("with url: /path/f?token=abc (Caused by x)", "with url: /path/f?… (Caused by x)"),
        ("see https://a.example/#frag", "see https://a.example/?…"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer …"),
        ("secret whsec_MfKQ9r8GKYqrTwjU+/=", "secret whsec_…"),
        ("postgresql://me:pw@db/packmule", "postgresql://…@db/packmule"),
        (f"scratch/0f/{'0f' * 16}.1.zip", "scratch/0f/0f0f0f0f.1.zip"),
        (f"sha256 {'0f' * 32}", f"sha256 {'0f' * 32}"),
        ("what is it? nobody knows", "what is it? nobody knows"),
        ("GET /archive/get/{archive_hash}.zip: 200", "GET /archive/get/{archive_hash}.zip: 200"),
    ],
)  # fmt: skip
def test_a_secret_is_struck_out_and_the_rest_stays(text: str, left: str) -> None:
    assert redact(text) == left


@given(st.text(alphabet=st.characters(codec="ascii", categories=("L", "N")), min_size=4))
def test_no_query_is_left_of_a_url(secret: str) -> None:
    text = redact(f"error for https://origin.example/x?sig=SEC{secret} and more")
    assert f"SEC{secret}" not in text
    assert text.endswith(" and more")


@pytest.mark.parametrize("piece", ["/", "a.", "a:/", "://", "/?", "Bearer ", "whsec_"])
def test_a_line_takes_time_in_proportion_to_its_length(piece: str) -> None:
    # By the square of it, this would take hours: the test's time limit notices.
    assert redact(f"/{piece * 500_000} /x?a=b").endswith("…")
