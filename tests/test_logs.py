"""A line of the log: what happened, and the facts of it in a form that a machine reads too."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from mcp_server.logs import LineFormatter

pytestmark = pytest.mark.unit


def line(*, as_json: bool = False, message: str = "call", exc_info: Any = None, **facts: Any) -> str:
    record = logging.makeLogRecord({"name": "mcp_server.x", "levelname": "INFO", "msg": message, "created": 0, **facts})
    record.exc_info = exc_info
    return LineFormatter(as_json=as_json).format(record)


def test_it_says_when_how_grave_and_what_and_then_the_facts() -> None:
    assert line(action="start", outcome="success") == (
        "timestamp=1970-01-01T00:00:00Z level=info event=call action=start outcome=success"
    )


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("two words", '"two words"'),
        ("a=b", '"a=b"'),
        ('a "b"', '"a \\"b\\""'),
        ("first\nsecond", '"first\\nsecond"'),
        (None, ""),
        (True, "true"),
        (1.5, "1.5"),
        ("größer", "größer"),
    ],
)
def test_a_value_whose_end_could_not_be_told_is_quoted(value: Any, written: str) -> None:
    assert line(fact=value).endswith(f" fact={written}")


def test_as_json_it_is_one_object() -> None:
    said = json.loads(line(as_json=True, fact="two\nlines", place=pytest))
    assert said["event"] == "call"
    assert said["fact"] == "two\nlines"
    assert "pytest" in said["place"]


def test_a_traceback_stays_on_the_line() -> None:
    with pytest.raises(ValueError, match="the reason") as caught:
        int("the reason")
    said = line(message="defect", exc_info=(caught.type, caught.value, caught.tb))
    assert "\n" not in said
    assert "Traceback" in said
    assert "the reason" in said
