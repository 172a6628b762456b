"""JSON and YAML become plain data with lines, and what a definition has no use for is refused with its line."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_server.definitions.documents import DocumentError, read_json, read_yaml

pytestmark = pytest.mark.unit


def test_json_keeps_its_values_and_knows_their_lines() -> None:
    text = '{\n\t"a": [1,\n  {"b: {": "x\\"}"}],\n"c": -1.5e3, "d": null\n}'
    document = read_json(text)
    assert document.data == json.loads(text)
    assert document.lines[("a",)] == 2
    assert document.lines[("a", 1, "b: {")] == 3
    assert document.line(("c",)) == 4
    assert document.line(("a", 7, "x")) == 2
    assert document.line(("zzz",)) == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)


@given(data=JSON, indent=st.sampled_from([None, 1, "\t"]), ascii_only=st.booleans())
def test_any_json_is_read_as_the_library_reads_it(data: Any, indent: Any, *, ascii_only: bool) -> None:
    text = json.dumps(data, indent=indent, ensure_ascii=ascii_only)
    assert read_json(text).data == data


@pytest.mark.requirement("format:bad-documents")
@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("", 1, "not valid JSON"),
        ('{"a": 1,\n"b": 2,}', 2, "not valid JSON"),
        ('{"a": 1\n', 2, "not valid JSON"),
        ('{"a": 1,\n "b": {"c": 1,\n"c": 2}}', 3, "has the key 'c' twice"),
        ("[" * 61 + "]" * 61, 1, "nested more than 60"),
        ("[" * 100_000, 1, "nested more than 60"),
        ('{"a":\nNaN}', 2, "not finite"),
        ("[1e999]", 1, "not finite"),
        ("9" * 5_000, 1, "not valid JSON"),
    ],
)
def test_json_that_is_not_usable_is_refused_with_its_line(text: str, line: int, reason: str) -> None:
    with pytest.raises(DocumentError, match=reason) as refused:
        read_json(text)
    assert refused.value.line == line


def test_yaml_keeps_its_values_and_knows_their_lines() -> None:
    document = read_yaml(
        "a: 1\nb:\n  - x: yes\n    y: 2030-01-31\n  - [1.5, ~]\non: 'off'\n1: |\n  text\nlast: &unused 0x1f\n"
    )
    assert document.data == {
        "a": 1,
        "b": [{"x": True, "y": "2030-01-31"}, [1.5, None]],
        "on": "off",
        "1": "text\n",
        "last": 31,
    }
    assert document.line(("b", 0, "y")) == 4
    assert document.line(("b", 1, 0)) == 5


@pytest.mark.requirement("format:bad-documents")
@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("", 1, "is empty"),
        ("# only a comment\n", 1, "is empty"),
        ("a: 1\nb: [1", 2, "not valid YAML"),
        ("a: 1\n\tb: 2", 2, "not valid YAML"),
        ("a: \x00", 1, "not valid YAML"),
        ("a:\n  b: 1\n  b: 2", 3, "has the key 'b' twice"),
        ("a: &x [1]\nb: *x", 2, "uses an alias"),
        ("a: &x 1\nb:\n  <<: *x", 3, "tag:yaml.org,2002:merge"),
        ("a: !!python/object/apply:os.system [id]", 1, "uses the tag"),
        ("a: !own {b: 1}", 1, "uses the tag"),
        ("a: !own x", 1, "uses the tag"),
        ("a: !!binary aGk=", 1, "uses the tag"),
        ("a: !!int x", 1, "cannot be read"),
        ("a: " + "9" * 5_000, 1, "cannot be read"),
        ("a: .inf", 1, "not finite"),
        ("a: .nan", 1, "not finite"),
        ("? [1]\n: 2", 1, "key that is not plain text"),
        ("a: 1\n---\nb: 2", 3, "more than one document"),
        ("1\n---\n2", 3, "more than one document"),
        ("[" * 5_000, 1, "nested more than 60"),
    ],
)
def test_yaml_that_is_not_usable_is_refused_with_its_line(text: str, line: int, reason: str) -> None:
    with pytest.raises(DocumentError, match=reason) as refused:
        read_yaml(text)
    assert refused.value.line == line
