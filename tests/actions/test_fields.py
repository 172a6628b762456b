"""Parameters take what is sound and name what is not."""

from __future__ import annotations

from typing import Any

import pytest

from mcp_server.actions import json_values
from mcp_server.actions.fields import relative_path

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        (".", "."),
        ("./", "."),
        ("src/a.py", "src/a.py"),
        ("./src//a.py", "src/a.py"),
        ("-rf", "-rf"),
        ("..hidden/..x", "..hidden/..x"),
        ("naïve/日本.py", "naïve/日本.py"),
    ],
)
def test_a_path_inside_the_project_is_taken(given: str, taken: str) -> None:
    assert relative_path(given) == taken


@pytest.mark.parametrize(
    "path",
    [
        "../../../etc/passwd",
        "..",
        "src/../../x",
        "src/../x",
        "/etc/passwd",
        "//server/share",
        "C:\\windows",
        "C:x",
        "\\windows",
        "..\\..\\x",
        "~/.ssh/id",
        "~root",
    ],
)
def test_a_path_that_could_leave_the_project_is_directory_traversal(path: str) -> None:
    with pytest.raises(ValueError, match="directory traversal"):
        relative_path(path)


@pytest.mark.parametrize("path", ["a\x00b", "a\nb", "a\x7f", "\ud800"])
def test_a_path_that_no_file_has_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match=r"control character|surrogate"):
        relative_path(path)


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({"data": "x" * 1100}, "too large"),
        ({"n": float("nan")}, "n is not a finite number"),
        ({"n": [1, float("inf")]}, r"n\[1\] is not a finite number"),
        ({"n": 2**64}, "beyond 64 bits"),
        ({"n": {"m": -(2**63) - 1}}, "n.m is an integer beyond 64 bits"),
        ({"s": "\ud800"}, "lone surrogate"),
        ({"\udfff": 1}, "lone surrogate"),
        (nested(70), "nested deeper"),
        ({"n" * 201: 1}, "a name of 201 characters"),
        ({"s": {1, 2}}, "is not JSON"),
    ],
)
def test_what_cannot_be_stored_is_refused_with_its_place(value: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        json_values.check(value, 1000)


def test_sound_json_is_taken_as_it_is() -> None:
    value: dict[str, Any] = {"a": [1, 2.5, True, None, "é"], "b": {"c": {}}, "n": 2**64 - 1}
    assert json_values.check(value, 1000) is value


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"a": 1, "a": 2}', "'a' more than once"),
        ('{"x": {"b": 1, "b": 1}}', "'b' more than once"),
        ('{"a": NaN}', "NaN"),
        ('{"a": -Infinity}', "-Infinity"),
        ('{"a": ', "not JSON"),
        ("", "not JSON"),
        ("[" * 100_000, "nested deeper"),
    ],
)
def test_text_that_is_no_sound_json_is_refused(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        json_values.object_from_text(text)


def test_an_object_sent_as_text_is_parsed_and_anything_else_left() -> None:
    assert json_values.object_from_text('{"a": 1}') == {"a": 1}
    assert json_values.object_from_text({"a": 1}) == {"a": 1}
    assert json_values.object_from_text(3) == 3
