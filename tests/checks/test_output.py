"""What a program wrote is shown as plain text, whatever bytes it was."""

from __future__ import annotations

import pytest

from mcp_server.checks.output import Output

pytestmark = pytest.mark.unit


def text(tail: bytes, size: int | None = None) -> str:
    return Output(sha256="", size=len(tail) if size is None else size, lines=0, tail=tail).text


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (b"", ""),
        (b"a\tb\nc", "a\tb\nc"),
        ("grüß dich ☕".encode(), "grüß dich ☕"),
        (b"\xff\xfea\x80", "\ufffd\ufffda\ufffd"),
        (b"\0\x01a\x07\x7f", "a"),
        (b"10%\r20%\r\ndone\r\n", "10%\n20%\ndone\n"),
        (b"\x1b[1;31mred\x1b[0m \x1b[?25l\x1b[2Kx", "red x"),
        (b"\x1b]0;title\x07a\x1b]8;;http://x\x1b\\b\x1b]8;;\x1b\\", "ab"),
        (b"\x1b]never ended\nFAILED", "\nFAILED"),
        (b"\x1bPq#0\x1b\\a\x1b(Bb\x1b=c\x1b", "abc"),
        ("a\u202eb\u2066c\x9b\x85d".encode(), "abcd"),
    ],
)
def test_it_is_plain_text(written: bytes, shown: str) -> None:
    assert text(written) == shown


def test_a_character_that_the_cut_went_through_is_left_out() -> None:
    whole = "☕☕".encode()
    assert [text(whole[cut:], len(whole)) for cut in range(1, 4)] == ["☕"] * 3


def test_what_begins_wrongly_by_itself_is_not_hidden() -> None:
    assert text(b"\x80\x80a") == "\ufffd\ufffda"
